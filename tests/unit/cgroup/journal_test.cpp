// What an update that failed writes back.

#include "cgroup/journal.h"
#include "support/catch.h"

namespace {

using lxcri::cgroup::value_to_restore;

TEST_CASE("journal: files with one value get their content back") {
    CHECK(value_to_restore("pids.max", "max\n", "10") == "max");
    CHECK(value_to_restore("cpu.max", "max 100000\n", "5000 10000") == "max 100000");
    CHECK(value_to_restore("cpuset.cpus", "\n", "0") == "\n");
    CHECK(value_to_restore("memory.oom_control", "oom_kill_disable 1\nunder_oom 0\n", "0") == "1");
}

TEST_CASE("journal: files with a line for each key get that line back") {
    const char* throttle = "blkio.throttle.read_bps_device";
    CHECK(value_to_restore(throttle, "8:0 1048576\n8:16 5\n", "8:16 9") == "8:16 5");
    CHECK(value_to_restore(throttle, "8:0 1048576\n", "8:16 9") == "8:16 0");
    CHECK(value_to_restore(throttle, "", "8:16 9") == "8:16 0");
    CHECK(value_to_restore("io.max", "", "8:0 rbps=10") ==
          "8:0 rbps=max wbps=max riops=max wiops=max");
    CHECK(value_to_restore("io.max", "8:0 rbps=5 wbps=max riops=max wiops=max\n", "8:0 rbps=10") ==
          "8:0 rbps=5 wbps=max riops=max wiops=max");
    CHECK(value_to_restore("io.weight", "default 100\n8:0 50\n", "default 300") == "default 100");
    CHECK(value_to_restore("io.weight", "default 100\n", "8:0 300") == "8:0 default");
    CHECK(value_to_restore("net_prio.ifpriomap", "lo 0\neth0 3\n", "eth0 9") == "eth0 3");
    CHECK(value_to_restore("rdma.max", "mlx4_0 hca_handle=max hca_object=max\n",
                           "mlx4_0 hca_handle=2") == "mlx4_0 hca_handle=max hca_object=max");
}

}  // namespace
