// What validate() accepts at the limits, and its warnings. What it refuses: invalid_*_test.cpp.

#include "oci/validate.h"

#include "base/error.h"
#include "minimal_config.h"
#include "oci/parse.h"
#include "support/catch.h"

using namespace lxcri;
using namespace lxcri::oci;

namespace {

std::vector<std::string> warnings_of(std::string_view patch) {
    return validate(parse_spec(test::with_patch(patch)));
}

}  // namespace

TEST_CASE("valid configs at the limits") {
    const auto* patch = GENERATE(values<const char*>({
        "{}",
        R"({"process": null})",
        R"({"ociVersion": "1.0.2-dev"})",
        R"({"ociVersion": "1.99.0-rc.1+build.01"})",
        R"({"hostname": "", "domainname": ""})",
        R"({"hostname": "0123456789012345678901234567890123456789012345678901234567890123",
            "linux": {"namespaces": [{"type": "mount"}, {"type": "uts", "path": "/p"}]}})",
        R"({"annotations": {"k": ""}})",
        R"({"mounts": [{"destination": "/a", "type": "tmpfs", "source": "", "options": null}]})",
        R"({"mounts": [{"destination": "/../a"}, {"destination": "/a"}]})",
        R"({"mounts": [{"destination": "/a", "source": "s", "options": ["bind", "idmap"],
            "uidMappings": [{"containerID": 0, "hostID": 1, "size": 1}],
            "gidMappings": [{"containerID": 0, "hostID": 1, "size": 1}]}]})",
        R"({"hooks": {"prestart": null, "poststop": [{"path": "/a", "timeout": 1}]}})",
        R"({"process": {"env": ["A=", "A==b", "A=b"]}})",
        R"({"process": {"oomScoreAdj": -1000}})",
        R"({"process": {"oomScoreAdj": 1000}})",
        R"({"process": {"user": {"uid": 4294967294, "umask": 511}}})",
        R"({"process": {"consoleSize": {"height": 65536, "width": 65536}}})",
        R"({"process": {"rlimits": [
            {"type": "RLIMIT_AS", "soft": 18446744073709551615, "hard": 18446744073709551615}]}})",
        R"({"process": {"scheduler": {"policy": "SCHED_DEADLINE", "runtime": 1, "deadline": 2,
            "period": 3, "flags": ["SCHED_FLAG_RECLAIM"]}}})",
        R"({"process": {"scheduler": {"policy": "SCHED_RR", "priority": 99}}})",
        R"({"process": {"ioPriority": {"class": "IOPRIO_CLASS_IDLE"}}})",
        R"({"process": {"execCPUAffinity": {"initial": "0-3,7", "final": ""}}})",
        R"({"linux": {"namespaces": [{"type": "mount"}, {"type": "user"}],
            "uidMappings": [{"containerID": 0, "hostID": 0, "size": 4294967295}],
            "gidMappings": [{"containerID": 10, "hostID": 110, "size": 10},
                            {"containerID": 0, "hostID": 100, "size": 10}]}})",
        R"({"linux": {"namespaces": [{"type": "mount"}, {"type": "user", "path": "/p"}]}})",
        R"({"linux": {"namespaces": [{"type": "mount"}, {"type": "time"}],
            "timeOffsets": {"monotonic": {"secs": -5, "nanosecs": 999999999}, "boottime": null}}})",
        R"({"linux": {"timeOffsets": {}}})",
        R"({"linux": {"devices": [{"type": "p", "path": "/f"},
            {"type": "p", "path": "/g", "major": 0, "minor": 0, "fileMode": 4534},
            {"type": "u", "path": "/d", "major": 4095, "minor": 1048575, "fileMode": 8630}]}})",
        R"({"linux": {"namespaces": [{"type": "mount"}, {"type": "network", "path": "/p"}],
            "netDevices": {"eth0": {"name": "ctr%d"}, "eth1": {}}}})",
        R"({"linux": {"cgroupsPath": "system.slice:lxcri:a..b"}})",
        R"({"linux": {"rootfsPropagation": "rslave"}})",
        R"({"linux": {"rootfsPropagation": ""}})",
        R"({"linux": {"sysctl": {"net.ipv4.conf.eth0/1.forwarding": "1", "net/ipv4/ip_forward": ""}}})",
        R"({"linux": {"intelRdt": {"closID": "/", "memBwSchema": "MB:0=1", "schemata": []}}})",
        R"({"linux": {"memoryPolicy": {"mode": "MPOL_PREFERRED"}}})",
        R"({"linux": {"personality": {"domain": "LINUX32", "flags": []}}})",
        R"({"linux": {"resources": {"devices": [
            {"allow": false, "access": "rwm"},
            {"allow": true, "type": "", "major": -1, "minor": -1, "access": "m"}]}}})",
        R"({"linux": {"resources": {"memory": {"limit": -1, "swap": -1, "swappiness": 100},
            "pids": {}, "cpu": {"shares": 0, "quota": -1, "burst": 5, "cpus": "", "idle": 1},
            "blockIO": {"weight": 0, "leafWeight": 1000}}}})",
        R"({"linux": {"resources": {"hugepageLimits": [{"pageSize": "1GB", "limit": 0}],
            "rdma": {"mlx5_1": {"hcaObjects": 0}}, "unified": {"memory.high": "a\nb"}}}})",
        R"({"linux": {"seccomp": {"defaultAction": "SCMP_ACT_TRACE", "defaultErrnoRet": 65535,
            "flags": [], "listenerPath": "/s", "listenerMetadata": "m",
            "syscalls": [{"names": ["read"], "action": "SCMP_ACT_NOTIFY", "args": null}]}}})",
        R"({"linux": {"unknown": [{}]}, "unknown": {"a": 1}, "windows": 7})",
    }));
    INFO(patch);
    CHECK_NOTHROW(warnings_of(patch));
    CHECK(warnings_of(patch).empty());
}

TEST_CASE("capabilities that we do not know are a warning") {
    const auto warnings = warnings_of(R"({"process": {"capabilities": {
        "bounding": ["CAP_CHOWN", "CAP_NEW\n"], "effective": ["CAP_CHOWN"], "ambient": ["chown"]}}})");
    CHECK(warnings == std::vector<std::string>{
                          "/process/capabilities/bounding/1: unknown capability \"CAP_NEW\\x0a\" "
                          "is left out",
                          "/process/capabilities/ambient/0: unknown capability \"chown\" is left "
                          "out"});
}

TEST_CASE("other warnings") {
    CHECK(warnings_of(R"({"mounts": [{"destination": "/a"}, {"destination": "b/c"}]})") ==
          std::vector<std::string>{"/mounts/1/destination: \"b/c\" is relative, taken from /"});
    CHECK(warnings_of(R"({"linux": {"devices": [{"type": "p", "path": "/f"},
                          {"type": "p", "path": "/f"}]}})") ==
          std::vector<std::string>{"/linux/devices/1/path: duplicate \"/f\""});
    CHECK(warnings_of(R"({"linux": {"intelRdt": {"l3CacheSchema": "0=f"}}})") ==
          std::vector<std::string>{"/linux/intelRdt/l3CacheSchema: does not begin with L3:"});
}

TEST_CASE("too many ID mappings") {
    Spec spec = parse_spec(test::kMinimalConfig);
    spec.linux_->namespaces.push_back({NamespaceType::user, {}});
    for (std::uint32_t i = 0; i < 341; ++i) spec.linux_->uid_mappings.push_back({i, i, 1});
    CHECK_THROWS_WITH(validate(spec), "/linux/uidMappings: expected at most 340, got 341 mappings");
}

TEST_CASE("a process and resources of their own have pointers from their own document") {
    CHECK_THROWS_WITH(validate(parse_process(R"({"cwd": "tmp", "args": ["a"]})")),
                      "/cwd: expected an absolute path, got \"tmp\"");
    CHECK_THROWS_WITH(parse_process(R"({"args": ["a"]})"), "/cwd: missing, it is required");
    CHECK_THROWS_WITH(validate(parse_resources(R"({"pids": {"limit": -2}})")),
                      "/pids/limit: expected -1 (no limit) or more, got -2");
    CHECK(validate(parse_resources("{}")).empty());
    CHECK(
        validate(parse_process(R"({"cwd": "/", "args": ["a"],
                                     "capabilities": {"bounding": ["X"]}})")) ==
        std::vector<std::string>{"/capabilities/bounding/0: unknown capability \"X\" is left out"});
}
