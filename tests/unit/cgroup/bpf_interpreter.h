#pragma once
// Runs the few BPF instructions that device_program() uses, so that its programs can be compared
// with is_allowed() for many devices without a kernel.

#include <linux/bpf.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <vector>

namespace lxcri::test {

inline bool run_device_program(const std::vector<bpf_insn>& program,
                               const bpf_cgroup_dev_ctx& context) {
    std::array<std::uint64_t, 11> reg{};
    const auto low = [&](unsigned index) { return static_cast<std::uint32_t>(reg.at(index)); };
    for (std::size_t pc = 0; pc < program.size(); ++pc) {
        const bpf_insn& insn = program[pc];
        const auto imm = static_cast<std::uint32_t>(insn.imm);
        const auto jump = static_cast<std::size_t>(insn.off);
        switch (insn.code) {
            case BPF_LDX | BPF_MEM | BPF_W: {
                std::uint32_t value = 0;
                std::memcpy(&value, reinterpret_cast<const char*>(&context) + insn.off, 4);
                reg.at(insn.dst_reg) = value;
                break;
            }
            case BPF_ALU | BPF_MOV | BPF_X:
                reg.at(insn.dst_reg) = low(insn.src_reg);
                break;
            case BPF_ALU | BPF_RSH | BPF_K:
                reg.at(insn.dst_reg) = low(insn.dst_reg) >> imm;
                break;
            case BPF_ALU | BPF_AND | BPF_K:
                reg.at(insn.dst_reg) = low(insn.dst_reg) & imm;
                break;
            case BPF_ALU64 | BPF_MOV | BPF_K:
                reg.at(insn.dst_reg) = imm;
                break;
            case BPF_JMP32 | BPF_JEQ | BPF_K:
                if (low(insn.dst_reg) == imm) pc += jump;
                break;
            case BPF_JMP32 | BPF_JNE | BPF_K:
                if (low(insn.dst_reg) != imm) pc += jump;
                break;
            case BPF_JMP32 | BPF_JSET | BPF_K:
                if ((low(insn.dst_reg) & imm) != 0) pc += jump;
                break;
            case BPF_JMP | BPF_JA:
                pc += jump;
                break;
            case BPF_JMP | BPF_EXIT:
                return reg[0] != 0;
            default:
                throw std::logic_error("unknown BPF instruction");
        }
    }
    throw std::logic_error("the BPF program has no end");
}

}  // namespace lxcri::test
