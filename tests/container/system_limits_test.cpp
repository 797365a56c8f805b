// Limits that are set inside of a system container. That takes a host with every controller: the
// virtual machine, whose own Debian is the root filesystem here.
#include "support/catch.h"
#include "support/environment.h"
#include "support/runtime.h"
#include "system.h"

using namespace lxcri::test;

namespace {

// The host's own Debian, of which the container's systemd starts the least.
struct HostsDebian : IdMappedTree {
    HostsDebian() : IdMappedTree("/", map_line(0, kFirstId, kIdCount)) {}
};

struct HostSystemBox : SystemBox {
    explicit HostSystemBox(const HostsDebian& debian) : SystemBox(debian.path(), kFirstId) {
        map_ids({{{"containerID", 0}, {"hostID", kFirstId}, {"size", kIdCount}}});
        bundle.process()["args"] = {"/sbin/init", "systemd.unit=basic.target"};
        // Podman's containers; the kernel puts no overlay on an overlay.
        give_tmpfs("/var/lib/containers");
    }
};

constexpr const char* kLimitsOfUnit = R"(
systemd-run --quiet --wait --pipe -p MemoryMax=48M -p TasksMax=20 -p CPUQuota=50% /bin/sh -c '
    cd /sys/fs/cgroup/$(cut -d: -f3 /proc/self/cgroup) && cat memory.max pids.max cpu.max'
)";

constexpr const char* kLimitsOfPodman = R"(set -e
mkdir -p /run/image/bin
cp /bin/busybox /run/image/bin/sh
cp /bin/busybox /run/image/bin/dd
for runtime in crun runc /opt/lxcri/bin/lxcri; do
    limited() {
        podman --runtime $runtime run --rm --network none --memory 48m --pids-limit 20 --cpus 0.5 \
            --rootfs /run/image:O /bin/sh -c "$1"
    }
    limited 'cd /sys/fs/cgroup; for i in memory.max pids.max cpu.max; do read x <$i; echo "$x"; done'
    limited 'dd if=/dev/zero of=/dev/null bs=100M count=1' 2>/dev/null || echo "$?"
done
)";

constexpr const char* kLimits = "50331648\n20\n50000 100000\n";

}  // namespace

TEST_CASE("system: limits that are set inside hold", "[system][vm][slow]") {
    NEEDS(need_runtime());
    APPLIES(has_systemd());
    const HostsDebian debian;
    HostSystemBox box(debian);
    box.bind_runtime();
    Container container = box.boot();
    CHECK(box.sh(container, kLimitsOfUnit).out == kLimits);
    const Finished podman = box.sh(container, kLimitsOfPodman);
    INFO(podman.err);
    std::string expected;
    for (int i = 0; i < 3; ++i) expected += std::string(kLimits) + "137\n";
    CHECK(podman.out == expected);
    box.end(container);
}
