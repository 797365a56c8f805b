#pragma once
// The fields of those structures of config.json that are part of a plan as they are
// (translate/plan.h): for printing, sending and storing them, as handoff/codec.h says.

#include "oci/linux.h"
#include "oci/process.h"

namespace lxcri::oci {

template <class V>
void visit_fields(V& visit, Namespace& entry) {
    visit("type", entry.type);
    visit("path", entry.path);
}

template <class V>
void visit_fields(V& visit, IdMapping& mapping) {
    visit("containerID", mapping.container_id);
    visit("hostID", mapping.host_id);
    visit("size", mapping.size);
}

template <class V>
void visit_fields(V& visit, ExecCpuAffinity& affinity) {
    visit("initial", affinity.initial);
    visit("final", affinity.final);
}

template <class V>
void visit_fields(V& visit, IntelRdt& rdt) {
    visit("closID", rdt.clos_id);
    visit("schemata", rdt.schemata);
    visit("l3CacheSchema", rdt.l3_cache_schema);
    visit("memBwSchema", rdt.mem_bw_schema);
    visit("enableMonitoring", rdt.enable_monitoring);
}

template <class V>
void visit_fields(V& visit, DeviceRule& rule) {
    visit("allow", rule.allow);
    visit("type", rule.type);
    visit("major", rule.major);
    visit("minor", rule.minor);
    visit("access", rule.access);
}

template <class V>
void visit_fields(V& visit, Memory& memory) {
    visit("limit", memory.limit);
    visit("reservation", memory.reservation);
    visit("swap", memory.swap);
    visit("kernel", memory.kernel);
    visit("kernelTCP", memory.kernel_tcp);
    visit("swappiness", memory.swappiness);
    visit("disableOOMKiller", memory.disable_oom_killer);
    visit("useHierarchy", memory.use_hierarchy);
    visit("checkBeforeUpdate", memory.check_before_update);
}

template <class V>
void visit_fields(V& visit, Cpu& cpu) {
    visit("shares", cpu.shares);
    visit("quota", cpu.quota);
    visit("burst", cpu.burst);
    visit("period", cpu.period);
    visit("realtimeRuntime", cpu.realtime_runtime);
    visit("realtimePeriod", cpu.realtime_period);
    visit("cpus", cpu.cpus);
    visit("mems", cpu.mems);
    visit("idle", cpu.idle);
}

template <class V>
void visit_fields(V& visit, Pids& pids) {
    visit("limit", pids.limit);
}

template <class V>
void visit_fields(V& visit, BlockIoWeightDevice& device) {
    visit("major", device.major);
    visit("minor", device.minor);
    visit("weight", device.weight);
    visit("leafWeight", device.leaf_weight);
}

template <class V>
void visit_fields(V& visit, BlockIoThrottleDevice& device) {
    visit("major", device.major);
    visit("minor", device.minor);
    visit("rate", device.rate);
}

template <class V>
void visit_fields(V& visit, BlockIo& block_io) {
    visit("weight", block_io.weight);
    visit("leafWeight", block_io.leaf_weight);
    visit("weightDevice", block_io.weight_device);
    visit("throttleReadBpsDevice", block_io.throttle_read_bps_device);
    visit("throttleWriteBpsDevice", block_io.throttle_write_bps_device);
    visit("throttleReadIOPSDevice", block_io.throttle_read_iops_device);
    visit("throttleWriteIOPSDevice", block_io.throttle_write_iops_device);
}

template <class V>
void visit_fields(V& visit, HugepageLimit& limit) {
    visit("pageSize", limit.page_size);
    visit("limit", limit.limit);
}

template <class V>
void visit_fields(V& visit, InterfacePriority& priority) {
    visit("name", priority.name);
    visit("priority", priority.priority);
}

template <class V>
void visit_fields(V& visit, Network& network) {
    visit("classID", network.class_id);
    visit("priorities", network.priorities);
}

template <class V>
void visit_fields(V& visit, Rdma& rdma) {
    visit("hcaHandles", rdma.hca_handles);
    visit("hcaObjects", rdma.hca_objects);
}

template <class V>
void visit_fields(V& visit, Resources& resources) {
    visit("devices", resources.devices);
    visit("memory", resources.memory);
    visit("cpu", resources.cpu);
    visit("pids", resources.pids);
    visit("blockIO", resources.block_io);
    visit("hugepageLimits", resources.hugepage_limits);
    visit("network", resources.network);
    visit("rdma", resources.rdma);
    visit("unified", resources.unified);
}

template <class V>
void visit_fields(V& visit, Rlimit& limit) {
    visit("type", limit.type);
    visit("soft", limit.soft);
    visit("hard", limit.hard);
}

template <class V>
void visit_fields(V& visit, Scheduler& scheduler) {
    visit("policy", scheduler.policy);
    visit("nice", scheduler.nice);
    visit("priority", scheduler.priority);
    visit("flags", scheduler.flags);
    visit("runtime", scheduler.runtime);
    visit("deadline", scheduler.deadline);
    visit("period", scheduler.period);
}

template <class V>
void visit_fields(V& visit, IoPriority& priority) {
    visit("class", priority.class_);
    visit("priority", priority.priority);
}

}  // namespace lxcri::oci
