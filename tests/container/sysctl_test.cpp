// linux.sysctl: keys of the container's own namespaces, and of no other.

#include "support/catch.h"
#include "support/environment.h"
#include "support/runtime.h"

using namespace lxcri::test;

namespace {

constexpr const char* kForwarding = "/proc/sys/net/ipv4/ip_forward";
constexpr const char* kMessageSize = "/proc/sys/kernel/msgmax";

}  // namespace

TEST_CASE("sysctl: is set in the container's namespaces, the machine keeps its values",
          "[sysctl]") {
    NEEDS(need_runtime());
    Box box;
    const std::string forwarding = read_file(kForwarding);
    const std::string size = read_file(kMessageSize);
    const std::string other = forwarding == "1\n" ? "0" : "1";
    box.bundle.linux()["sysctl"] = {{"net.ipv4.ip_forward", other}, {"kernel.msgmax", "12345"}};
    const Outcome outcome = box.life({"cat", kForwarding, "--", "cat", kMessageSize});
    CHECK(outcome.out == other + "\n12345\n");
    CHECK(read_file(kForwarding) == forwarding);
    CHECK(read_file(kMessageSize) == size);
}

TEST_CASE("sysctl: both separators, before /proc/sys is read-only",
          "[sysctl][not-crun][not-runc]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.linux()["sysctl"] = {{"net/ipv4/conf/lo/log_martians", "1"},
                                    {"net.ipv4.conf.default.log_martians", "1"}};
    box.bundle.linux()["readonlyPaths"] = {"/proc/sys"};
    const Outcome outcome = box.life({"cat", "/proc/sys/net/ipv4/conf/lo/log_martians", "--", "cat",
                                      "/proc/sys/net/ipv4/conf/default/log_martians", "--", "write",
                                      "/proc/sys/net/ipv4/conf/lo/log_martians", "0"});
    CHECK(contains(outcome.out, "1\n1\n"));
    CHECK(contains(outcome.out, "EROFS"));
}

TEST_CASE("sysctl: one of the machine, of a namespace that is not new, or that is not there",
          "[sysctl][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    const auto refused = [&](const std::string& key) {
        box.bundle.linux()["sysctl"] = {{key, "1"}};
        CHECK(contains(box.refusal(), "/linux/sysctl/"));
    };
    refused("vm.swappiness");
    refused("kernel.panic");
    refused("net.ipv4.not_there");
    box.bundle.remove_namespace("network");
    refused("net.ipv4.ip_forward");
    box.bundle.remove_namespace("ipc");
    refused("kernel.msgmax");
}
