#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "cgroup/permission.h"
#include "support/catch.h"

using namespace lxcri::cgroup;

TEST_CASE("the lowest cgroup above two others") {
    CHECK(common_ancestor("a/b/c", "a/b/d/e") == "a/b");
    CHECK(common_ancestor("a/b", "a/b/c") == "a/b");
    CHECK(common_ancestor("user.slice/user-1.slice/session-2.scope",
                          "user.slice/user-1.slice/user@1.service/x") == "user.slice/user-1.slice");
    CHECK(common_ancestor("ab", "a") == "");
    CHECK(common_ancestor("", "a") == "");
}

TEST_CASE("cgroups of a host that has none may always be made") {
    CHECK(may_make({}, "lxcri-x"));
}

TEST_CASE("a directory that this user may not write to is no place for a cgroup") {
    Layout layout;
    layout.hierarchies.push_back({1, "/proc/sys", {"pids"}});
    CHECK_FALSE(may_make(layout, "lxcri-x"));
    CHECK_FALSE(may_make(layout, "kernel/lxcri-x"));
}

TEST_CASE("a cgroup that the kernel refuses: the message says what helps") {
    const auto explained = [](int code) {
        lxcri::SystemError error(code, "mkdir", "/sys/fs/cgroup/x");
        explain_refusal(error);
        return std::string(error.what());
    };
    const std::string busy = explained(EBUSY);
    CHECK(busy.find("; this cgroup has processes") != std::string::npos);
    CHECK(busy.find("/linux/cgroupsPath") != std::string::npos);
    for (const int code : {EACCES, EPERM}) {
        CHECK(explained(code).find("; this cgroup is not delegated to this user") !=
              std::string::npos);
    }
    CHECK((busy.find("--systemd-cgroup") != std::string::npos) == runs_systemd());
    CHECK(explained(EROFS) ==
          "mkdir \"/sys/fs/cgroup/x\": read-only file system; mount the cgroup filesystem "
          "writable, or do without cgroups: --cgroup-manager disabled");
    // Of another cause.
    CHECK(explained(ENOSPC) == "mkdir \"/sys/fs/cgroup/x\": no space left on device");
}
