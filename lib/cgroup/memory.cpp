// Owns: /linux/resources/memory
//
// A limit of 0 is read as "not set": callers send it for that, and no process could live with it.

#include <fcntl.h>

#include <cerrno>

#include "base/strings.h"
#include "cgroup/controller.h"
#include "os/file.h"

namespace lxcri::cgroup {

namespace {

constexpr const char* kLimitV1 = "memory.limit_in_bytes";
constexpr const char* kSwapV1 = "memory.memsw.limit_in_bytes";

std::string_view wanted(const oci::Resources& resources) {
    const oci::Memory& memory = resources.memory;
    if (memory.limit.value_or(0) != 0) return "/memory/limit";
    if (memory.reservation.value_or(0) != 0) return "/memory/reservation";
    if (memory.swap.value_or(0) != 0) return "/memory/swap";
    if (memory.kernel_tcp.value_or(0) != 0) return "/memory/kernelTCP";
    if (memory.swappiness) return "/memory/swappiness";
    if (memory.use_hierarchy) return "/memory/useHierarchy";
    if (memory.disable_oom_killer.value_or(false)) return "/memory/disableOOMKiller";
    return "";
}

void check_v2(const oci::Memory& memory, Checker& checker) {
    constexpr std::string_view kOnlyV1 = "exists in cgroup version 1 only, this host has version 2";
    if (memory.swappiness) checker.reject("/memory/swappiness", kOnlyV1);
    if (memory.disable_oom_killer.value_or(false)) {
        checker.reject("/memory/disableOOMKiller", kOnlyV1);
    }
    if (memory.use_hierarchy == false) {
        checker.reject("/memory/useHierarchy", "cgroup version 2 always uses hierarchies");
    }
    if (memory.kernel.value_or(0) > 0) {
        checker.warn("/memory/kernel", "has no effect, the limit counts kernel memory too");
    }
    if (memory.kernel_tcp.value_or(0) > 0) {
        checker.warn("/memory/kernelTCP", "has no effect, the limit counts socket buffers too");
    }
}

void check(const oci::Resources& resources, int version, Checker& checker) {
    const oci::Memory& memory = resources.memory;
    if (version == 2) {
        check_v2(memory, checker);
    } else if (memory.kernel.value_or(0) > 0) {
        checker.warn("/memory/kernel", "is obsolete, kernels since 5.16 do not apply it");
    }
}

[[noreturn]] void fail_below_use(const ControllerFiles& files, std::int64_t limit,
                                 const std::string& use_file) {
    const auto use = files.find_number(use_file);
    files.reject("/memory/limit",
                 concat("the memory limit ", std::to_string(limit),
                        " is too low: ", use ? std::to_string(*use) : "more", " bytes are in use (",
                        in_quotes(concat(files.directory().path, "/", use_file)), ")"));
}

// ---- version 1 ------------------------------------------------------------------------------

bool host_has_swap() {
    // One line is the heading.
    const auto text = os::find_file_at(AT_FDCWD, "/proc/swaps");
    return text && split(*text, '\n').size() > 2;
}

// What each CPU has taken in advance counts as use. The kernel takes it back and tries once more;
// a process that runs meanwhile has it taken anew.
int try_write_limit_v1(const ControllerFiles& files, std::int64_t limit) {
    constexpr int kAttempts = 50;
    for (int attempt = 1;; ++attempt) {
        const int error = files.try_write(kLimitV1, std::to_string(limit));
        if (error != EBUSY || attempt == kAttempts) return error;
        const auto use = files.find_number("memory.usage_in_bytes");
        if (!use || *use > limit) return error;
    }
}

void write_limit_v1(const ControllerFiles& files, std::int64_t limit) {
    const int error = try_write_limit_v1(files, limit);
    if (error == EBUSY) fail_below_use(files, limit, "memory.usage_in_bytes");
    if (error != 0) files.fail("/memory/limit", kLimitV1, std::to_string(limit), error);
}

void write_swap_v1(const ControllerFiles& files, std::int64_t swap) {
    const int error = files.try_write(kSwapV1, std::to_string(swap));
    if (error == 0) return;
    // A kernel that does not count swap: nothing to lift, and nothing to limit when there is none.
    if (error == ENOENT && (swap < 0 || !host_has_swap())) return;
    files.fail("/memory/swap", kSwapV1, std::to_string(swap), error);
}

// The kernel keeps limit <= memory+swap at every moment: which of them must be written first
// depends on what they were.
void apply_limits_v1(const ControllerFiles& files, const oci::Memory& memory) {
    const std::int64_t limit = memory.limit.value_or(0);
    std::int64_t swap = memory.swap.value_or(0);
    // Without a limit for memory there is none for memory and swap.
    if (limit < 0 && swap == 0) swap = -1;
    bool swap_first = limit == 0 || swap < 0;
    if (!swap_first && swap != 0) {
        const auto current = files.find_number(kSwapV1);
        swap_first = current && *current < limit;
    }
    if (swap != 0 && swap_first) write_swap_v1(files, swap);
    if (limit != 0) write_limit_v1(files, limit);
    if (swap != 0 && !swap_first) write_swap_v1(files, swap);
}

void apply_v1(const ControllerFiles& files, const oci::Memory& memory) {
    if (memory.use_hierarchy) {
        const std::string value = *memory.use_hierarchy ? "1" : "0";
        if (files.find("memory.use_hierarchy") != value) {
            files.write("/memory/useHierarchy", "memory.use_hierarchy", value);
        }
    }
    apply_limits_v1(files, memory);
    if (const std::int64_t value = memory.reservation.value_or(0); value != 0) {
        files.write("/memory/reservation", "memory.soft_limit_in_bytes", std::to_string(value));
    }
    if (const std::int64_t value = memory.kernel.value_or(0); value != 0) {
        // Obsolete, see the warning: what the kernel makes of it is its business.
        (void)files.try_write("memory.kmem.limit_in_bytes", std::to_string(value));
    }
    if (const std::int64_t value = memory.kernel_tcp.value_or(0); value != 0) {
        files.write("/memory/kernelTCP", "memory.kmem.tcp.limit_in_bytes", std::to_string(value));
    }
    if (memory.swappiness) {
        files.write("/memory/swappiness", "memory.swappiness", std::to_string(*memory.swappiness));
    }
    if (memory.disable_oom_killer.value_or(false)) {
        files.write("/memory/disableOOMKiller", "memory.oom_control", "1");
    } else if (memory.disable_oom_killer && files.purpose() == Purpose::update) {
        files.write("/memory/disableOOMKiller", "memory.oom_control", "0");
    }
}

// ---- version 2 ------------------------------------------------------------------------------

// The limit below which memory.swap.max is a part of the sum: the new one, else the present one.
std::int64_t limit_for_swap(const ControllerFiles& files, const oci::Memory& memory) {
    if (memory.limit.value_or(0) != 0) return *memory.limit;
    return files.find_number("memory.max").value_or(-1);  // "max" is not a number
}

void apply_swap_v2(const ControllerFiles& files, const oci::Memory& memory) {
    const std::int64_t total = memory.swap.value_or(0);
    const std::int64_t limit = limit_for_swap(files, memory);
    if (total == 0 && memory.limit.value_or(0) >= 0) return;
    std::int64_t swap = -1;
    if (total > 0) {
        if (limit < 0) files.reject("/memory/swap", "counts memory too: it needs a memory limit");
        if (total < limit) {
            files.reject("/memory/swap", concat("is less than the memory limit ",
                                                std::to_string(limit), ", which it includes"));
        }
        swap = total - limit;
    }
    const std::string value = limit_or_max(swap);
    const int error = files.try_write("memory.swap.max", value);
    if (error == 0) return;
    if (error == ENOENT && (swap < 0 || !host_has_swap())) return;
    files.fail("/memory/swap", "memory.swap.max", value, error);
}

// memory.max below what is in use makes the kernel kill. memory.high, at the same value for a
// moment, makes it reclaim only.
bool fits_after_reclaim(const ControllerFiles& files, std::int64_t limit) {
    const auto fits = [&] {
        const auto use = files.find_number("memory.current");
        return !use || *use <= limit;
    };
    if (fits()) return true;
    const auto before = files.find("memory.high");
    if (!before || files.try_write("memory.high", std::to_string(limit)) != 0) return false;
    const bool result = fits();
    (void)files.try_write("memory.high", *before);
    return result;
}

void apply_limit_v2(const ControllerFiles& files, const oci::Memory& memory) {
    const std::int64_t limit = memory.limit.value_or(0);
    if (limit == 0) return;
    // To kill in a container that runs is what the caller of update asks for, unless it says no.
    const bool may_kill =
        files.purpose() == Purpose::update && !memory.check_before_update.value_or(false);
    if (limit > 0 && !may_kill && !fits_after_reclaim(files, limit)) {
        fail_below_use(files, limit, "memory.current");
    }
    files.write("/memory/limit", "memory.max", limit_or_max(limit));
}

void apply_v2(const ControllerFiles& files, const oci::Memory& memory) {
    apply_swap_v2(files, memory);
    apply_limit_v2(files, memory);
    if (const std::int64_t value = memory.reservation.value_or(0); value != 0) {
        files.write("/memory/reservation", "memory.low", limit_or_max(value));
    }
}

void apply(const ControllerFiles& files, const oci::Resources& resources) {
    if (files.is_v1()) {
        apply_v1(files, resources.memory);
    } else {
        apply_v2(files, resources.memory);
    }
}

}  // namespace

const Controller kMemoryController{
    "memory", "memory", kLimitV1, "memory.max", wanted, check, apply,
};

}  // namespace lxcri::cgroup
