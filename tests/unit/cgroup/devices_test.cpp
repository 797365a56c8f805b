// Device rules as the kernel enforces them: version 1 and the BPF program of version 2.

#include "cgroup/devices.h"

#include <fcntl.h>
#include <sys/sysmacros.h>

#include "cgroup/resources.h"
#include "cgroup_fixture.h"

namespace {

using namespace lxcri;
using namespace lxcri::cgroup;
using namespace lxcri::test;
using oci::DeviceRule;
using oci::DeviceRuleType;

struct Node {
    DeviceRuleType type;
    unsigned major;
    unsigned minor;
};

// Drivers need not be there: a process that may not open one gets EPERM before the driver is asked.
constexpr std::array<Node, 6> kNodes{{
    {DeviceRuleType::character, 1, 3},
    {DeviceRuleType::character, 1, 11},
    {DeviceRuleType::character, 10, 229},
    {DeviceRuleType::character, 200, 1},
    {DeviceRuleType::block, 200, 1},
    {DeviceRuleType::block, 200, 2},
}};

// Nodes for all of them, in a directory that goes with the object.
class NodeDirectory {
  public:
    NodeDirectory() : path_("/tmp/lxcri-test-XXXXXX") {
        if (::mkdtemp(path_.data()) == nullptr) throw SystemError(errno, "mkdtemp", path_);
        for (std::size_t i = 0; i < kNodes.size(); ++i) make(node(i), kNodes.at(i));
    }
    NodeDirectory(const NodeDirectory&) = delete;
    NodeDirectory& operator=(const NodeDirectory&) = delete;
    ~NodeDirectory() {
        for (std::size_t i = 0; i < kNodes.size(); ++i) ::unlink(node(i).c_str());
        ::unlink(made().c_str());
        ::rmdir(path_.c_str());
    }

    std::string node(std::size_t index) const { return concat(path_, "/", std::to_string(index)); }
    std::string made() const { return path_ + "/made"; }
    static int make(const std::string& path, const Node& node) {
        const mode_t type = node.type == DeviceRuleType::block ? S_IFBLK : S_IFCHR;
        return ::mknod(path.c_str(), type | 0600, makedev(node.major, node.minor));
    }

  private:
    std::string path_;
};

// In the child: does the kernel let it, as the list says?
bool is_let(const NodeDirectory& nodes, std::size_t index, unsigned access) {
    if (access == kMayMake) {
        const bool made = NodeDirectory::make(nodes.made(), kNodes.at(index)) == 0;
        const int error = errno;
        ::unlink(nodes.made().c_str());
        return made || error != EPERM;
    }
    const int flags = access == kMayRead ? O_RDONLY : access == kMayWrite ? O_WRONLY : O_RDWR;
    const int fd = ::open(nodes.node(index).c_str(), flags | O_NONBLOCK | O_CLOEXEC);
    if (fd >= 0) ::close(fd);
    return fd >= 0 || errno != EPERM;
}

// The index and access, as one exit status, of what differs from the list; 0 for nothing.
int compare(const NodeDirectory& nodes, const std::vector<EffectiveRule>& rules) {
    for (std::size_t i = 0; i < kNodes.size(); ++i) {
        for (const unsigned access : {kMayMake, kMayRead, kMayWrite, kMayRead | kMayWrite}) {
            const Node& node = kNodes.at(i);
            const bool expected = is_allowed(rules, node.type, node.major, node.minor, access);
            if (is_let(nodes, i, access) != expected) return static_cast<int>(10 + i * 10 + access);
        }
    }
    return 0;
}

DeviceRule rule(bool allow, DeviceRuleType type, std::optional<std::int64_t> major,
                std::optional<std::int64_t> minor, std::string access) {
    return {allow, type, major, minor, std::move(access)};
}

const std::vector<std::vector<DeviceRule>> kLists = {
    {rule(false, DeviceRuleType::all, {}, {}, "rwm")},
    {rule(false, DeviceRuleType::all, {}, {}, "rwm"),
     rule(true, DeviceRuleType::character, 10, 229, "rw"),
     rule(true, DeviceRuleType::block, 200, {}, "r"),
     rule(true, DeviceRuleType::block, 200, 2, "w")},
    {rule(true, DeviceRuleType::all, {}, {}, "rwm")},
    {rule(true, DeviceRuleType::all, {}, {}, "rwm"),
     rule(false, DeviceRuleType::block, {}, {}, "w"),
     rule(false, DeviceRuleType::character, 1, 11, "rwm")},
    {rule(true, DeviceRuleType::all, 200, 1, "w")},
    {},
};

TEST_CASE("devices: the kernel enforces the list, and each update of it", "[root]") {
    if (!have_cgroups()) return;
    const NodeDirectory nodes;
    if (::open(nodes.node(0).c_str(), O_RDONLY | O_CLOEXEC) == -1) {
        return skip_or_fail("/tmp has no device nodes");
    }
    for (const View view : views()) {
        INFO(name_of(view));
        const Playground ground(view);
        const auto cgroup = ground.create();
        for (std::size_t i = 0; i < kLists.size(); ++i) {
            INFO("list " << i);
            apply_devices(cgroup, kLists[i], "/linux/resources");
            const auto rules = effective_rules(kLists[i]);
            auto child = start_member(cgroup, [&] { return compare(nodes, rules); });
            CHECK(child.wait()->to_shell_code() == 0);
        }
    }
}

// What only version 2 can do.
TEST_CASE("devices: an exception from an exception", "[root]") {
    if (!have_cgroups()) return;
    const std::vector<DeviceRule> list = {
        rule(false, DeviceRuleType::all, {}, {}, "rwm"),
        rule(true, DeviceRuleType::block, 200, {}, "rw"),
        rule(false, DeviceRuleType::block, 200, 2, "w"),
    };
    const Layout v1 = layout_of(View::v1);
    if (v1.find_v1("devices") != nullptr) {
        CHECK_THROWS_AS(check_devices(v1, list, "/linux/resources"), SpecError);
    }
    const Playground ground(View::v2);
    if (ground.layout().hierarchies.empty()) return not_applicable("no cgroup version 2");
    CHECK_NOTHROW(check_devices(ground.layout(), list, "/linux/resources"));
    const NodeDirectory nodes;
    const auto cgroup = ground.create();
    apply_devices(cgroup, list, "/linux/resources");
    auto child = start_member(cgroup, [&] { return compare(nodes, effective_rules(list)); });
    CHECK(child.wait()->to_shell_code() == 0);
}

TEST_CASE("devices: the lists of real callers", "[root]") {
    if (!have_cgroups()) return;
    std::vector<DeviceRule> many = {rule(false, DeviceRuleType::all, {}, {}, "rwm")};
    for (int i = 0; i < 300; ++i) {
        many.push_back(rule(i % 3 != 0, DeviceRuleType::character, 100 + i % 7, i, "rw"));
    }
    for (const View view : views()) {
        INFO(name_of(view));
        const Playground ground(view);
        const auto cgroup = ground.create();
        CHECK_NOTHROW(apply_devices(cgroup, many, "/linux/resources"));
        if (const Directory* directory = cgroup.find_v1("devices")) {
            apply_devices(cgroup, {}, "/linux/resources");
            CHECK(read_value(directory->path + "/devices.list") ==
                  "c *:* m\nb *:* m\nc 1:3 rwm\nc 1:5 rwm\nc 1:7 rwm\nc 1:8 rwm\nc 1:9 rwm\n"
                  "c 5:0 rwm\nc 5:1 rwm\nc 5:2 rwm\nc 136:* rwm");
        }
    }
}

TEST_CASE("devices: a host that cannot control them") {
    const Layout none;
    CHECK_NOTHROW(check_devices(none, {}, "/linux/resources"));
    try {
        check_devices(none, {rule(false, DeviceRuleType::all, {}, {}, "rwm")}, "/linux/resources");
        FAIL("no error");
    } catch (const SpecError& error) {
        CHECK(error.pointer() == "/linux/resources/devices");
    }
}

}  // namespace
