// lib/seccomp/assembler: jumps that are longer than a jump can be.

#include "seccomp/assembler.h"

#include <linux/filter.h>
#include <linux/seccomp.h>

#include "support/catch.h"
#include "unit/seccomp/bpf_interpreter.h"

using namespace lxcri;
using namespace lxcri::seccomp;
using test::BpfInterpreter;

namespace {

seccomp_data with_number(int number) {
    seccomp_data data{};
    data.nr = number;
    return data;
}

}  // namespace

TEST_CASE("seccomp: the smallest program only gives a value") {
    Assembler out;
    out.give(SECCOMP_RET_ALLOW);
    CHECK(BpfInterpreter(out.bytes()).run({}) == SECCOMP_RET_ALLOW);
}

TEST_CASE("seccomp: the same value nearby is the same instruction") {
    Assembler out;
    const auto allow = out.give(SECCOMP_RET_ALLOW);
    out.give(SECCOMP_RET_TRAP);
    CHECK(out.give(SECCOMP_RET_ALLOW) == allow);
    CHECK(out.size() == 2);
}

TEST_CASE("seccomp: a jump reaches every place, however far") {
    // The distances around the 255 instructions that a conditional jump can skip.
    for (std::size_t filler = 230; filler < 300; ++filler) {
        Assembler out;
        const auto no = out.give(1);
        out.give(2);
        const auto yes = out.mask(0xff);  // an instruction that cannot be copied instead
        for (std::size_t i = 0; i < filler; ++i) out.mask(0xffff);
        out.jump(BPF_JEQ, 7, yes, no);
        out.load(offsetof(seccomp_data, nr));
        const BpfInterpreter program(out.bytes());
        INFO("distance " << filler);
        CHECK(program.run(with_number(7)) == 2);
        CHECK(program.run(with_number(8)) == 1);
    }
}

TEST_CASE("seccomp: a program with thousands of jumps to far places") {
    Assembler out;
    const auto last = out.give(0);
    auto otherwise = last;
    for (std::uint32_t number = 1; number <= 1000; ++number) {
        otherwise =
            out.jump(BPF_JEQ, number, number % 2 == 0 ? last : out.give(number % 7), otherwise);
    }
    out.load(offsetof(seccomp_data, nr));
    const BpfInterpreter program(out.bytes());
    for (int number = 0; number <= 1001; ++number) {
        INFO(number);
        const bool odd = number % 2 == 1 && number <= 1000;
        CHECK(program.run(with_number(number)) == (odd ? static_cast<unsigned>(number % 7) : 0));
    }
}
