// linux.netDevices: config-linux.md "Network Devices". The devices belong to a network namespace of
// the test, which is the runtime's then.
#include <sys/stat.h>

#include "support/catch.h"
#include "support/environment.h"
#include "support/network.h"
#include "support/runtime.h"

using namespace lxcri::test;

namespace {

std::optional<std::string> need_devices() {
    if (auto missing = need_runtime()) return missing;
    return need_device_kind("veth");
}

// Every kernel can make these; the other end stays where it is.
void make_pair(const std::string& name) {
    ip("link add " + name + " type veth peer name " + name + "-peer");
}

void make_device(const std::string& name) {
    make_pair(name);
    ip("address add 192.0.2.1/24 dev " + name);
    ip("address add 192.0.2.2/24 dev " + name);  // a secondary one
    ip("address add 198.51.100.1/32 dev " + name + " label " + name + ":1");
    ip("address add 203.0.113.1/24 dev " + name + " scope link");
    ip("address add 100.64.0.9/24 dev " + name + " valid_lft 600 preferred_lft 300");
    ip("link set " + name + " up mtu 1400 address 02:00:00:00:12:34");
    ip("address add 2001:db8::1/64 dev " + name + " nodad");
}

constexpr const char* kKept = "192.0.2.1/24 198.51.100.1/32 192.0.2.2/24 2001:db8::1/64";

}  // namespace

TEST_CASE("netDevices: a device moves in, up, with its permanent global addresses",
          "[netdevices][lxcri]") {
    NEEDS(need_devices());
    const OwnNetwork network;
    Box box;
    make_device("dev0");
    box.bundle.config["ociVersion"] = "1.3.0";
    const std::string name = GENERATE(as<std::string>(), "", "inside0");
    if (name.empty()) {
        box.bundle.linux()["netDevices"]["dev0"] = Json::object();
    } else {
        box.bundle.linux()["netDevices"]["dev0"] = {{"name", name}};
    }
    Container container = box.sleeper();
    CHECK(!find_device("dev0"));
    const auto device = find_device_in(container.pid(), name.empty() ? "dev0" : name);
    REQUIRE(device);
    INFO(device->dump());
    CHECK(is_up(*device));
    CHECK(global_addresses(*device) == kKept);
    CHECK(device->at("mtu") == 1400);
    CHECK(device->at("address") == "02:00:00:00:12:34");
    const std::string label = (name.empty() ? "dev0" : name) + ":1";
    CHECK(contains(device->dump(), "\"label\":\"" + label + "\""));
}

TEST_CASE("netDevices: a template lets the kernel choose the number", "[netdevices][lxcri]") {
    NEEDS(need_devices());
    const OwnNetwork network;
    Box box;
    for (const char* name : {"dev0", "dev1"}) {
        make_pair(name);
        box.bundle.linux()["netDevices"][name] = {{"name", "in%d"}};
    }
    Container container = box.sleeper();
    CHECK(find_device_in(container.pid(), "in0"));
    CHECK(find_device_in(container.pid(), "in1"));
}

TEST_CASE("netDevices: one end of a pair reaches the other", "[netdevices][lxcri]") {
    NEEDS(need_devices());
    const OwnNetwork network;
    Box box;
    ip("link add outside0 type veth peer name dev0");
    ip("link set outside0 up");
    box.bundle.linux()["netDevices"]["dev0"] = {{"name", "eth0"}};
    Container container = box.sleeper();
    CHECK(contains(find_device("outside0")->dump(), "LOWER_UP"));
    container.kill();
    container.wait();
    container.remove();
    // The kernel destroys virtual devices with their namespace; nothing moves them out before. It
    // takes its time for it.
    for (int i = 0; i < 100 && find_device("outside0"); ++i) {
        let_time_pass(std::chrono::milliseconds(20));
    }
    CHECK(!find_device("dev0"));
    CHECK(!find_device("outside0"));
}

TEST_CASE("netDevices: into a namespace that is joined, even with the same index there",
          "[netdevices][lxcri]") {
    NEEDS(need_devices());
    const OwnNetwork network;
    Box box;
    Container pod = box.sleeper();
    // Indexes of both namespaces begin at the same number.
    make_pair("dev0");
    ip_in(pod.pid(), "link add other0 type veth peer name other1");
    box.bundle.add_namespace("network", "/proc/" + std::to_string(pod.pid()) + "/ns/net");
    box.bundle.linux()["netDevices"]["dev0"] = {{"name", "in%d"}};
    box.bundle.linux().erase("cgroupsPath");
    Container container = box.sleeper();
    CHECK(find_device_in(pod.pid(), "in0"));
    container.kill();
    container.wait();
    container.remove();
    CHECK(find_device_in(pod.pid(), "in0"));
}

TEST_CASE("netDevices: settings of the device can be given by sysctl", "[netdevices][lxcri]") {
    NEEDS(need_devices());
    const OwnNetwork network;
    Box box;
    make_pair("dev0");
    box.bundle.linux()["netDevices"]["dev0"] = {{"name", "in.5"}};
    box.bundle.linux()["sysctl"] = {{"net/ipv4/conf/in.5/arp_filter", "1"}};
    CHECK(box.life({"cat", "/proc/sys/net/ipv4/conf/in.5/arp_filter"}).out == "1\n");
}

TEST_CASE("netDevices: what is there when the hooks run", "[netdevices][lxcri]") {
    NEEDS(need_devices());
    const OwnNetwork network;
    Box box;
    make_pair("dev0");
    box.bundle.linux()["netDevices"]["dev0"] = Json::object();
    const std::string seen = box / "seen";
    write_file(box / "hook",
               "#!/bin/sh\npid=$(sed 's/.*\"pid\": *\\([0-9]*\\).*/\\1/')\n"
               "grep -c dev0 /proc/$pid/net/dev > " +
                   seen + "\n",
               0755);
    box.bundle.config["hooks"]["createRuntime"] = {{{"path", box / "hook"}}};
    CHECK(box.life({"true"}).code == 0);
    CHECK(read_file(seen) == "1\n");
}

TEST_CASE("netDevices: a create that fails later gives the devices back as they were",
          "[netdevices][lxcri]") {
    NEEDS(need_devices());
    const OwnNetwork network;
    Box box;
    make_device("dev0");
    make_pair("dev1");  // down
    const auto before = *find_device("dev0");
    box.bundle.linux()["netDevices"]["dev0"] = {{"name", "inside0"}};
    box.bundle.linux()["netDevices"]["dev1"] = Json::object();
    SECTION("in the mount hook") {
        box.bundle.add_mount({{"destination", "/x"},
                              {"type", "tmpfs"},
                              {"source", "t"},
                              {"options", {"no-such-option"}}});
        CHECK(contains(box.refusal(), "/mounts/"));
    }
    SECTION("in an OCI hook") {
        box.bundle.config["hooks"]["createRuntime"] = {{{"path", "/bin/false"}}};
        CHECK(contains(box.refusal(), "/hooks/createRuntime/0"));
    }
    SECTION("in init") {
        box.bundle.process()["cwd"] = "/probe";
        CHECK(contains(box.refusal(), "/process/cwd"));
    }
    SECTION("at the second device") {
        box.bundle.linux()["netDevices"]["lo"] = {{"name", "lo1"}};
        CHECK(contains(box.refusal(), "/linux/netDevices/lo"));
    }
    const auto after = find_device("dev0");
    REQUIRE(after);
    CHECK(after->at("ifindex") == before.at("ifindex"));
    CHECK(is_up(*after));
    CHECK(global_addresses(*after) == kKept);
    REQUIRE(find_device("dev1"));
    CHECK(!is_up(*find_device("dev1")));
}

TEST_CASE("netDevices: what cannot be moved is an error with the pointer", "[netdevices][lxcri]") {
    NEEDS(need_devices());
    const OwnNetwork network;
    Box box;
    make_pair("dev0");
    auto& devices = box.bundle.linux()["netDevices"];
    SECTION("unknown") {
        devices["nothere0"] = Json::object();
        const std::string line = box.refusal();
        CHECK(contains(line, "/linux/netDevices/nothere0: "));
        CHECK(contains(line, "no network device \"nothere0\""));
    }
    SECTION("its name is taken in a new namespace") {
        devices["dev0"] = {{"name", "lo"}};
        const std::string line = box.refusal();
        CHECK(contains(line, "/linux/netDevices/dev0/name: "));
        CHECK(contains(line, "a device \"lo\" already"));
    }
    SECTION("no network namespace") {
        box.bundle.remove_namespace("network");
        devices["dev0"] = Json::object();
        CHECK(contains(box.refusal(), "/linux/netDevices: "));
    }
    SECTION("the runtime's own network namespace by its path") {
        box.bundle.add_namespace("network", "/proc/self/ns/net");
        devices["dev0"] = Json::object();
        CHECK(contains(box.refusal(), "/linux/netDevices: "));
    }
    SECTION("invalid name") {
        devices["dev0"] = {{"name", "a/b"}};
        CHECK(contains(box.refusal(), "/linux/netDevices/dev0/name: "));
    }
    SECTION("a name that the kernel refuses") {
        devices["dev0"] = {{"name", "all"}};
        CHECK(contains(box.refusal(), "/linux/netDevices/dev0: "));
    }
    CHECK(find_device("dev0"));
}

TEST_CASE("netDevices: with a user namespace", "[netdevices][lxcri]") {
    NEEDS(need_devices());
    const OwnNetwork network;
    Box box;
    make_device("dev0");
    box.bundle.add_namespace("user");
    const Json mapping = {{{"containerID", 0}, {"hostID", 100000}, {"size", 65536}}};
    box.bundle.linux()["uidMappings"] = mapping;
    box.bundle.linux()["gidMappings"] = mapping;
    box.bundle.linux()["netDevices"]["dev0"] = {{"name", "eth0"}};
    Container container = box.sleeper();
    const auto device = find_device_in(container.pid(), "eth0");
    REQUIRE(device);
    CHECK(is_up(*device));
    CHECK(global_addresses(*device) == kKept);
}

TEST_CASE("netDevices: one that is taken away meanwhile", "[netdevices][hooks][lxcri]") {
    NEEDS(need_devices());
    const OwnNetwork network;
    Box box;
    make_pair("dev0");
    box.bundle.linux()["netDevices"]["dev0"] = {{"name", "inside0"}};
    const bool fails = GENERATE(true, false);
    const std::string what =
        GENERATE(as<std::string>(), "link delete inside0", "link set inside0 name other0");
    CAPTURE(fails, what);
    // The hook finds the container's namespace by the pid in its state.
    write_file(box / "hook",
               "#!/bin/sh\npid=$(sed 's/.*\"pid\":\\([0-9]*\\).*/\\1/')\n" +
                   find_program("nsenter").string() + " --net=/proc/$pid/ns/net " +
                   find_program("ip").string() + " " + what + " || exit 9\nexit " +
                   (fails ? "1" : "0") + "\n",
               0755);
    box.bundle.config["hooks"]["createRuntime"] = {{{"path", box / "hook"}}};
    if (fails) {
        const std::string line = box.refusal();
        CHECK(contains(line, "/hooks/createRuntime/0"));
        CHECK(contains(line, "exited with status 1"));
        // What there is of it comes back, under its own name.
        CHECK(find_device("dev0").has_value() == contains(what, "name"));
    } else {
        CHECK(box.life({"true"}).code == 0);
    }
    CHECK(box.leftovers() == Strings{});
}
