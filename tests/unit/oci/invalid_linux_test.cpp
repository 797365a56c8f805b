// Configs that have to be refused: linux, but for resources and seccomp.

#include "invalid_config.h"

using namespace lxcri::oci::test;

TEST_CASE("invalid namespaces") {
    check_refused(GENERATE(values<InvalidConfig>({
        {R"({"linux": {"namespaces": {}}})", "/linux/namespaces", "expected an array"},
        {R"({"linux": {"namespaces": [{}]}})", "/linux/namespaces/0/type", "missing"},
        {R"({"linux": {"namespaces": [{"type": "net"}]}})", "/linux/namespaces/0/type",
         "expected pid, network, mount, ipc, uts, user, cgroup or time, got \"net\""},
        {R"({"linux": {"namespaces": [{"type": ""}]}})", "/linux/namespaces/0/type", "got \"\""},
        {R"({"linux": {"namespaces": [{"type": "mount"}, {"type": "pid"}, {"type": "pid"}]}})",
         "/linux/namespaces/2/type", "duplicate \"pid\""},
        {R"({"linux": {"namespaces": [{"type": "mount"}, {"type": "pid", "path": "p"}]}})",
         "/linux/namespaces/1/path", "expected an absolute path, got \"p\""},
    })));
}

TEST_CASE("invalid ID mappings") {
    check_refused(GENERATE(values<InvalidConfig>({
        {R"({"linux": {"uidMappings": [{"containerID": 0, "hostID": 1, "size": 1}]}})",
         "/linux/uidMappings", "given without a user namespace"},
        {R"({"linux": {"gidMappings": [{"containerID": 0, "hostID": 1, "size": 1}]}})",
         "/linux/gidMappings", "given without a user namespace"},
        {R"({"linux": {"namespaces": [{"type": "mount"}, {"type": "user"}]}})",
         "/linux/uidMappings", "missing, a new user namespace requires it"},
        {R"({"linux": {"namespaces": [{"type": "mount"}, {"type": "user"}],
             "uidMappings": [{"containerID": 0, "hostID": 1, "size": 1}]}})",
         "/linux/gidMappings", "missing, a new user namespace requires it"},
        {R"({"linux": {"uidMappings": [{"hostID": 1, "size": 1}]}})",
         "/linux/uidMappings/0/containerID", "missing"},
        {R"({"linux": {"uidMappings": [{"containerID": 0, "hostID": 1}]}})",
         "/linux/uidMappings/0/size", "missing"},
        {R"({"linux": {"uidMappings": [{"containerID": 0, "hostID": 1, "size": 0}]}})",
         "/linux/uidMappings/0/size", "expected at least 1, got 0"},
        {R"({"linux": {"uidMappings": [{"containerID": 0, "hostID": 1, "size": 4294967295}]}})",
         "/linux/uidMappings/0/hostID", "the range ends beyond 4294967294"},
        {R"({"linux": {"gidMappings": [{"containerID": 4294967295, "hostID": 1, "size": 1}]}})",
         "/linux/gidMappings/0/containerID", "the range ends beyond 4294967294"},
        {R"({"linux": {"uidMappings": [{"containerID": 0, "hostID": 1000, "size": 10},
             {"containerID": 9, "hostID": 5000, "size": 1}]}})",
         "/linux/uidMappings/1/containerID", "the range overlaps that of entry 0"},
        {R"({"linux": {"gidMappings": [{"containerID": 100, "hostID": 1000, "size": 10},
             {"containerID": 0, "hostID": 1009, "size": 1}]}})",
         "/linux/gidMappings/1/hostID", "the range overlaps that of entry 0"},
    })));
}

TEST_CASE("invalid time offsets") {
    check_refused(GENERATE(values<InvalidConfig>({
        {R"({"linux": {"timeOffsets": {"boottime": {"secs": 1}}}})", "/linux/timeOffsets",
         "given without a new time namespace"},
        {R"({"linux": {"namespaces": [{"type": "mount"}, {"type": "time", "path": "/p"}],
             "timeOffsets": {"monotonic": {"secs": 1}}}})",
         "/linux/timeOffsets", "given without a new time namespace"},
        {R"({"linux": {"timeOffsets": {"realtime": {"secs": 1}}}})", "/linux/timeOffsets/realtime",
         "expected the clock monotonic or boottime"},
        {R"({"linux": {"namespaces": [{"type": "mount"}, {"type": "time"}],
             "timeOffsets": {"monotonic": {"nanosecs": 1000000000}}}})",
         "/linux/timeOffsets/monotonic/nanosecs", "expected 0 to 999999999, got 1000000000"},
        {R"({"linux": {"timeOffsets": {"boottime": {"nanosecs": -1}}}})",
         "/linux/timeOffsets/boottime/nanosecs", "got -1"},
    })));
}

TEST_CASE("invalid devices") {
    check_refused(GENERATE(values<InvalidConfig>({
        {R"({"linux": {"devices": [{"path": "/d", "major": 1, "minor": 3}]}})",
         "/linux/devices/0/type", "missing"},
        {R"({"linux": {"devices": [{"type": "d", "path": "/d", "major": 1, "minor": 3}]}})",
         "/linux/devices/0/type", "expected c, b, u or p, got \"d\""},
        {R"({"linux": {"devices": [{"type": "c", "major": 1, "minor": 3}]}})",
         "/linux/devices/0/path", "missing"},
        {R"({"linux": {"devices": [{"type": "c", "path": "d", "major": 1, "minor": 3}]}})",
         "/linux/devices/0/path", "expected an absolute path"},
        {R"({"linux": {"devices": [{"type": "c", "path": "/d", "minor": 3}]}})",
         "/linux/devices/0/major", "missing, required unless the type is \"p\""},
        {R"({"linux": {"devices": [{"type": "b", "path": "/d", "major": 1}]}})",
         "/linux/devices/0/minor", "missing, required unless the type is \"p\""},
        {R"({"linux": {"devices": [{"type": "c", "path": "/d", "major": 4096, "minor": 3}]}})",
         "/linux/devices/0/major", "expected 0 to 4095, got 4096"},
        {R"({"linux": {"devices": [{"type": "u", "path": "/d", "major": -1, "minor": 3}]}})",
         "/linux/devices/0/major", "got -1"},
        {R"({"linux": {"devices": [{"type": "c", "path": "/d", "major": 1, "minor": 1048576}]}})",
         "/linux/devices/0/minor", "got 1048576"},
        {R"({"linux": {"devices": [{"type": "c", "path": "/d", "major": 1, "minor": 3,
             "fileMode": 512}]}})",
         "/linux/devices/0/fileMode", "expected the permission bits"},
        {R"({"linux": {"devices": [{"type": "c", "path": "/d", "major": 1, "minor": 3,
             "fileMode": 25014}]}})",
         "/linux/devices/0/fileMode", "is not that of a device of type \"c\""},
        {R"({"linux": {"devices": [{"type": "b", "path": "/d", "major": 1, "minor": 3,
             "fileMode": 65536}]}})",
         "/linux/devices/0/fileMode", "got 65536"},
        {R"({"linux": {"devices": [{"type": "c", "path": "/d", "major": 1, "minor": 3,
             "uid": -1}]}})",
         "/linux/devices/0/uid", "got -1"},
    })));
}

TEST_CASE("invalid net devices") {
    check_refused(GENERATE(values<InvalidConfig>({
        {R"({"linux": {"netDevices": {"eth0": {}}}})", "/linux/netDevices",
         "given without a network namespace"},
        {R"({"linux": {"namespaces": [{"type": "mount"}, {"type": "network"}],
             "netDevices": {"a/b": {}}}})",
         "/linux/netDevices/a~1b", "the key is not the name of a network device"},
        {R"({"linux": {"namespaces": [{"type": "mount"}, {"type": "network"}],
             "netDevices": {"eth0": {"name": "0123456789abcdef"}}}})",
         "/linux/netDevices/eth0/name", "expected the name of a network device"},
        {R"({"linux": {"namespaces": [{"type": "mount"}, {"type": "network"}],
             "netDevices": {"eth%d": {}}}})",
         "/linux/netDevices/eth%d", "the key is not the name of a network device"},
        {R"({"linux": {"namespaces": [{"type": "mount"}, {"type": "network"}],
             "netDevices": {"eth0": {"name": "e%dx"}}}})",
         "/linux/netDevices/eth0/name", "expected the name of a network device"},
        {R"({"linux": {"namespaces": [{"type": "mount"}, {"type": "network"}],
             "netDevices": {"eth0": {"name": "same"}, "eth1": {"name": "same"}}}})",
         "/linux/netDevices/eth1", "two devices would be \"same\" in the container"},
        {R"({"linux": {"netDevices": {"eth0": "eth1"}}})", "/linux/netDevices/eth0",
         "expected an object"},
    })));
}

TEST_CASE("invalid paths and sysctl") {
    check_refused(GENERATE(values<InvalidConfig>({
        {R"({"linux": {"cgroupsPath": "/a/../b"}})", "/linux/cgroupsPath",
         "expected a path without \"..\", got \"/a/../b\""},
        {R"({"linux": {"cgroupsPath": ".."}})", "/linux/cgroupsPath", "got \"..\""},
        {R"({"linux": {"cgroupsPath": 1}})", "/linux/cgroupsPath", "expected a string"},
        {R"({"linux": {"maskedPaths": ["/a", "b"]}})", "/linux/maskedPaths/1",
         "expected an absolute path, got \"b\""},
        {R"({"linux": {"maskedPaths": [""]}})", "/linux/maskedPaths/0", "got \"\""},
        {R"({"linux": {"readonlyPaths": ["proc"]}})", "/linux/readonlyPaths/0", "got \"proc\""},
        {R"({"linux": {"readonlyPaths": "/proc"}})", "/linux/readonlyPaths", "expected an array"},
        {R"({"linux": {"rootfsPropagation": "public"}})", "/linux/rootfsPropagation",
         "expected shared, rshared, slave, "},
        {R"({"linux": {"mountLabel": 1}})", "/linux/mountLabel", "expected a string"},
        {R"({"linux": {"sysctl": {"": "1"}}})", "/linux/sysctl/", "the key has an empty part"},
        {R"({"linux": {"sysctl": {"net/../kernel.x": "1"}}})", "/linux/sysctl/net~1..~1kernel.x",
         "the key has an empty part"},
        {R"({"linux": {"sysctl": {"/kernel.shmmax": "1"}}})", "/linux/sysctl/~1kernel.shmmax",
         "the key has an empty part"},
        {R"({"linux": {"sysctl": {"kernel.hostname": "h"}}})", "/linux/sysctl/kernel.hostname",
         "is set by /hostname"},
        {R"({"linux": {"sysctl": {"kernel.shmmax": 1}}})", "/linux/sysctl/kernel.shmmax",
         "expected a string, got 1"},
    })));
}

TEST_CASE("invalid RDT, memory policy, personality") {
    check_refused(GENERATE(values<InvalidConfig>({
        {R"({"linux": {"intelRdt": {"closID": "."}}})", "/linux/intelRdt/closID", "got \".\""},
        {R"({"linux": {"intelRdt": {"closID": ".."}}})", "/linux/intelRdt/closID", "got \"..\""},
        {R"({"linux": {"intelRdt": {"closID": "a/b"}}})", "/linux/intelRdt/closID",
         "expected \"/\" or the name of a directory"},
        {R"({"linux": {"intelRdt": {"l3CacheSchema": "L3:0=f\nMB:0=1"}}})",
         "/linux/intelRdt/l3CacheSchema", "contains a newline"},
        {R"({"linux": {"intelRdt": {"memBwSchema": "L3:0=f"}}})", "/linux/intelRdt/memBwSchema",
         "expected a text that begins with MB:"},
        {R"({"linux": {"intelRdt": {"memBwSchema": "MB:0=1\n"}}})", "/linux/intelRdt/memBwSchema",
         "contains a newline"},
        {R"({"linux": {"intelRdt": {"schemata": ["MB:0=1", "a\nb"]}}})",
         "/linux/intelRdt/schemata/1", "contains a newline"},
        {R"({"linux": {"intelRdt": {"enableMonitoring": 1}}})", "/linux/intelRdt/enableMonitoring",
         "expected true or false"},
        {R"({"linux": {"memoryPolicy": {"nodes": "0"}}})", "/linux/memoryPolicy/mode", "missing"},
        {R"({"linux": {"memoryPolicy": {"mode": "MPOL_FOO"}}})", "/linux/memoryPolicy/mode",
         "expected MPOL_DEFAULT"},
        {R"({"linux": {"memoryPolicy": {"mode": "MPOL_BIND"}}})", "/linux/memoryPolicy/nodes",
         "missing, required by MPOL_BIND"},
        {R"({"linux": {"memoryPolicy": {"mode": "MPOL_INTERLEAVE", "nodes": ""}}})",
         "/linux/memoryPolicy/nodes", "missing, required by MPOL_INTERLEAVE"},
        {R"({"linux": {"memoryPolicy": {"mode": "MPOL_LOCAL", "nodes": "0"}}})",
         "/linux/memoryPolicy/nodes", "given, MPOL_LOCAL takes none"},
        {R"({"linux": {"memoryPolicy": {"mode": "MPOL_DEFAULT", "nodes": "0"}}})",
         "/linux/memoryPolicy/nodes", "given, MPOL_DEFAULT takes none"},
        {R"({"linux": {"memoryPolicy": {"mode": "MPOL_BIND", "nodes": "0;1"}}})",
         "/linux/memoryPolicy/nodes", "expected a list"},
        {R"({"linux": {"memoryPolicy": {"mode": "MPOL_BIND", "nodes": "0",
             "flags": ["MPOL_F_FOO"]}}})",
         "/linux/memoryPolicy/flags/0", "expected MPOL_F_NUMA_BALANCING"},
        {R"({"linux": {"personality": {}}})", "/linux/personality/domain", "missing"},
        {R"({"linux": {"personality": {"domain": "BSD"}}})", "/linux/personality/domain",
         "expected LINUX or LINUX32, got \"BSD\""},
        {R"({"linux": {"personality": {"domain": "LINUX", "flags": ["ADDR_NO_RANDOMIZE"]}}})",
         "/linux/personality/flags/0", "expected no flags at all"},
    })));
}
