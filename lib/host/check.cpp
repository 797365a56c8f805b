// check: programs, privileges, cgroups, security. The kernel is in check_kernel.cpp.

#include "host/check.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/error.h"
#include "base/strings.h"
#include "cgroup/layout.h"
#include "cgroup/permission.h"
#include "helpers/ask_program.h"
#include "helpers/criu_helper.h"
#include "helpers/helper_image.h"
#include "host/liblxc_version.h"
#include "host/live_host.h"
#include "oci/names.h"
#include "os/capabilities.h"
#include "os/check.h"
#include "os/file.h"
#include "os/process.h"
#include "os/user_namespace.h"

namespace lxcri::host {

namespace {

bool is_executable(const std::string& path) {
    return ::access(path.c_str(), X_OK) == 0;
}

std::string first_line(const std::string& text) {
    return text.substr(0, text.find('\n'));
}

Finding check_helper(const settings::Options& options, const std::string& name, Severity missing,
                     std::string_view use) {
    const std::string path = concat(options.libexec_dir, "/", name);
    if (is_executable(path)) return {"programs", name, Severity::ok, path};
    return {"programs", name, missing, concat("missing: ", path, "; ", use)};
}

std::string find_in_usual_places(const std::string& name) {
    for (const char* directory : {"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin",
                                  "/sbin", "/bin", "/run/current-system/sw/bin"}) {
        std::string path = concat(directory, "/", name);
        if (is_executable(path)) return path;
    }
    return {};
}

Finding check_program(const std::string& name, std::string_view use) {
    const std::string path = find_in_usual_places(name);
    if (!path.empty()) return {"programs", name, Severity::ok, path};
    return {"programs", name, Severity::note, concat("not found: ", use)};
}

// Its version, and what it says of this kernel.
Finding check_criu(const settings::Options& options) {
    std::string path;
    try {
        path = helpers::find_criu(options);
    } catch (const Error& error) {
        return {"programs", "CRIU", Severity::note, error.what()};
    }
    const helpers::ProgramAnswer version = helpers::ask_program(path, {"--version"});
    if (::geteuid() != 0) return {"programs", "CRIU", Severity::ok, version.text};
    const helpers::ProgramAnswer answer = helpers::ask_program(path, {"check"});
    return {"programs", "CRIU", answer.success ? Severity::ok : Severity::warning,
            concat(version.text, "; `criu check`: ", answer.text)};
}

// Which controllers the processes here can be limited by.
std::vector<std::string> available_controllers(const cgroup::Layout& layout) {
    std::vector<std::string> names;
    for (const auto& hierarchy : layout.hierarchies) {
        if (hierarchy.version == 1) {
            names.insert(names.end(), hierarchy.controllers.begin(), hierarchy.controllers.end());
            continue;
        }
        const auto text =
            os::find_file_at(AT_FDCWD, concat(hierarchy.mount_point, "/cgroup.controllers"));
        for (const std::string& name : split(first_line(text.value_or("")), ' ')) {
            if (!name.empty()) names.push_back(name);
        }
    }
    std::sort(names.begin(), names.end());
    return names;
}

std::string_view describe(cgroup::Mode mode) {
    switch (mode) {
        case cgroup::Mode::none:
            return "none is mounted: no container can have limits";
        case cgroup::Mode::legacy:
            return "version 1";
        case cgroup::Mode::hybrid:
            return "version 1 controllers, and version 2 beside them";
        case cgroup::Mode::unified:
            return "version 2";
    }
    return {};
}

Finding check_controller(const std::vector<std::string>& available, const std::string& name,
                         const cgroup::Layout& layout) {
    if (std::find(available.begin(), available.end(), name) != available.end()) {
        return {"cgroups", name, Severity::ok, "available"};
    }
    // The rules for devices of version 2 are a program; its freezer is in every directory.
    if ((name == "devices" || name == "freezer") && layout.find_v2() != nullptr) {
        return {"cgroups", name, Severity::ok, "version 2 has it"};
    }
    return {"cgroups", name, Severity::warning,
            "not available: limits of /linux/resources that need it are errors"};
}

}  // namespace

std::vector<Finding> check_programs(const settings::Options& options) {
    std::vector<Finding> findings{{"programs", "lxcri", Severity::ok, LXCRI_VERSION}};
    const std::string start = concat(options.libexec_dir, "/lxcri-start");
    findings.push_back(
        check_helper(options, "lxcri-start", Severity::error, "no container can be created"));
    if (is_executable(start)) {
        LiblxcAnswer liblxc = ask_liblxc_version(options.libexec_dir);
        findings.push_back({"programs", "liblxc", liblxc.found ? Severity::ok : Severity::error,
                            std::move(liblxc.text)});
    }
    findings.push_back(check_helper(options, helpers::init_program(), Severity::error,
                                    "no container can be created"));
    findings.push_back(check_helper(options, "lxcri-exec", Severity::warning, "`exec` needs it"));
    findings.push_back(
        check_helper(options, "lxcri-systemd", Severity::warning, "--systemd-cgroup needs it"));
    findings.push_back(
        check_helper(options, "lxcri-hook", Severity::warning, "--monitor keep needs it"));
    findings.push_back(
        check_helper(options, "lxcri-criu", Severity::note, "checkpoint and restore need it"));
    findings.push_back(check_criu(options));
    findings.push_back(check_program("ps", "`lxcri ps` needs it (package procps)"));
    findings.push_back(check_program("newuidmap", "users that are not root need it (uidmap)"));
    findings.push_back(check_program("newgidmap", "users that are not root need it (uidmap)"));
    return findings;
}

std::vector<Finding> check_privileges() {
    std::vector<Finding> findings;
    const bool initial = os::find_outer_user().initial_namespace;
    const bool root = ::geteuid() == 0;
    findings.push_back({"privileges", "user", root ? Severity::ok : Severity::note,
                        root && initial ? "root"
                        : root          ? "root of a user namespace"
                                        : concat("uid ", std::to_string(::geteuid()),
                                                 ": only the rights of an ordinary user")});
    const std::uint64_t have = os::own_capabilities().effective;
    std::string missing;
    for (const auto& capability : oci::kCapabilities) {
        if ((have >> static_cast<unsigned>(capability.value) & 1U) != 0) continue;
        missing += concat(missing.empty() ? "" : ", ", capability.name);
    }
    constexpr unsigned kSysAdmin = 21;
    const bool admin = (have >> kSysAdmin & 1U) != 0;
    const auto add = [&](Severity severity, std::string text) {
        findings.push_back({"privileges", "capabilities", severity, std::move(text)});
    };
    if (missing.empty()) {
        add(Severity::ok, "all");
    } else if (!root) {
        add(Severity::note, "only in the user's own user namespaces");
    } else if (!admin) {
        add(Severity::error, "without CAP_SYS_ADMIN: no container can be created");
    } else {
        add(Severity::warning, concat("without ", missing,
                                      ": no container can have them, and actions "
                                      "that need them fail"));
    }
    return findings;
}

std::vector<Finding> check_cgroups() {
    std::vector<Finding> findings;
    const cgroup::Layout layout = cgroup::read_layout();
    findings.push_back({"cgroups", "hierarchies",
                        layout.mode == cgroup::Mode::none ? Severity::warning : Severity::ok,
                        std::string(describe(layout.mode))});
    const auto available = available_controllers(layout);
    for (const char* name : {"cpu", "cpuset", "memory", "pids", "devices", "freezer"}) {
        findings.push_back(check_controller(available, name, layout));
    }
    const bool io = std::find(available.begin(), available.end(), "io") != available.end() ||
                    std::find(available.begin(), available.end(), "blkio") != available.end();
    findings.push_back({"cgroups", "block IO", io ? Severity::ok : Severity::warning,
                        io ? "available" : "not available"});
    const bool systemd = cgroup::runs_systemd();
    findings.push_back({"cgroups", "systemd", systemd ? Severity::ok : Severity::note,
                        systemd ? "manages this machine"
                                : "does not manage this machine: --systemd-cgroup "
                                  "does not work"});
    return findings;
}

std::vector<Finding> check_security() {
    const bool apparmor = has_apparmor();
    const bool selinux = has_selinux();
    const bool devices = ::access("/dev/fuse", R_OK | W_OK) == 0;
    return {{"security", "AppArmor", apparmor ? Severity::ok : Severity::note,
             apparmor ? "enabled" : "not enabled: /process/apparmorProfile is an error"},
            {"security", "SELinux", selinux ? Severity::ok : Severity::note,
             selinux ? "enabled" : "not enabled: /process/selinuxLabel is an error"},
            {"security", "/dev/fuse", devices ? Severity::ok : Severity::note,
             devices ? "usable" : "not usable: lxcfs cannot run"}};
}

std::vector<Finding> check_host(const settings::Options& options) {
    std::vector<Finding> all;
    const auto add = [&](const char* group, auto look) {
        try {
            for (Finding& finding : look()) all.push_back(std::move(finding));
        } catch (const Error& error) {
            all.push_back({group, "this check", Severity::error, error.what()});
        }
    };
    add("programs", [&] { return check_programs(options); });
    add("privileges", check_privileges);
    add("kernel", check_kernel);
    add("cgroups", check_cgroups);
    add("security", check_security);
    return all;
}

}  // namespace lxcri::host
