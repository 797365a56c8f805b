// What lxcri-agent decides without a container: which call it is, what it may be asked for.
#include <linux/audit.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include <string>

#include "agent/call.h"
#include "agent/caller.h"
#include "agent/container.h"
#include "agent/memory_view.h"
#include "agent/policy.h"
#include "agent/record.h"
#include "base/error.h"
#include "base/strings.h"
#include "oci/agent.h"
#include "os/file.h"
#include "support/catch.h"

using namespace lxcri;
using agent::SystemCall;
using oci::AgentCall;

namespace {

[[maybe_unused]] seccomp_data data_of(std::uint32_t arch, int number) {
    seccomp_data data{};
    data.arch = arch;
    data.nr = number;
    return data;
}

template <class Action>
std::string error_of(Action&& action) {
    try {
        action();
    } catch (const Error& error) {
        return error.what();
    }
    return "";
}

}  // namespace

#if defined(__x86_64__)
TEST_CASE("agent: a system call is known by architecture and number", "[agent]") {
    const auto native = agent::find_call(data_of(AUDIT_ARCH_X86_64, SYS_mknodat));
    REQUIRE(native);
    CHECK(native->which == SystemCall::mknodat);
    CHECK_FALSE(native->is_32_bit);
    const auto other = agent::find_call(data_of(AUDIT_ARCH_I386, 14));
    REQUIRE(other);
    CHECK(other->which == SystemCall::mknod);
    CHECK(other->is_32_bit);
    const auto x32 = agent::find_call(data_of(AUDIT_ARCH_X86_64, 0x40000000 + SYS_mknod));
    REQUIRE(x32);
    CHECK(x32->which == SystemCall::mknod);
    CHECK_FALSE(agent::find_call(data_of(AUDIT_ARCH_X86_64, SYS_openat)));
    CHECK_FALSE(agent::find_call(data_of(AUDIT_ARCH_AARCH64, -1)));
}
#endif

TEST_CASE("agent: devices as the kernel writes them", "[agent]") {
    for (const auto& [major, minor] : {std::pair{1U, 3U}, {8U, 300U}, {4095U, 0xfffffU}}) {
        const auto encoded = static_cast<std::uint32_t>(makedev(major, minor));
        CHECK(agent::decode_device(encoded).major == major);
        CHECK(agent::decode_device(encoded).minor == minor);
    }
}

TEST_CASE("agent: few devices are harmless", "[agent]") {
    for (const unsigned minor : {3U, 5U, 7U, 8U, 9U}) {
        CHECK(agent::is_harmless(S_IFCHR | 0600, {1, minor}));
        CHECK_FALSE(agent::is_harmless(S_IFBLK | 0600, {1, minor}));
    }
    CHECK(agent::is_harmless(S_IFCHR, {5, 0}));
    for (const unsigned minor : {1U, 2U, 4U, 6U, 10U, 11U}) {
        CHECK_FALSE(agent::is_harmless(S_IFCHR, {1, minor}));
    }
    CHECK_FALSE(agent::is_harmless(S_IFCHR, {5, 1}));
    CHECK_FALSE(agent::is_harmless(S_IFCHR, {5, 2}));
    CHECK_FALSE(agent::is_harmless(S_IFCHR, {10, 229}));
    CHECK_FALSE(agent::is_harmless(S_IFREG, {1, 3}));
}

TEST_CASE("agent: attributes of overlayfs that name no other file", "[agent]") {
    for (const char* name :
         {"trusted.overlay.opaque", "trusted.overlay.impure", "trusted.overlay.origin",
          "trusted.overlay.whiteout", "trusted.overlay.nlink", "trusted.overlay.uuid",
          "trusted.overlay.overlay.opaque"}) {
        CHECK(agent::is_harmless_attribute(name));
    }
    for (const char* name :
         {"trusted.overlay.", "trusted.overlay", "trusted.other", "trusted.overlay.redirect",
          "trusted.overlay.metacopy", "trusted.overlay.verity", "trusted.overlay.overlay.redirect",
          "trusted.overlay.upper", "trusted.overlay.protattr", "trusted.overlay.of-a-later-kernel",
          "user.overlay.opaque", "security.capability", "security.selinux", ""}) {
        CHECK_FALSE(agent::is_harmless_attribute(name));
    }
}

TEST_CASE("agent: the administrator's file", "[agent]") {
    const auto policy =
        agent::parse_policy(R"({"calls": ["mknod", "sysinfo"], "mostPriority": 5})");
    CHECK(policy.allows(AgentCall::mknod));
    CHECK_FALSE(policy.allows(AgentCall::mount));
    CHECK(policy.most_priority == 5);
    CHECK(policy.find_filesystem("ext4") == nullptr);
    const auto mounts = agent::parse_policy(
        R"({"filesystems": [{"type": "xfs"}, {"type": "ext4", "options": ["discard"]}]})");
    REQUIRE(mounts.find_filesystem("ext4") != nullptr);
    CHECK(mounts.find_filesystem("ext4")->options == std::vector<std::string>{"discard"});
    CHECK(mounts.find_filesystem("ext4")->fuse.empty());
    for (const char* program : {"fuse2fs", "/usr/bin/fuse2fs"}) {
        const auto fuse = agent::parse_policy(
            concat(R"({"filesystems": [{"type": "ext4", "fuse": ")", program, R"("}]})"));
        CHECK(fuse.find_filesystem("ext4")->fuse == program);
    }
    for (const char* program : {"", "bin/fuse2fs", "../fuse2fs"}) {
        CHECK(error_of([&] {
                  (void)agent::parse_policy(
                      concat(R"({"filesystems": [{"type": "ext4", "fuse": ")", program, R"("}]})"));
              }).starts_with("/filesystems/0/fuse: expected the name of a program"));
    }
    CHECK(agent::parse_policy("{}").calls.empty());
    const auto error = [](const char* text) {
        return error_of([=] { (void)agent::parse_policy(text); });
    };
    CHECK(error(R"({"calls": "mknod"})") == "/calls: expected an array, got \"mknod\"");
    CHECK(error(R"({"calls": ["mkdir"]})").starts_with("/calls/0: expected mknod, setxattr"));
    CHECK(error(R"({"mostPriority": 100})").starts_with("/mostPriority: expected"));
    CHECK(error(R"({"filesystems": [{"options": []}]})").starts_with("/filesystems/0/type"));
    CHECK(error(R"({"call": []})").starts_with("/call: not known"));
    CHECK(agent::read_policy("/no/such/file").calls.empty());
}

TEST_CASE("agent: what the runtime says of a container", "[agent]") {
    const auto state = agent::parse_container_state(R"({
        "ociVersion": "1.0.2", "fds": ["seccompFd"], "pid": 12, "metadata": "x",
        "state": {"id": "c1", "pid": 11, "annotations":
                  {"org.linuxcontainers.lxcri.agent": "mount,mknod,mount"}}})");
    CHECK(state.id == "c1");
    CHECK(state.process == 12);
    CHECK(state.init == 11);
    CHECK(state.fds == std::vector<std::string>{"seccompFd"});
    CHECK(state.asked == std::vector{AgentCall::mount, AgentCall::mknod});
    agent::Policy policy;
    policy.calls = {AgentCall::mknod, AgentCall::sysinfo};
    CHECK(agent::granted(state, policy) == std::vector{AgentCall::mknod});
    for (const char* text : {"{}", "", R"({"fds": [], "pid": 0, "state": {"id": "x"}})",
                             R"({"fds": [], "pid": 1, "state": {}})",
                             R"({"fds": [], "pid": 1, "state": {"id": "x", "annotations":
              {"org.linuxcontainers.lxcri.agent": "all"}}})"}) {
        CHECK_FALSE(error_of([=] { (void)agent::parse_container_state(text); }).empty());
    }
}

TEST_CASE("agent: what /proc says of a thread", "[agent]") {
    const auto credentials = agent::parse_status(
        "Name:\tUid:\t7\nUmask:\t0027\nState:\tS\nNSpid:\t4711\t12\t3\n"
        "Uid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\nGroups:\t10 20 \nCapEff:\t00000000a80425fb\n");
    CHECK(credentials.fsuid == 4);
    CHECK(credentials.fsgid == 8);
    CHECK(credentials.groups == std::vector<gid_t>{10, 20});
    CHECK(credentials.effective == 0xa80425fb);
    CHECK(credentials.umask == 027);
    CHECK(credentials.innermost_pid == 3);
    CHECK_FALSE(error_of([] { (void)agent::parse_status("Uid:\t1\n"); }).empty());
}

TEST_CASE("agent: IDs of the host are those of the container", "[agent]") {
    const std::vector<os::IdRange> ranges{{0, 1000, 1}, {1, 100000, 10}};
    CHECK(agent::inside_id(ranges, 1000) == 0);
    CHECK(agent::inside_id(ranges, 100009) == 10);
    CHECK(agent::has_outside_id(ranges, 100000));
    CHECK_FALSE(agent::has_outside_id(ranges, 100010));
    CHECK_FALSE(agent::has_outside_id(ranges, 0));
    CHECK_FALSE(error_of([&] { (void)agent::inside_id(ranges, 0); }).empty());
}

TEST_CASE("agent: a record outlives its agent", "[agent]") {
    os::UniqueFd file;
    {
        agent::Record record("{\"a\": 1}", 42);
        record.begin(7);
        record.begin(8);
        record.end(7);
        file = os::duplicate(record.fd());
    }
    agent::Record record(std::move(file));
    CHECK(record.document() == "{\"a\": 1}");
    CHECK(record.start_time() == 42);
    const auto left = record.left_over();
    CHECK(std::vector<std::uint64_t>(left.begin(), left.end()) ==
          std::vector<std::uint64_t>{0, 8, 0, 0, 9});
    CHECK_FALSE(
        error_of([] { agent::Record other(os::make_sealed_memfd("x", "too short")); }).empty());
}
