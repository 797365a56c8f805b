#include "runtime/live_host.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdlib>
#include <memory>

#include "base/error.h"
#include "base/strings.h"
#include "os/file.h"
#include "runtime/options.h"

namespace lxcri::runtime {

namespace {

// "cpu,cpuacct", "systemd" for "name=systemd".
std::string directory_name(const cgroup::Hierarchy& hierarchy) {
    if (hierarchy.version == 2) return "unified";
    std::string name = join(hierarchy.controllers, ",");
    constexpr std::string_view kNamed = "name=";
    return name.starts_with(kNamed) ? name.substr(kNamed.size()) : name;
}

}  // namespace

std::string find_rootfs(const oci::Spec& spec, const std::string& bundle) {
    const std::string path =
        spec.root.path.starts_with('/') ? spec.root.path : concat(bundle, "/", spec.root.path);
    const auto fail = [&](int code) {
        return SpecError("/root/path", concat(quoted(path), ": ", errno_text(code)));
    };
    const std::unique_ptr<char, void (*)(void*)> real(::realpath(path.c_str(), nullptr), ::free);
    if (!real) throw fail(errno);
    struct stat status {};
    if (::stat(real.get(), &status) == -1) throw fail(errno);
    if (!S_ISDIR(status.st_mode)) throw fail(ENOTDIR);
    return real.get();
}

bool has_apparmor() {
    const auto enabled = os::find_file_at(AT_FDCWD, "/sys/module/apparmor/parameters/enabled");
    return enabled && enabled->starts_with('Y');
}

// What libselinux does: the filesystem is registered only when the module is on.
bool has_selinux() {
    return os::read_file_at(AT_FDCWD, "/proc/filesystems").find("\tselinuxfs\n") !=
           std::string::npos;
}

translate::Host look_at_host(const Options& options, const cgroup::Layout& layout,
                             const std::string& cgroup_path) {
    translate::Host host;
    host.runtime_root = options.root;
    host.libexec_dir = options.libexec_dir;
    host.keep_monitor = options.keep_monitor;
    host.privileged = ::geteuid() == 0;
    host.last_capability = -1;
    for (int number = 0; number < 64; ++number) {
        const int bounded = ::prctl(PR_CAPBSET_READ, number, 0, 0, 0);
        if (bounded == -1) break;  // EINVAL: beyond the last one
        host.last_capability = number;
        if (bounded == 1)
            host.bounding_capabilities |= std::uint64_t{1} << static_cast<unsigned>(number);
    }
    host.unified_cgroups = layout.mode == cgroup::Mode::unified;
    for (const auto& hierarchy : layout.hierarchies) {
        host.cgroups.push_back({directory_name(hierarchy), hierarchy.mount_point,
                                concat(hierarchy.mount_point, "/", cgroup_path)});
    }
    return host;
}

}  // namespace lxcri::runtime
