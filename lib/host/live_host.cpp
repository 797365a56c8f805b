#include "host/live_host.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <memory>

#include "base/error.h"
#include "base/strings.h"
#include "helpers/systemd_helper.h"
#include "host/own_cgroup.h"
#include "os/file.h"
#include "os/privilege.h"
#include "os/spawn.h"
#include "settings/options.h"

namespace lxcri::host {

namespace {

// "cpu,cpuacct", "systemd" for "name=systemd".
std::string directory_name(const cgroup::Hierarchy& hierarchy) {
    if (hierarchy.version == 2) return "unified";
    std::string name = join(hierarchy.controllers, ",");
    constexpr std::string_view kNamed = "name=";
    return name.starts_with(kNamed) ? name.substr(kNamed.size()) : name;
}

// A user who is not root of the host begins in their own cgroup: elsewhere they may make none.
std::string default_parent(const cgroup::Layout& layout) {
    if (os::is_host_root() || layout.mode != cgroup::Mode::unified) return {};
    const auto own = own_cgroup(layout);
    if (own.directories.empty()) return {};
    const auto& directory = own.directories.front();
    return concat(directory.path.substr(directory.mount_point.size()), "/");
}

}  // namespace

std::string find_rootfs(const oci::Spec& spec, const std::string& bundle) {
    const std::string path =
        spec.root.path.starts_with('/') ? spec.root.path : concat(bundle, "/", spec.root.path);
    const auto fail = [&](int code) {
        return SpecError("/root/path", concat(in_quotes(path), ": ", errno_text(code)));
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

translate::Host look_at_host(const settings::Options& options, cgroup::Layout layout) {
    translate::Host host;
    host.options = options;
    host.ordinary_user = os::is_ordinary_user();
    host.privileged = os::is_host_root();
    host.last_capability = -1;
    for (int number = 0; number < 64; ++number) {
        const int bounded = ::prctl(PR_CAPBSET_READ, number, 0, 0, 0);
        if (bounded == -1) break;  // EINVAL: beyond the last one
        host.last_capability = number;
        if (bounded == 1)
            host.bounding_capabilities |= std::uint64_t{1} << static_cast<unsigned>(number);
    }
    if (options.cgroup_driver == cgroup::Driver::systemd) {
        host.user_manager = helpers::find_user_manager();
    }
    host.cgroup_parent = default_parent(layout);
    host.may_enter_cgroup_late = options.cgroup_driver == cgroup::Driver::cgroupfs;
    host.unified_cgroups = layout.mode == cgroup::Mode::unified;
    host.cgroup_layout = std::move(layout);
    host.environment = os::own_environment();
    return host;
}

void look_at_cgroup(const std::string& path, translate::Host& host) {
    const cgroup::Layout& layout = host.cgroup_layout;
    const cgroup::Record own = path.empty() ? own_cgroup(layout) : cgroup::Record{};
    for (const auto& hierarchy : layout.hierarchies) {
        const auto is_its = [&](const cgroup::Directory& directory) {
            return directory.mount_point == hierarchy.mount_point;
        };
        const auto found = std::find_if(own.directories.begin(), own.directories.end(), is_its);
        if (path.empty() && found == own.directories.end()) continue;
        host.cgroups.push_back(
            {directory_name(hierarchy), hierarchy.mount_point,
             path.empty() ? found->path : concat(hierarchy.mount_point, "/", path)});
    }
}

void look_for_system_container(translate::Host& host) {
    for (const char* path : {"/dev/fuse", "/dev/net/tun"}) {
        struct stat status {};
        if (::stat(path, &status) == -1 || !S_ISCHR(status.st_mode)) continue;
        host.system_devices.push_back({path, major(status.st_rdev), minor(status.st_rdev)});
    }
    host.random_uuid = os::read_file_at(AT_FDCWD, "/proc/sys/kernel/random/uuid");
    while (host.random_uuid.ends_with('\n')) host.random_uuid.pop_back();
}

}  // namespace lxcri::host
