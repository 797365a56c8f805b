#include "support/environment.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <stdexcept>
#include <utility>

#include "base/kernel_mount.h"
#include "os/unique_fd.h"
#include "support/files.h"
#include "support/process.h"

namespace lxcri::test {

namespace fs = std::filesystem;

namespace {

std::string variable(const char* name) {
    const char* value = std::getenv(name);
    return value ? value : "";
}

bool is_cgroup2(const fs::path& path) {
    struct statfs info;
    return statfs(path.c_str(), &info) == 0 && info.f_type == CGROUP2_SUPER_MAGIC;
}

CgroupLayout detect_layout() {
    if (is_cgroup2("/sys/fs/cgroup")) return CgroupLayout::kV2;
    return is_cgroup2("/sys/fs/cgroup/unified") ? CgroupLayout::kHybrid : CgroupLayout::kV1;
}

Environment detect() {
    Environment result;
    result.must_run = variable("LXCRI_MUST_RUN") == "1" || variable("CI") == "true";
    result.runtime = variable("LXCRI_RUNTIME");
    if (result.runtime.empty()) result.runtime = LXCRI_TEST_RUNTIME;
    result.probe = variable("LXCRI_TEST_PROBE");
    if (result.probe.empty()) result.probe = LXCRI_TEST_PROBE;
    result.layout = detect_layout();
    if (fs::exists(result.runtime)) {
        const std::string text =
            run_command({result.runtime, "--version"}, {.environment = Strings{"PATH=/bin"}}).out;
        result.runtime_name = text.substr(0, text.find(' '));
    }
    return result;
}

}  // namespace

const Environment& environment() {
    static const Environment result = detect();
    return result;
}

std::optional<std::string> make_view() {
    const std::string view = variable("LXCRI_TEST_VIEW");
    if (geteuid() != 0) return std::nullopt;  // the tests say themselves what they need
    if (unshare(CLONE_NEWNS) < 0 ||
        mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) < 0) {
        return "no private mount namespace";
    }
    const CgroupLayout layout = detect_layout();
    if (view.empty() || view == "host") return std::nullopt;
    if (view == "v2") {
        if (layout == CgroupLayout::kV2) return std::nullopt;
        // Everything that stands there goes first, so that mountinfo tells the same story.
        for (const Hierarchy& hierarchy : cgroup_hierarchies()) {
            umount2(hierarchy.mount_point.c_str(), MNT_DETACH);
        }
        umount2("/sys/fs/cgroup", MNT_DETACH);
        if (mount("none", "/sys/fs/cgroup", "cgroup2", 0, nullptr) < 0) {
            return "cgroup2 cannot be mounted";
        }
        return std::nullopt;
    }
    if (view == "v1") {
        if (layout == CgroupLayout::kV2) return "this machine has no cgroup v1 hierarchies";
        if (layout == CgroupLayout::kHybrid) umount2("/sys/fs/cgroup/unified", MNT_DETACH);
        return std::nullopt;
    }
    throw std::runtime_error("LXCRI_TEST_VIEW is host, v1 or v2, not '" + view + "'");
}

void protect_machine() {
    if (geteuid() != 0) return;
    // Found before /proc changes its mind about what is mounted.
    (void)environment();
    std::vector<fs::path> mount_points;
    for (const std::string& line : lines_of(read_file("/proc/self/mountinfo"))) {
        const std::string point = split(line, ' ').at(4);
        const bool kernel_interface =
            point.starts_with("/proc") || point.starts_with("/sys") || point.starts_with("/dev");
        if (!kernel_interface) mount_points.emplace_back(point);
    }
    const fs::path base = environment().runtime.string().starts_with("/mnt/") ||
                                  environment().probe.string().starts_with("/mnt/")
                              ? "/srv"
                              : "/mnt";
    for (const fs::path& point : mount_points) {
        struct statfs info;
        if (statfs(point.c_str(), &info) < 0) continue;
        const auto kept = static_cast<unsigned long>(info.f_flags) &
                          (MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME | MS_NODIRATIME);
        if (mount(nullptr, point.c_str(), nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY | kept,
                  nullptr) < 0 &&
            point == "/") {
            throw std::runtime_error("the machine's files cannot be protected");
        }
    }
    std::vector<std::pair<fs::path, const char*>> own = {{base, "mode=0755"},
                                                         {"/run", "mode=0755"},
                                                         {"/dev/shm", "mode=1777"},
                                                         {"/tmp", "mode=1777"}};
    // systemd is spoken to through these; and this build may be below /tmp. Copies, because what is
    // there gets covered.
    std::vector<fs::path> needed = {"/run/systemd", "/run/dbus", "/run/user"};
    for (const fs::path& place : {environment().runtime.parent_path().parent_path(),
                                  environment().probe.parent_path(), fs::path(LXCRI_TEST_DATA)}) {
        if (place.string().starts_with("/tmp/")) needed.push_back(place);
    }
    std::vector<std::pair<fs::path, os::UniqueFd>> kept;
    for (const fs::path& place : needed) {
        const long copy = syscall(SYS_open_tree, AT_FDCWD, place.c_str(),
                                  OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
        if (copy >= 0) kept.emplace_back(place, os::UniqueFd(static_cast<int>(copy)));
    }
    for (const auto& [place, mode] : own) {
        if (mount("tmpfs", place.c_str(), "tmpfs", 0, mode) < 0) {
            throw std::runtime_error("cannot mount a tmpfs on " + place.string());
        }
    }
    for (const auto& [place, copy] : kept) {
        fs::create_directories(place);
        if (syscall(SYS_move_mount, copy.get(), "", AT_FDCWD, place.c_str(),
                    MOVE_MOUNT_F_EMPTY_PATH) < 0) {
            throw std::runtime_error("cannot mount " + place.string());
        }
    }
    set_temp_base(base);
}

bool has_systemd() {
    return environment().layout == CgroupLayout::kV2 && fs::is_directory("/run/systemd/system") &&
           read_file("/proc/1/comm") == "systemd\n";
}

bool is_virtual_machine() {
    return variable("LXCRI_TEST_VM") == "1";
}

std::optional<std::string> need_root() {
    if (geteuid() == 0) return std::nullopt;
    return "needs root";
}

std::optional<std::string> need_runtime() {
    if (auto missing = need_root()) return missing;
    if (!environment().runtime_name.empty()) return std::nullopt;
    return "needs the runtime '" + environment().runtime.string() + "' (LXCRI_RUNTIME)";
}

bool enough_descriptors() {
    rlimit limit{};
    return getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur >= 256;
}

bool in_first_view() {
    const std::string view = variable("LXCRI_TEST_VIEW");
    return (view.empty() || view == "host") && enough_descriptors();
}

std::string engine_example(std::string_view name) {
    // The virtual machine has only what is installed.
    const fs::path prefix = environment().runtime.parent_path().parent_path();
    std::string text;
    for (const fs::path& directory :
         {fs::path(LXCRI_TEST_DATA "/../packaging/engines"), prefix / "share/doc/lxcri/examples"}) {
        if (text.empty()) text = read_file(directory / name);
    }
    constexpr std::string_view kInstalled = "/usr/bin/lxcri";
    const std::size_t at = text.find(kInstalled);
    if (at == std::string::npos) throw std::runtime_error("no example for an engine");
    return text.replace(at, kInstalled.size(), environment().runtime.string());
}

fs::path find_program(std::string_view name) {
    for (const char* folder : {"/usr/bin", "/usr/sbin", "/usr/local/bin", "/bin", "/sbin"}) {
        fs::path path = fs::path(folder) / name;
        if (access(path.c_str(), X_OK) == 0) return path;
    }
    return {};
}

std::optional<std::string> need_program(std::string_view name) {
    if (!find_program(name).empty()) return std::nullopt;
    return "needs the program '" + std::string(name) + "'";
}

std::optional<std::string> need_capability(int number, std::string_view name) {
    const std::string text = line_after(read_file("/proc/self/status"), "CapEff:");
    if (std::stoull(text, nullptr, 16) >> number & 1) return std::nullopt;
    return "needs " + std::string(name);
}

std::vector<Hierarchy> cgroup_hierarchies() {
    std::vector<Hierarchy> result;
    for (const std::string& line : lines_of(read_file("/proc/self/mountinfo"))) {
        const std::vector<std::string> fields = split(line, ' ');
        const auto dash = std::find(fields.begin(), fields.end(), "-");
        if (fields.end() - dash < 4 || !dash[1].starts_with("cgroup")) continue;
        Hierarchy hierarchy{fields[4], {}, dash[1] == "cgroup2"};
        // A mount that another one covers is out of reach.
        if (hierarchy.v2 != is_cgroup2(hierarchy.mount_point)) continue;
        if (!hierarchy.v2) hierarchy.controllers = split(dash[3], ',');
        result.push_back(hierarchy);
    }
    return result;
}

bool has_controller(std::string_view controller) {
    for (const Hierarchy& hierarchy : cgroup_hierarchies()) {
        if (hierarchy.v2 && environment().layout == CgroupLayout::kV2 && controller == "devices") {
            return true;
        }
        const std::vector<std::string> controllers =
            hierarchy.v2 ? split(read_file(hierarchy.mount_point / "cgroup.controllers"), ' ')
                         : hierarchy.controllers;
        for (const std::string& name : controllers) {
            if (line_after(name, "") == controller) return true;
        }
    }
    return false;
}

fs::path cgroup_of(pid_t pid, std::string_view controller) {
    const std::string text = read_file("/proc/" + std::to_string(pid) + "/cgroup");
    const bool v2 = environment().layout == CgroupLayout::kV2;
    for (const std::string& line : lines_of(text)) {
        const std::size_t first = line.find(':');
        const std::size_t second = line.find(':', first + 1);
        const std::vector<std::string> names =
            split(line.substr(first + 1, second - first - 1), ',');
        const bool found = v2 ? line.starts_with("0::")
                              : std::find(names.begin(), names.end(), controller) != names.end();
        if (!found) continue;
        for (const Hierarchy& hierarchy : cgroup_hierarchies()) {
            const auto& known = hierarchy.controllers;
            if (v2 ? hierarchy.v2
                   : std::find(known.begin(), known.end(), controller) != known.end()) {
                return fs::path(hierarchy.mount_point.string() + line.substr(second + 1));
            }
        }
    }
    return {};
}

std::vector<fs::path> find_cgroups(std::string_view part) {
    std::vector<fs::path> result;
    for (const Hierarchy& hierarchy : cgroup_hierarchies()) {
        const std::size_t prefix = hierarchy.mount_point.string().size();
        std::error_code error;
        fs::recursive_directory_iterator entries(
            hierarchy.mount_point, fs::directory_options::skip_permission_denied, error);
        for (; !error && entries != fs::end(entries); entries.increment(error)) {
            std::error_code ignored;
            if (entries->is_symlink(ignored) || !entries->is_directory(ignored)) continue;
            if (contains(entries->path().string().substr(prefix), part)) {
                result.push_back(entries->path());
            }
        }
    }
    std::sort(result.begin(), result.end());
    return result;
}

void destroy_cgroups(std::string_view part) {
    std::vector<fs::path> found = find_cgroups(part);
    std::reverse(found.begin(), found.end());  // children before their parents
    for (const fs::path& directory : found) {
        for (const std::string& line : lines_of(read_file(directory / "cgroup.procs"))) {
            const pid_t pid = static_cast<pid_t>(std::stol(line));
            kill(pid, SIGKILL);
            wait_until_dead(pid);
        }
    }
    (void)living_children();  // reaps: a zombie keeps its cgroup
    for (const fs::path& directory : found) rmdir(directory.c_str());
}

bool has_working_criu() {
    if (is_virtual_machine()) return true;
    const std::filesystem::path criu = find_program("criu");
    return !criu.empty() && run_command({criu, "check"}).code() == 0;
}

}  // namespace lxcri::test
