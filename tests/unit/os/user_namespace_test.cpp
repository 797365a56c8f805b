#include "os/user_namespace.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <fstream>

#include "base/error.h"
#include "base/strings.h"
#include "child.h"
#include "needs.h"
#include "os/file.h"
#include "os/namespace.h"
#include "support/catch.h"
#include "without_call.h"

using namespace lxcri;
using namespace lxcri::test;

namespace {

os::UniqueFd make_namespace() {
    return os::make_user_namespace([](pid_t pid) {
        const std::string proc = concat("/proc/", std::to_string(pid));
        os::write_value_at(AT_FDCWD, concat(proc, "/uid_map"), "0 100000 10\n10 5 1\n");
        os::write_value_at(AT_FDCWD, concat(proc, "/gid_map"), "1 200000 20\n");
    });
}

}  // namespace

TEST_CASE("an ID map is read as the kernel writes it") {
    const auto ranges = os::parse_id_map("         0     100000      65536\n     65536 7 1\n");
    REQUIRE(ranges.size() == 2);
    CHECK(ranges[0].inside == 0);
    CHECK(ranges[0].outside == 100000);
    CHECK(ranges[0].size == 65536);
    CHECK(ranges[1].inside == 65536);
    CHECK(ranges[1].outside == 7);
    CHECK(os::parse_id_map("").empty());
}

TEST_CASE("the ID maps of a user namespace that this process is not in", "[root]") {
    UNIT_NEEDS(is_root(), "writing such maps needs root");
    const auto maps = os::read_id_maps(make_namespace().get());
    REQUIRE(maps.uids.size() == 2);
    CHECK(maps.uids[0].outside == 100000);
    CHECK(maps.uids[1].inside == 10);
    CHECK(maps.uids[1].outside == 5);
    REQUIRE(maps.gids.size() == 1);
    CHECK(maps.gids[0].inside == 1);
    CHECK(maps.gids[0].size == 20);
}

TEST_CASE("namespaces belong to the user namespaces above them", "[root]") {
    UNIT_NEEDS(is_root(), "writing such maps needs root");
    const auto own = os::open_at(AT_FDCWD, "/proc/self/ns/user", O_RDONLY);
    const auto network = os::open_at(AT_FDCWD, "/proc/self/ns/net", O_RDONLY);
    const auto other = make_namespace();
    CHECK(os::belongs_to(network.get(), own.get()));
    CHECK(!os::belongs_to(network.get(), other.get()));
    CHECK(os::belongs_to(other.get(), own.get()));
}

// Debian's and Ubuntu's kernels have them. Here they are files in a mount namespace of its own.
TEST_CASE("the sysctl that forbids user namespaces to ordinary users alone", "[root]") {
    UNIT_NEEDS(is_root(), "mounts and another user need root");
    const auto [name, value] = GENERATE(table<std::string, std::string>(
        {{"unprivileged_userns_clone", "0"}, {"apparmor_restrict_unprivileged_userns", "1"}}));
    const auto said_to = [&name = name, &value = value](uid_t user) {
        return in_child([&] {
            if (::unshare(CLONE_NEWNS) != 0 ||
                ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
                ::mount("tmpfs", "/proc/sys/kernel", "tmpfs", 0, nullptr) != 0) {
                return std::string("mount");
            }
            std::ofstream("/proc/sys/kernel/" + name) << value << "\n";
            if (::setresuid(user, user, user) != 0) return std::string("setresuid");
            return os::forbidding_sysctl("ipc user net");
        });
    };
    CHECK(said_to(65534) == "sysctl kernel." + name + " is " + value);
    CHECK(said_to(0).empty());
}

TEST_CASE("a child that cannot say that it is in its user namespace makes no parent wait",
          "[native]") {
    const auto try_without_write = [] {
        ::alarm(10);
        if (!take_away(SYS_write)) ::_exit(2);
        try {
            (void)os::make_user_namespace([](pid_t) {});
        } catch (const Error&) {
            ::_exit(0);
        }
        ::_exit(1);
    };
    const std::string end = in_child([&] {
        auto child = os::fork_child();
        if (!child) try_without_write();
        return child->wait()->describe();
    });
    CHECK(end == "exited with status 0");
}
