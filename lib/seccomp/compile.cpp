#include "seccomp/compile.h"

#include <linux/bpf_common.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <span>

#include "base/error.h"
#include "base/strings.h"
#include "seccomp/assembler.h"
#include "seccomp/load.h"
#include "seccomp/sections.h"

namespace lxcri::seccomp {

namespace {

using oci::SeccompOperator;
using Place = Assembler::Place;

constexpr std::uint32_t low(std::uint64_t value) {
    return static_cast<std::uint32_t>(value);
}
constexpr std::uint32_t high(std::uint64_t value) {
    return static_cast<std::uint32_t>(value >> 32U);
}

// Where the halves of an argument are. Every architecture in a filter has our byte order.
constexpr std::uint32_t low_offset(std::uint32_t index) {
    const std::size_t offset = offsetof(seccomp_data, args) + index * sizeof(std::uint64_t);
    return static_cast<std::uint32_t>(offset +
                                      (std::endian::native == std::endian::little ? 0 : 4));
}
constexpr std::uint32_t high_offset(std::uint32_t index) {
    return low_offset(index) ^ 4U;
}

// A comparison of 32 bits for equality. The program goes on at `yes` or `no`.
Place write_equal(Assembler& out, std::uint32_t offset, std::uint32_t value, std::uint32_t mask,
                  Place yes, Place no) {
    if (mask == 0) return yes;
    out.jump(BPF_JEQ, value, yes, no);
    if (mask != 0xffffffff) out.mask(mask);
    return out.load(offset);
}

Place write_equal(Assembler& out, const Condition& condition, bool is_32_bit, Place yes, Place no) {
    const Place start = write_equal(out, low_offset(condition.index), low(condition.value),
                                    low(condition.mask), yes, no);
    if (is_32_bit) return start;
    return write_equal(out, high_offset(condition.index), high(condition.value),
                       high(condition.mask), start, no);
}

// `test`: BPF_JGE or BPF_JGT.
Place write_greater(Assembler& out, const Condition& condition, std::uint16_t test, bool is_32_bit,
                    Place yes, Place no) {
    out.jump(test, low(condition.value), yes, no);
    const Place low_half = out.load(low_offset(condition.index));
    if (is_32_bit) return low_half;
    const Place equal = out.jump(BPF_JEQ, high(condition.value), low_half, no);
    out.jump(BPF_JGT, high(condition.value), yes, equal);
    return out.load(high_offset(condition.index));
}

Place write_condition(Assembler& out, const Condition& condition, bool is_32_bit, Place yes,
                      Place no) {
    switch (condition.op) {
        case SeccompOperator::eq:
        case SeccompOperator::masked_eq:
            return write_equal(out, condition, is_32_bit, yes, no);
        case SeccompOperator::ne:
            return write_equal(out, condition, is_32_bit, no, yes);
        case SeccompOperator::ge:
            return write_greater(out, condition, BPF_JGE, is_32_bit, yes, no);
        case SeccompOperator::gt:
            return write_greater(out, condition, BPF_JGT, is_32_bit, yes, no);
        case SeccompOperator::lt:
            return write_greater(out, condition, BPF_JGE, is_32_bit, no, yes);
        case SeccompOperator::le:
            return write_greater(out, condition, BPF_JGT, is_32_bit, no, yes);
    }
    throw Error("unknown seccomp operator");
}

// Tries the rules one after the other.
Place write_range(Assembler& out, const Range& range) {
    Place otherwise = out.give(range.action);
    for (auto rule = range.rules.rbegin(); rule != range.rules.rend(); ++rule) {
        Place start = out.give(rule->action);
        const Place no = otherwise;
        for (auto condition = rule->conditions.rbegin(); condition != rule->conditions.rend();
             ++condition) {
            start = write_condition(out, *condition, range.is_32_bit, start, no);
        }
        otherwise = start;
    }
    return otherwise;
}

// Finds the range of the number in the accumulator, halving what is left with each step.
Place write_search(Assembler& out, std::span<const Range> ranges) {
    if (ranges.size() == 1) return write_range(out, ranges.front());
    const std::size_t half = ranges.size() / 2;
    const Place above = write_search(out, ranges.subspan(half));
    const Place below = write_search(out, ranges.first(half));
    return out.jump(BPF_JGE, ranges[half].first, above, below);
}

std::string assemble(const std::vector<Section>& sections) {
    Assembler out;
    Place otherwise = out.give(kForeignArchAction);
    for (auto section = sections.rbegin(); section != sections.rend(); ++section) {
        Place search = write_search(out, section->ranges);
        if (section->ranges.size() > 1) search = out.load(offsetof(seccomp_data, nr));
        otherwise = out.jump(BPF_JEQ, section->audit_arch, search, otherwise);
    }
    out.load(offsetof(seccomp_data, arch));
    if (out.size() > BPF_MAXINSNS) {
        throw SpecError("/linux/seccomp",
                        concat("takes a filter of ", std::to_string(out.size()),
                               " instructions, the kernel accepts ", std::to_string(BPF_MAXINSNS)));
    }
    return out.bytes();
}

bool has_notify(const oci::Seccomp& seccomp) {
    return std::any_of(seccomp.syscalls.begin(), seccomp.syscalls.end(),
                       [](const auto& rule) { return rule.action == oci::SeccompAction::notify; });
}

std::uint32_t flags_of(const oci::Seccomp& seccomp, std::vector<std::string>& warnings) {
    const std::uint32_t listener = has_notify(seccomp) ? SECCOMP_FILTER_FLAG_NEW_LISTENER : 0;
    // As runc and crun do: to slow down each container for the sake of a hole that programs can
    // close for themselves is left to those who ask for it, with an empty list.
    if (!seccomp.flags) return listener | SECCOMP_FILTER_FLAG_SPEC_ALLOW;

    std::uint32_t flags = listener;
    for (std::size_t i = 0; i < seccomp.flags->size(); ++i) {
        const auto flag = (*seccomp.flags)[i];
        const auto bit = static_cast<std::uint32_t>(flag);
        const auto pointer = concat("/linux/seccomp/flags/", std::to_string(i));
        const auto name = name_of(oci::kSeccompFlags, flag);
        if (!kernel_knows(bit)) {
            throw SpecError(pointer, concat(name, " is not supported by this kernel"));
        }
        if (flag == oci::SeccompFlag::wait_killable_recv && listener == 0) {
            warnings.push_back(concat(pointer, ": ", name,
                                      " has no effect without a rule with "
                                      "SCMP_ACT_NOTIFY"));
            continue;
        }
        flags |= bit;
    }
    return flags;
}

}  // namespace

bool Filter::notifies() const {
    return (flags & SECCOMP_FILTER_FLAG_NEW_LISTENER) != 0;
}

Filter compile(const oci::Seccomp& seccomp, std::vector<std::string>& warnings) {
    const Profile profile(seccomp, warnings);
    return {assemble(make_sections(profile, seccomp.architectures)), flags_of(seccomp, warnings)};
}

}  // namespace lxcri::seccomp
