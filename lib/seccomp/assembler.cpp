#include "seccomp/assembler.h"

#include <algorithm>

namespace lxcri::seccomp {

namespace {

// A conditional jump has 8 bits for each distance. Some are left for what in_reach() may have to
// put between a jump and its target.
constexpr std::size_t kReach = 250;

}  // namespace

Assembler::Place Assembler::write(std::uint16_t code, std::uint32_t operand, std::uint8_t yes,
                                  std::uint8_t no) {
    reversed_.push_back({code, yes, no, operand});
    return reversed_.size() - 1;
}

Assembler::Place Assembler::give(std::uint32_t value) {
    const auto known = std::find_if(given_.begin(), given_.end(),
                                    [&](const auto& entry) { return entry.first == value; });
    if (known != given_.end() && size() - known->second < kReach) return known->second;
    const Place place = write(BPF_RET | BPF_K, value);
    if (known != given_.end()) {
        known->second = place;
    } else {
        given_.emplace_back(value, place);
    }
    return place;
}

Assembler::Place Assembler::in_reach(Place target) {
    if (size() - target <= kReach) return target;
    const sock_filter there = reversed_[target];
    if (there.code == (BPF_RET | BPF_K)) return give(there.k);
    return write(BPF_JMP | BPF_JA, static_cast<std::uint32_t>(size() - target - 1));
}

Assembler::Place Assembler::jump(std::uint16_t test, std::uint32_t operand, Place yes, Place no) {
    const Place near_yes = in_reach(yes);
    const Place near_no = in_reach(no);
    return write(static_cast<std::uint16_t>(BPF_JMP | BPF_K | test), operand,
                 static_cast<std::uint8_t>(size() - near_yes - 1),
                 static_cast<std::uint8_t>(size() - near_no - 1));
}

Assembler::Place Assembler::load(std::uint32_t offset) {
    return write(BPF_LD | BPF_W | BPF_ABS, offset);
}

Assembler::Place Assembler::mask(std::uint32_t bits) {
    return write(BPF_ALU | BPF_AND | BPF_K, bits);
}

std::string Assembler::bytes() const {
    const std::vector<sock_filter> program(reversed_.rbegin(), reversed_.rend());
    return {reinterpret_cast<const char*>(program.data()), program.size() * sizeof(sock_filter)};
}

}  // namespace lxcri::seccomp
