#include "oci/resources.h"

#include "oci/readers.h"

namespace lxcri::oci {

static void read(const JsonValue& json, Memory& memory) {
    const JsonObject object(json);
    object.optional("limit", memory.limit);
    object.optional("reservation", memory.reservation);
    object.optional("swap", memory.swap);
    object.optional("kernel", memory.kernel);
    object.optional("kernelTCP", memory.kernel_tcp);
    object.optional("swappiness", memory.swappiness);
    object.optional("disableOOMKiller", memory.disable_oom_killer);
    object.optional("useHierarchy", memory.use_hierarchy);
    object.optional("checkBeforeUpdate", memory.check_before_update);
}

static void read(const JsonValue& json, Cpu& cpu) {
    const JsonObject object(json);
    object.optional("shares", cpu.shares);
    object.optional("quota", cpu.quota);
    object.optional("burst", cpu.burst);
    object.optional("period", cpu.period);
    object.optional("realtimeRuntime", cpu.realtime_runtime);
    object.optional("realtimePeriod", cpu.realtime_period);
    object.optional("cpus", cpu.cpus);
    object.optional("mems", cpu.mems);
    object.optional("idle", cpu.idle);
}

// The schema requires the limit, the Go types of the callers leave it out.
static void read(const JsonValue& json, Pids& pids) {
    const JsonObject object(json);
    object.optional("limit", pids.limit);
}

static void read(const JsonValue& json, BlockIoWeightDevice& device) {
    const JsonObject object(json);
    object.required("major", device.major);
    object.required("minor", device.minor);
    object.optional("weight", device.weight);
    object.optional("leafWeight", device.leaf_weight);
}

static void read(const JsonValue& json, BlockIoThrottleDevice& device) {
    const JsonObject object(json);
    object.required("major", device.major);
    object.required("minor", device.minor);
    object.required("rate", device.rate);
}

static void read(const JsonValue& json, BlockIo& block_io) {
    const JsonObject object(json);
    object.optional("weight", block_io.weight);
    object.optional("leafWeight", block_io.leaf_weight);
    object.optional("weightDevice", block_io.weight_device);
    object.optional("throttleReadBpsDevice", block_io.throttle_read_bps_device);
    object.optional("throttleWriteBpsDevice", block_io.throttle_write_bps_device);
    object.optional("throttleReadIOPSDevice", block_io.throttle_read_iops_device);
    object.optional("throttleWriteIOPSDevice", block_io.throttle_write_iops_device);
}

static void read(const JsonValue& json, HugepageLimit& limit) {
    const JsonObject object(json);
    // So it was called in old versions of the specification, and some callers still call it so.
    const bool is_old = !json.find("pageSize") && json.find("pagesize");
    object.required(is_old ? "pagesize" : "pageSize", limit.page_size);
    object.required("limit", limit.limit);
}

static void read(const JsonValue& json, InterfacePriority& priority) {
    const JsonObject object(json);
    object.required("name", priority.name);
    object.required("priority", priority.priority);
}

static void read(const JsonValue& json, Network& network) {
    const JsonObject object(json);
    object.optional("classID", network.class_id);
    object.optional("priorities", network.priorities);
}

static void read(const JsonValue& json, Rdma& rdma) {
    const JsonObject object(json);
    object.optional("hcaHandles", rdma.hca_handles);
    object.optional("hcaObjects", rdma.hca_objects);
}

void read(const JsonValue& json, Resources& resources) {
    const JsonObject object(json);
    object.optional("devices", resources.devices);
    object.optional("memory", resources.memory);
    object.optional("cpu", resources.cpu);
    object.optional("pids", resources.pids);
    object.optional("blockIO", resources.block_io);
    object.optional("hugepageLimits", resources.hugepage_limits);
    object.optional("network", resources.network);
    object.optional("rdma", resources.rdma);
    object.optional("unified", resources.unified);
}

}  // namespace lxcri::oci
