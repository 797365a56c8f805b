#include "seccomp/syscalls.h"

#include <algorithm>
#include <array>

namespace lxcri::seccomp {

namespace {

using oci::SeccompArch;

struct Arch {
    std::uint32_t token;  // SCMP_ARCH_*; 0: unknown to libseccomp
    std::span<const Numbered> numbers;
};

// kNames, sorted; kSocketCalls, kIpcCalls; kArchs, one for each row of oci::kSeccompArchs.
#include "syscall_table.inc"

// linux/audit.h: a SCMP_ARCH_* is an AUDIT_ARCH_* but for x32.
constexpr std::uint32_t kLittleEndian = 0x40000000;
constexpr std::uint32_t k64Bit = 0x80000000;

constexpr bool rows_have_the_order_of_the_enum() {
    for (std::size_t i = 0; i < oci::kSeccompArchs.size(); ++i) {
        if (static_cast<std::size_t>(oci::kSeccompArchs[i].value) != i) return false;
    }
    return kArchs.size() == oci::kSeccompArchs.size();
}
static_assert(rows_have_the_order_of_the_enum());

// Names by hash: open addressing. Half of the slots are free.
constexpr std::size_t kSlots = 1024;
constexpr std::uint16_t kFree = 0xffff;
static_assert(kNames.size() < kSlots * 3 / 4);

constexpr std::size_t slot_of(std::string_view name) {
    std::uint32_t hash = 2166136261U;  // FNV-1a
    for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
    return (hash ^ hash >> 16U) % kSlots;
}

constexpr std::array<std::uint16_t, kSlots> make_slots() {
    std::array<std::uint16_t, kSlots> slots{};
    slots.fill(kFree);
    for (std::size_t i = 0; i < kNames.size(); ++i) {
        std::size_t slot = slot_of(kNames[i]);
        while (slots[slot] != kFree) slot = (slot + 1) % kSlots;
        slots[slot] = static_cast<std::uint16_t>(i);
    }
    return slots;
}

constexpr auto kNamesByHash = make_slots();

constexpr std::size_t index_of(std::string_view name) {
    for (std::size_t slot = slot_of(name); kNamesByHash[slot] != kFree;
         slot = (slot + 1) % kSlots) {
        if (kNames[kNamesByHash[slot]] == name) return kNamesByHash[slot];
    }
    return kNames.size();
}

constexpr std::size_t kSocketCall = index_of("socketcall");
constexpr std::size_t kIpc = index_of("ipc");

}  // namespace

std::optional<std::size_t> find_syscall(std::string_view name) {
    const std::size_t index = index_of(name);
    if (index == kNames.size()) return {};
    return index;
}

std::size_t syscall_count() {
    return kNames.size();
}

std::optional<ArchTraits> find_arch(SeccompArch arch) {
    const Arch& row = kArchs[static_cast<std::size_t>(arch)];
    if (row.token == 0) return {};
    ArchTraits traits;
    traits.audit_arch = row.token;
    traits.numbers = row.numbers;
    traits.little_endian = (row.token & kLittleEndian) != 0;
    // n32 and x32 have registers of 64 bits, but libseccomp compares 32 of them.
    traits.is_32_bit = (row.token & k64Bit) == 0 || arch == SeccompArch::mips64n32 ||
                       arch == SeccompArch::mipsel64n32;
    if (arch == SeccompArch::arm) {
        traits.private_first = 0xf0000;
        traits.private_end = 0x100000;
    } else if (arch == SeccompArch::x32) {
        traits.audit_arch = kArchs[static_cast<std::size_t>(SeccompArch::x86_64)].token;
        traits.private_first = kX32Bit + 512;
        traits.private_end = kX32Bit + 548;
    }
    return traits;
}

std::span<const Multiplexed> multiplexed_by(std::size_t syscall) {
    if (syscall == kSocketCall) return kSocketCalls;
    if (syscall == kIpc) return kIpcCalls;
    return {};
}

std::uint32_t multiplexed_mask(std::size_t syscall) {
    return syscall == kIpc ? 0xffff : 0xffffffff;
}

SeccompArch native_arch() {
#if defined(__x86_64__) && defined(__ILP32__)
    return SeccompArch::x32;
#elif defined(__x86_64__)
    return SeccompArch::x86_64;
#elif defined(__i386__)
    return SeccompArch::x86;
#elif defined(__aarch64__)
    return SeccompArch::aarch64;
#elif defined(__arm__)
    return SeccompArch::arm;
#elif defined(__riscv) && __riscv_xlen == 64
    return SeccompArch::riscv64;
#elif defined(__powerpc64__) && defined(__LITTLE_ENDIAN__)
    return SeccompArch::ppc64le;
#elif defined(__s390x__)
    return SeccompArch::s390x;
#elif defined(__loongarch64)
    return SeccompArch::loongarch64;
#else
#error "which architecture is this?"
#endif
}

}  // namespace lxcri::seccomp
