#pragma once
// Code that is root of a user namespace, with mounts of its own: what hooks/ and libexec/ do inside
// of a container, without a container, as any user.

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <string>

#include "base/strings.h"
#include "child.h"
#include "needs.h"
#include "os/check.h"
#include "os/file.h"

namespace lxcri::test {

// Runs `action` in a child that has one ID there: 0 is the user of the test. Returns its text, see
// in_child().
template <class Action>
std::string in_user_namespace(Action&& action) {
    const std::string uid = std::to_string(::geteuid());
    const std::string gid = std::to_string(::getegid());
    return in_child([&]() -> std::string {
        os::check(::unshare(CLONE_NEWUSER | CLONE_NEWNS), "unshare");
        os::write_value_at(AT_FDCWD, "/proc/self/setgroups", "deny");
        os::write_value_at(AT_FDCWD, "/proc/self/uid_map", concat("0 ", uid, " 1"));
        os::write_value_at(AT_FDCWD, "/proc/self/gid_map", concat("0 ", gid, " 1"));
        os::check(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), "mount /");
        return action();
    });
}

// "" if this machine lets us make such namespaces, else why not.
inline const std::string& no_user_namespaces() {
    static const std::string reason = in_user_namespace([] { return std::string(); });
    return reason;
}

}  // namespace lxcri::test

#define NEEDS_USER_NAMESPACES()                           \
    UNIT_NEEDS(::lxcri::test::no_user_namespaces() == "", \
               "user namespaces are refused: " + ::lxcri::test::no_user_namespaces())
