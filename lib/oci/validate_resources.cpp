// The rules of `linux.resources`: runtime-spec config-linux.md "Control groups".

#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/strings.h"
#include "oci/validate_rules.h"

namespace lxcri::oci {

namespace {

// -1 is "no limit" wherever a limit is signed.
void check_limit(const std::optional<std::int64_t>& limit, std::string_view base,
                 std::string_view member) {
    if (limit.value_or(0) < -1) {
        reject(concat(base, member), std::to_string(*limit), "-1 (no limit) or more");
    }
}

void check_devices(const Resources& resources, std::string_view base) {
    const auto list = concat(base, "/devices");
    const auto& rules = resources.devices;
    for (std::size_t i = 0; i < rules.size(); ++i) {
        const auto& access = rules[i].access;
        if (access.empty() || access.find_first_not_of("rwm") != std::string::npos) {
            reject(at(list, i, "/access"), in_quotes(access), "letters out of \"rwm\"");
        }
        const auto check_number = [&](std::optional<std::int64_t> number, std::string_view member) {
            if (number && (*number < 0 || *number > 0xffffffff)) {
                reject(at(list, i, member), std::to_string(*number), "-1 (any) to 4294967295");
            }
        };
        check_number(rules[i].major, "/major");
        check_number(rules[i].minor, "/minor");
    }
}

void check_memory(const Resources& resources, std::string_view base) {
    const auto& memory = resources.memory;
    check_limit(memory.limit, base, "/memory/limit");
    check_limit(memory.reservation, base, "/memory/reservation");
    check_limit(memory.swap, base, "/memory/swap");
    check_limit(memory.kernel, base, "/memory/kernel");
    check_limit(memory.kernel_tcp, base, "/memory/kernelTCP");
    if (memory.swappiness.value_or(0) > 100) {
        reject(concat(base, "/memory/swappiness"), std::to_string(*memory.swappiness), "0 to 100");
    }
    const auto limit = memory.limit.value_or(0);
    const auto swap = memory.swap.value_or(0);
    if (limit > 0 && swap > 0 && swap < limit) {
        reject(concat(base, "/memory/swap"), std::to_string(swap),
               concat("memory and swap together, at least the limit ", std::to_string(limit)));
    }
}

// A list of cpuset(7). The kernel judges it, but nothing else may get into the file.
void check_cpuset(const std::optional<std::string>& list, std::string_view base,
                  std::string_view member) {
    if (list && list->find_first_not_of("0123456789-,:/ ") != std::string::npos) {
        reject(concat(base, member), in_quotes(*list), "a list as in \"0-3,7\"");
    }
}

void check_cpu(const Resources& resources, std::string_view base) {
    const auto& cpu = resources.cpu;
    check_limit(cpu.quota, base, "/cpu/quota");
    check_limit(cpu.realtime_runtime, base, "/cpu/realtimeRuntime");
    check_cpuset(cpu.cpus, base, "/cpu/cpus");
    check_cpuset(cpu.mems, base, "/cpu/mems");
    const auto idle = cpu.idle.value_or(0);
    if (idle != 0 && idle != 1) {
        reject(concat(base, "/cpu/idle"), std::to_string(idle), "0 or 1");
    }
    const auto quota = cpu.quota.value_or(0);
    if (quota > 0 && cpu.burst.value_or(0) > static_cast<std::uint64_t>(quota)) {
        reject(concat(base, "/cpu/burst"), std::to_string(*cpu.burst),
               concat("at most the quota ", std::to_string(quota)));
    }
}

void check_pids(const Resources& resources, std::string_view base) {
    check_limit(resources.pids.limit, base, "/pids/limit");
}

// 0 is what callers send for "not set".
bool is_weight(std::optional<std::uint16_t> weight) {
    const auto value = weight.value_or(0);
    return value == 0 || (value >= 10 && value <= 1000);
}

void check_weight(std::optional<std::uint16_t> weight, std::string pointer) {
    if (!is_weight(weight)) reject(std::move(pointer), std::to_string(*weight), "10 to 1000");
}

void check_block_io(const Resources& resources, std::string_view base) {
    const auto& block_io = resources.block_io;
    check_weight(block_io.weight, concat(base, "/blockIO/weight"));
    check_weight(block_io.leaf_weight, concat(base, "/blockIO/leafWeight"));
    const auto list = concat(base, "/blockIO/weightDevice");
    for (std::size_t i = 0; i < block_io.weight_device.size(); ++i) {
        const auto& device = block_io.weight_device[i];
        // config-linux.md "Block IO": at least one MUST be given.
        if (!device.weight && !device.leaf_weight) {
            throw SpecError(at(list, i), "neither weight nor leafWeight is given");
        }
        check_weight(device.weight, at(list, i, "/weight"));
        check_weight(device.leaf_weight, at(list, i, "/leafWeight"));
    }
}

template <class Entry>
void check_device_numbers(const std::vector<Entry>& devices, const std::string& list) {
    for (std::size_t i = 0; i < devices.size(); ++i) {
        if (devices[i].major < 0) {
            reject(at(list, i, "/major"), std::to_string(devices[i].major), "0 or more");
        }
        if (devices[i].minor < 0) {
            reject(at(list, i, "/minor"), std::to_string(devices[i].minor), "0 or more");
        }
    }
}

void check_block_io_devices(const Resources& resources, std::string_view base) {
    const auto& block_io = resources.block_io;
    const auto list = [&](std::string_view name) { return concat(base, "/blockIO/", name); };
    check_device_numbers(block_io.weight_device, list("weightDevice"));
    check_device_numbers(block_io.throttle_read_bps_device, list("throttleReadBpsDevice"));
    check_device_numbers(block_io.throttle_write_bps_device, list("throttleWriteBpsDevice"));
    check_device_numbers(block_io.throttle_read_iops_device, list("throttleReadIOPSDevice"));
    check_device_numbers(block_io.throttle_write_iops_device, list("throttleWriteIOPSDevice"));
}

// The pattern of the schema: ^[1-9][0-9]*[KMG]B$
bool is_page_size(std::string_view text) {
    if (text.size() < 3 || !text.ends_with('B')) return false;
    const auto digits = text.substr(0, text.size() - 2);
    return std::string_view("KMG").find(text[text.size() - 2]) != std::string_view::npos &&
           digits.find_first_not_of("0123456789") == std::string_view::npos && digits[0] != '0';
}

void check_hugepage_limits(const Resources& resources, std::string_view base) {
    const auto& limits = resources.hugepage_limits;
    for (std::size_t i = 0; i < limits.size(); ++i) {
        if (!is_page_size(limits[i].page_size)) {
            reject(at(concat(base, "/hugepageLimits"), i, "/pageSize"),
                   in_quotes(limits[i].page_size), "a size as in \"64KB\", \"2MB\" or \"1GB\"");
        }
    }
}

void check_network(const Resources& resources, std::string_view base) {
    const auto& priorities = resources.network.priorities;
    for (std::size_t i = 0; i < priorities.size(); ++i) {
        const auto& name = priorities[i].name;
        if (name.empty() || name.find_first_of(" \t\n/") != std::string::npos) {
            reject(at(concat(base, "/network/priorities"), i, "/name"), in_quotes(name),
                   "the name of a network device");
        }
    }
}

// config-linux.md "RDMA": at least one MUST be given.
void check_rdma(const Resources& resources, std::string_view base) {
    for (const auto& [device, limits] : resources.rdma) {
        if (limits.hca_handles || limits.hca_objects) continue;
        throw SpecError(at_key(concat(base, "/rdma"), device),
                        "neither hcaHandles nor hcaObjects is given");
    }
}

// The keys become names of files in the cgroup.
void check_unified(const Resources& resources, std::string_view base) {
    for (const auto& [name, value] : resources.unified) {
        if (name.find('/') != std::string::npos || name.find('.') == std::string::npos ||
            name.starts_with('.')) {
            throw SpecError(at_key(concat(base, "/unified"), name),
                            "the key is not the name of a cgroup v2 file as in \"memory.high\"");
        }
    }
}

constexpr std::array kRules{
    check_devices,          check_memory,          check_cpu,     check_pids, check_block_io,
    check_block_io_devices, check_hugepage_limits, check_network, check_rdma, check_unified,
};

}  // namespace

void check_resources(const Resources& resources, std::string_view base) {
    for (const auto rule : kRules) rule(resources, base);
}

}  // namespace lxcri::oci
