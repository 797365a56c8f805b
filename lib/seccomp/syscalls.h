#pragma once
// Names and numbers of system calls for each architecture, as the libseccomp of the build knows
// them (and a few newer ones, see make_syscall_table.cpp).

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "oci/seccomp.h"

namespace lxcri::seccomp {

// A name has an index, from 0 to syscall_count() - 1.
std::optional<std::size_t> find_syscall(std::string_view name);
std::size_t syscall_count();

struct Numbered {
    std::uint32_t number;
    std::uint32_t syscall;  // the index of its name
};

// Some architectures let system calls about sockets and System V IPC also go through one system
// call, socketcall(2) or ipc(2), whose first argument says which one is meant.
struct Multiplexed {
    std::uint32_t syscall;
    std::uint32_t call;  // SYS_SOCKET, SEMOP, ...
};

struct ArchTraits {
    std::uint32_t audit_arch = 0;  // AUDIT_ARCH_*, seccomp_data.arch
    bool little_endian = false;
    // Only the lower half of arguments counts.
    bool is_32_bit = false;
    // Numbers that follow no order of age: system calls private to the architecture. Equal: none.
    std::uint32_t private_first = 0;
    std::uint32_t private_end = 0;
    std::span<const Numbered> numbers;  // ascending; a number may have two names
};
// Returns nullopt if libseccomp does not know it.
std::optional<ArchTraits> find_arch(oci::SeccompArch arch);

// The calls that go through the system call with this index; empty for an ordinary one.
std::span<const Multiplexed> multiplexed_by(std::size_t syscall);
// The bits of the first argument that name the call: ipc has a version in the upper half.
std::uint32_t multiplexed_mask(std::size_t syscall);

oci::SeccompArch native_arch();

// Numbers of x32 have this bit; otherwise they share the AUDIT_ARCH of x86_64.
inline constexpr std::uint32_t kX32Bit = 0x40000000;

}  // namespace lxcri::seccomp
