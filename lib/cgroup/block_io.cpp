// Owns: /linux/resources/blockIO
//
// A weight of 0 is read as "not set": Docker sends it for that. A rate of 0 lifts the limit.

#include <cerrno>

#include "base/strings.h"
#include "cgroup/controller.h"
#include "cgroup/conversions.h"

namespace lxcri::cgroup {

namespace {

struct Throttle {
    std::string_view property;
    const char* file_v1;
    const char* key_v2;
    std::vector<oci::BlockIoThrottleDevice> oci::BlockIo::*devices;
};

constexpr std::array<Throttle, 4> kThrottles{{
    {"/blockIO/throttleReadBpsDevice", "blkio.throttle.read_bps_device", "rbps",
     &oci::BlockIo::throttle_read_bps_device},
    {"/blockIO/throttleWriteBpsDevice", "blkio.throttle.write_bps_device", "wbps",
     &oci::BlockIo::throttle_write_bps_device},
    {"/blockIO/throttleReadIOPSDevice", "blkio.throttle.read_iops_device", "riops",
     &oci::BlockIo::throttle_read_iops_device},
    {"/blockIO/throttleWriteIOPSDevice", "blkio.throttle.write_iops_device", "wiops",
     &oci::BlockIo::throttle_write_iops_device},
}};

std::string_view wanted(const oci::Resources& resources) {
    const oci::BlockIo& block_io = resources.block_io;
    if (block_io.weight.value_or(0) != 0) return "/blockIO/weight";
    if (block_io.leaf_weight.value_or(0) != 0) return "/blockIO/leafWeight";
    if (!block_io.weight_device.empty()) return "/blockIO/weightDevice";
    for (const Throttle& throttle : kThrottles) {
        if (!(block_io.*throttle.devices).empty()) return throttle.property;
    }
    return "";
}

std::string at(std::string_view list, std::size_t index, std::string_view member = {}) {
    return concat(list, "/", std::to_string(index), member);
}

void check(const oci::Resources& resources, int version, Checker& checker) {
    constexpr std::string_view kOnlyV1 = "exists in cgroup version 1 only, this host has version 2";
    if (version == 1) return;
    const oci::BlockIo& block_io = resources.block_io;
    if (block_io.leaf_weight.value_or(0) != 0) checker.reject("/blockIO/leafWeight", kOnlyV1);
    for (std::size_t i = 0; i < block_io.weight_device.size(); ++i) {
        if (block_io.weight_device[i].leaf_weight.value_or(0) != 0) {
            checker.reject(at("/blockIO/weightDevice", i, "/leafWeight"), kOnlyV1);
        }
    }
}

template <class Device>
std::string numbers(const Device& device) {
    return concat(std::to_string(device.major), ":", std::to_string(device.minor));
}

// Schedulers have come and gone: the file of the old one, else that of BFQ.
void write_weight_v1(const ControllerFiles& files, std::string_view property,
                     const std::string& name, const std::string& value) {
    const std::string old_file = concat("blkio.", name);
    const int error = files.try_write(old_file, value);
    if (error == 0) return;
    if (error != ENOENT) files.fail(property, old_file, value, error);
    files.write(property, concat("blkio.bfq.", name), value);
}

void apply_weights_v1(const ControllerFiles& files, const oci::BlockIo& block_io) {
    if (const std::uint16_t weight = block_io.weight.value_or(0); weight != 0) {
        write_weight_v1(files, "/blockIO/weight", "weight", std::to_string(weight));
    }
    if (const std::uint16_t weight = block_io.leaf_weight.value_or(0); weight != 0) {
        files.write("/blockIO/leafWeight", "blkio.leaf_weight", std::to_string(weight));
    }
    for (std::size_t i = 0; i < block_io.weight_device.size(); ++i) {
        const oci::BlockIoWeightDevice& device = block_io.weight_device[i];
        if (const std::uint16_t weight = device.weight.value_or(0); weight != 0) {
            write_weight_v1(files, at("/blockIO/weightDevice", i, "/weight"), "weight_device",
                            concat(numbers(device), " ", std::to_string(weight)));
        }
        if (const std::uint16_t weight = device.leaf_weight.value_or(0); weight != 0) {
            files.write(at("/blockIO/weightDevice", i, "/leafWeight"), "blkio.leaf_weight_device",
                        concat(numbers(device), " ", std::to_string(weight)));
        }
    }
}

void apply_weights_v2(const ControllerFiles& files, const oci::BlockIo& block_io) {
    if (block_io.weight.value_or(0) == 0 && block_io.weight_device.empty()) return;
    // BFQ has the range of the spec, io.cost a wider one.
    const bool is_bfq = files.has("io.bfq.weight");
    const char* file = is_bfq ? "io.bfq.weight" : "io.weight";
    const auto value = [&](std::uint16_t weight) {
        return std::to_string(is_bfq ? weight : io_weight(weight));
    };
    if (const std::uint16_t weight = block_io.weight.value_or(0); weight != 0) {
        files.write("/blockIO/weight", file, concat("default ", value(weight)));
    }
    for (std::size_t i = 0; i < block_io.weight_device.size(); ++i) {
        const oci::BlockIoWeightDevice& device = block_io.weight_device[i];
        if (const std::uint16_t weight = device.weight.value_or(0); weight != 0) {
            files.write(at("/blockIO/weightDevice", i, "/weight"), file,
                        concat(numbers(device), " ", value(weight)));
        }
    }
}

void apply_throttle(const ControllerFiles& files, const Throttle& throttle,
                    const oci::BlockIo& block_io) {
    const auto& devices = block_io.*throttle.devices;
    for (std::size_t i = 0; i < devices.size(); ++i) {
        const std::uint64_t rate = devices[i].rate;
        const std::string property = at(throttle.property, i);
        if (files.is_v1()) {
            files.write(property, throttle.file_v1,
                        concat(numbers(devices[i]), " ", std::to_string(rate)));
        } else {
            files.write(property, "io.max",
                        concat(numbers(devices[i]), " ", throttle.key_v2, "=",
                               rate == 0 ? "max" : std::to_string(rate)));
        }
    }
}

void apply(const ControllerFiles& files, const oci::Resources& resources) {
    if (files.is_v1()) {
        apply_weights_v1(files, resources.block_io);
    } else {
        apply_weights_v2(files, resources.block_io);
    }
    for (const Throttle& throttle : kThrottles) apply_throttle(files, throttle, resources.block_io);
}

}  // namespace

const Controller kBlockIoController{
    "blkio", "io", "blkio.throttle.read_bps_device", "io.max", wanted, check, apply,
};

}  // namespace lxcri::cgroup
