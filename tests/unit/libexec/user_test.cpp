// become_user(): the last thing that lxcri-init does as root of the container.

#include <linux/capability.h>
#include <sys/prctl.h>

#include <fstream>

#include "base/strings.h"
#include "root_directory.h"
#include "support/catch.h"

using namespace lxcri;
using namespace lxcri::test;
using handoff::ProcessPlan;

namespace {

constexpr std::uint64_t bit(unsigned capability) {
    return std::uint64_t{1} << capability;
}

// The process of user 0, the only one that the namespace has.
ProcessPlan process() {
    ProcessPlan plan;
    plan.cwd = "/";
    return plan;
}

// A line of /proc/self/status, without its name.
std::string status_line(const std::string& name) {
    std::ifstream file("/proc/self/status");
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with(name + ":\t")) return line.substr(name.size() + 2);
    }
    return "no " + name;
}

std::string hex(std::uint64_t set) {
    std::array<char, 17> text{};
    std::snprintf(text.data(), text.size(), "%016llx", static_cast<unsigned long long>(set));
    return text.data();
}

// What `look` says of the process that has become the user, without another root.
template <class Look>
std::string after(const ProcessPlan& plan, Look&& look) {
    return in_user_namespace([&] {
        libexec::become_user(plan, -1);
        return look();
    });
}

}  // namespace

TEST_CASE("user: the five capability sets are those of the plan, and no more") {
    NEEDS_USER_NAMESPACES();
    ProcessPlan plan = process();
    plan.capabilities.bounding = bit(CAP_KILL) | bit(CAP_CHOWN) | bit(CAP_NET_RAW);
    plan.capabilities.permitted = bit(CAP_KILL) | bit(CAP_CHOWN);
    plan.capabilities.inheritable = bit(CAP_KILL);
    plan.capabilities.effective = bit(CAP_CHOWN);
    plan.capabilities.ambient = bit(CAP_KILL);
    const auto sets = [] {
        return concat(status_line("CapBnd"), " ", status_line("CapPrm"), " ", status_line("CapInh"),
                      " ", status_line("CapEff"), " ", status_line("CapAmb"));
    };
    CHECK(after(plan, sets) ==
          concat(hex(plan.capabilities.bounding), " ", hex(plan.capabilities.permitted), " ",
                 hex(plan.capabilities.inheritable), " ", hex(plan.capabilities.effective), " ",
                 hex(plan.capabilities.ambient)));
    const std::string none = hex(0);
    CHECK(after(process(), sets) == concat(none, " ", none, " ", none, " ", none, " ", none));
}

TEST_CASE("user: a capability that the kernel does not know is an error with its pointer") {
    NEEDS_USER_NAMESPACES();
    ProcessPlan plan = process();
    plan.capabilities.permitted = bit(63);
    CHECK_THAT(after(plan, [] { return std::string(); }),
               Catch::StartsWith("exception: /process/capabilities/permitted: "));
    plan = process();
    plan.capabilities.ambient = bit(CAP_KILL);  // needs permitted and inheritable
    CHECK_THAT(after(plan, [] { return std::string(); }),
               Catch::StartsWith("exception: /process/capabilities/ambient: "));
}

TEST_CASE("user: IDs that are not mapped, and groups that cannot be set, are errors") {
    NEEDS_USER_NAMESPACES();
    const auto nothing = [] { return std::string(); };
    ProcessPlan plan = process();
    plan.uid = 1;
    CHECK(after(plan, nothing) ==
          "exception: /process/user/uid: 1 is not mapped in the container's user namespace");
    plan = process();
    plan.gid = 1;
    CHECK(after(plan, nothing) ==
          "exception: /process/user/gid: 1 is not mapped in the container's user namespace");
    plan = process();
    plan.groups = {0};  // setgroups is denied there
    CHECK_THAT(after(plan, nothing),
               Catch::StartsWith("exception: /process/user/additionalGids: setgroups"));
}

TEST_CASE("user: umask and noNewPrivileges") {
    NEEDS_USER_NAMESPACES();
    ProcessPlan plan = process();
    plan.umask = 0027;
    const auto look = [] {
        return concat(std::to_string(::umask(0)), " ",
                      std::to_string(::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)), " ",
                      std::to_string(::prctl(PR_GET_KEEPCAPS, 0, 0, 0, 0)));
    };
    CHECK(after(plan, look) == concat(std::to_string(0027), " 0 0"));
    plan.no_new_privileges = true;
    CHECK(after(plan, look) == concat(std::to_string(0027), " 1 0"));
}

TEST_CASE("user: the working directory is inside of the root") {
    NEEDS_USER_NAMESPACES();
    const TempDir root;
    fs::create_directories(root / "work");
    fs::create_directories(root / "proc");
    put_file(root / "file", "");
    const auto cwd = [&](const std::string& path) {
        return in_user_namespace([&] {
            // A descriptor of a directory outside, which the process still holds.
            const int outside = ::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
            os::check(::dup2(outside, 50), "dup2");
            os::check(::mount("/proc", (root / "proc").c_str(), nullptr, MS_BIND | MS_REC, nullptr),
                      "mount /proc");
            os::check(::chroot(root.path().c_str()), "chroot");
            os::check(::chdir("/"), "chdir");
            ProcessPlan plan = process();
            plan.cwd = path;
            libexec::become_user(plan, -1);
            return fs::current_path().string();
        });
    };
    CHECK(cwd("/work") == "/work");
    CHECK(cwd("/work/../work/.") == "/work");
    CHECK(cwd("/missing") ==
          "exception: /process/cwd: chdir \"/missing\": no such file or directory");
    CHECK(cwd("/file") == "exception: /process/cwd: chdir \"/file\": not a directory");
    // CVE-2024-21626
    CHECK(cwd("/proc/self/fd/50") ==
          "exception: /process/cwd: \"/proc/self/fd/50\" leads out of the root filesystem");
}
