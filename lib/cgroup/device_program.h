#pragma once
// The list of device rules as a BPF program of the type BPF_PROG_TYPE_CGROUP_DEVICE. Pure.

#include <linux/bpf.h>

#include <vector>

#include "cgroup/device_rules.h"

namespace lxcri::cgroup {

// The kernel runs it at each open(2) and mknod(2) of a device; 1 lets the caller go on.
std::vector<bpf_insn> device_program(const std::vector<EffectiveRule>& rules);

}  // namespace lxcri::cgroup
