#pragma once
// Runs a seccomp filter as the kernel would, so that it can be asked about any system call of any
// architecture without making one. Refuses what the kernel refuses: seccomp(2).

#include <linux/filter.h>
#include <linux/seccomp.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string_view>
#include <vector>

namespace lxcri::test {

class BpfInterpreter {
  public:
    explicit BpfInterpreter(std::string_view program)
        : program_(program.size() / sizeof(sock_filter)) {
        if (program.empty() || program.size() % sizeof(sock_filter) != 0 ||
            program_.size() > BPF_MAXINSNS) {
            throw std::logic_error("not a BPF program");
        }
        std::memcpy(program_.data(), program.data(), program.size());
    }

    std::size_t size() const { return program_.size(); }

    std::uint32_t run(const seccomp_data& data) const {
        std::uint32_t accumulator = 0;
        for (std::size_t pc = 0;; ++pc) {
            const sock_filter& insn = program_.at(pc);
            switch (insn.code) {
                case BPF_LD | BPF_W | BPF_ABS:
                    accumulator = word_at(data, insn.k);
                    break;
                case BPF_ALU | BPF_AND | BPF_K:
                    accumulator &= insn.k;
                    break;
                case BPF_JMP | BPF_JA:
                    pc += insn.k;
                    break;
                case BPF_JMP | BPF_JEQ | BPF_K:
                    pc += accumulator == insn.k ? insn.jt : insn.jf;
                    break;
                case BPF_JMP | BPF_JGT | BPF_K:
                    pc += accumulator > insn.k ? insn.jt : insn.jf;
                    break;
                case BPF_JMP | BPF_JGE | BPF_K:
                    pc += accumulator >= insn.k ? insn.jt : insn.jf;
                    break;
                case BPF_RET | BPF_K:
                    return insn.k;
                default:
                    throw std::logic_error("unexpected BPF instruction");
            }
        }
    }

  private:
    static std::uint32_t word_at(const seccomp_data& data, std::uint32_t offset) {
        if (offset % 4 != 0 || offset + 4 > sizeof data) throw std::logic_error("wrong offset");
        std::uint32_t word = 0;
        std::memcpy(&word, reinterpret_cast<const char*>(&data) + offset, sizeof word);
        return word;
    }

    std::vector<sock_filter> program_;
};

}  // namespace lxcri::test
