#pragma once
// Writes classic BPF for seccomp(2), from the last instruction to the first: jumps lead only
// forward, so the target of a jump is always written already.

#include <linux/filter.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace lxcri::seccomp {

class Assembler {
  public:
    // An instruction, counted from the end of the program.
    using Place = std::size_t;

    // Ends the program with this SECCOMP_RET_* value. Such an instruction may be shared.
    Place give(std::uint32_t value);

    // BPF_JEQ, BPF_JGT, BPF_JGE: compares the accumulator with `operand`.
    Place jump(std::uint16_t test, std::uint32_t operand, Place yes, Place no);

    // These go on with the instruction that was written last.
    Place load(std::uint32_t offset);  // of 32 bits in seccomp_data, into the accumulator
    Place mask(std::uint32_t bits);    // the accumulator AND these

    std::size_t size() const noexcept { return reversed_.size(); }

    // The whole program, as an array of sock_filter.
    std::string bytes() const;

  private:
    Place write(std::uint16_t code, std::uint32_t operand, std::uint8_t yes = 0,
                std::uint8_t no = 0);
    // The place itself, or one nearer from which it goes on there.
    Place in_reach(Place target);

    std::vector<sock_filter> reversed_;
    std::vector<std::pair<std::uint32_t, Place>> given_;  // the nearest of each value
};

}  // namespace lxcri::seccomp
