#include "cgroup/device_program.h"

#include <cstddef>
#include <span>

namespace lxcri::cgroup {

namespace {

// What is in the registers while the rules are gone through, the last of them first.
constexpr unsigned char kType = BPF_REG_2;
constexpr unsigned char kAsked = BPF_REG_3;  // the bits of the access that no rule has decided yet
constexpr unsigned char kMajor = BPF_REG_4;
constexpr unsigned char kMinor = BPF_REG_5;

class Assembler {
  public:
    // Jumps that have been written before their target is known.
    using Jumps = std::vector<std::size_t>;

    void load(unsigned char to, std::size_t offset) {
        emit(BPF_LDX | BPF_MEM | BPF_W, to, BPF_REG_1, static_cast<short>(offset), 0);
    }
    void copy(unsigned char to, unsigned char from) {
        emit(BPF_ALU | BPF_MOV | BPF_X, to, from, 0, 0);
    }
    void shift_right(unsigned char reg, unsigned bits) {
        emit(BPF_ALU | BPF_RSH | BPF_K, reg, 0, 0, bits);
    }
    void mask(unsigned char reg, unsigned bits) {
        emit(BPF_ALU | BPF_AND | BPF_K, reg, 0, 0, bits);
    }
    void jump_if_equal(Jumps& jumps, unsigned char reg, std::uint32_t value) {
        jump(jumps, BPF_JMP32 | BPF_JEQ | BPF_K, reg, value);
    }
    void jump_if_not_equal(Jumps& jumps, unsigned char reg, std::uint32_t value) {
        jump(jumps, BPF_JMP32 | BPF_JNE | BPF_K, reg, value);
    }
    void jump_if_any_of(Jumps& jumps, unsigned char reg, unsigned bits) {
        jump(jumps, BPF_JMP32 | BPF_JSET | BPF_K, reg, bits);
    }
    void jump_always(Jumps& jumps) { jump(jumps, BPF_JMP | BPF_JA, 0, 0); }
    // The jumps lead to what comes next.
    void land(Jumps& jumps) {
        for (const std::size_t at : jumps) {
            code_[at].off = static_cast<short>(code_.size() - at - 1);
        }
        jumps.clear();
    }
    enum class Answer { deny, allow };
    void finish(Answer answer) {
        emit(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, answer == Answer::allow ? 1 : 0);
        emit(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
    }
    std::vector<bpf_insn> take() { return std::move(code_); }

  private:
    void jump(Jumps& jumps, unsigned code, unsigned char reg, std::uint32_t value) {
        jumps.push_back(code_.size());
        emit(code, reg, 0, 0, value);
    }
    void emit(unsigned code, unsigned char dst, unsigned char src, short offset,
              std::uint32_t value) {
        bpf_insn instruction{};
        instruction.code = static_cast<unsigned char>(code);
        instruction.dst_reg = dst & 0xfU;
        instruction.src_reg = src & 0xfU;
        instruction.off = offset;
        instruction.imm = static_cast<int>(value);
        code_.push_back(instruction);
    }

    std::vector<bpf_insn> code_;
};

void skip_other_types(Assembler& code, Assembler::Jumps& skip, oci::DeviceRuleType type) {
    if (type == oci::DeviceRuleType::all) return;
    const bool is_block = type == oci::DeviceRuleType::block;
    code.jump_if_not_equal(skip, kType, is_block ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR);
}

// A rule by itself. Returns false if no earlier rule can matter.
bool emit_rule(Assembler& code, const EffectiveRule& rule) {
    Assembler::Jumps skip;
    skip_other_types(code, skip, rule.type);
    if (rule.major) code.jump_if_not_equal(skip, kMajor, *rule.major);
    if (rule.minor) code.jump_if_not_equal(skip, kMinor, *rule.minor);
    if (rule.access != kMayAll && rule.allow) {
        code.mask(kAsked, kMayAll & ~rule.access);
        code.jump_if_not_equal(skip, kAsked, 0);
    } else if (rule.access != kMayAll) {
        Assembler::Jumps hit;
        code.jump_if_any_of(hit, kAsked, rule.access);
        code.jump_always(skip);
        code.land(hit);
    }
    code.finish(rule.allow ? Assembler::Answer::allow : Assembler::Answer::deny);
    const bool goes_on = !skip.empty();
    code.land(skip);
    return goes_on;
}

bool allows_one_kind(const EffectiveRule& rule) {
    return rule.allow && rule.access == kMayAll && rule.major &&
           rule.type != oci::DeviceRuleType::all;
}

// Rules that allow everything to devices of one type: most lists are little else, and the kernel
// takes its time to verify each instruction. One test for the type, one for each major number.
void emit_run(Assembler& code, std::span<const EffectiveRule> run) {
    Assembler::Jumps skip;
    Assembler::Jumps allow;
    skip_other_types(code, skip, run.front().type);
    for (std::size_t i = 0; i < run.size();) {
        const std::uint32_t major = *run[i].major;
        Assembler::Jumps next;
        if (!run[i].minor) {
            code.jump_if_equal(allow, kMajor, major);
            ++i;
            continue;
        }
        code.jump_if_not_equal(next, kMajor, major);
        for (; i < run.size() && run[i].major == major && run[i].minor; ++i) {
            code.jump_if_equal(allow, kMinor, *run[i].minor);
        }
        code.land(next);
    }
    code.jump_always(skip);
    code.land(allow);
    code.finish(Assembler::Answer::allow);
    code.land(skip);
}

}  // namespace

std::vector<bpf_insn> device_program(const std::vector<EffectiveRule>& rules) {
    static_assert(kMayMake == BPF_DEVCG_ACC_MKNOD && kMayRead == BPF_DEVCG_ACC_READ &&
                  kMayWrite == BPF_DEVCG_ACC_WRITE);
    Assembler code;
    // access_type: the type in the low half, the access in the high one.
    code.load(kType, offsetof(bpf_cgroup_dev_ctx, access_type));
    code.copy(kAsked, kType);
    code.shift_right(kAsked, 16);
    code.mask(kType, 0xffff);
    code.load(kMajor, offsetof(bpf_cgroup_dev_ctx, major));
    code.load(kMinor, offsetof(bpf_cgroup_dev_ctx, minor));
    for (std::size_t end = rules.size(); end > 0;) {
        std::size_t begin = end - 1;
        if (allows_one_kind(rules[begin])) {
            const auto type = rules[begin].type;
            while (begin > 0 && allows_one_kind(rules[begin - 1]) &&
                   rules[begin - 1].type == type) {
                --begin;
            }
            emit_run(code, std::span(rules).subspan(begin, end - begin));
        } else if (!emit_rule(code, rules[begin])) {
            return code.take();
        }
        end = begin;
    }
    code.finish(Assembler::Answer::deny);
    return code.take();
}

}  // namespace lxcri::cgroup
