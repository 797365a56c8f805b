// lib/seccomp/syscalls: the table that was written when we were built.

#include "seccomp/syscalls.h"

#include <linux/audit.h>
#include <seccomp.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cstdlib>
#include <string>

#include "support/catch.h"

using namespace lxcri;
using namespace lxcri::seccomp;

namespace {

std::optional<std::uint32_t> number_of(std::string_view name, oci::SeccompArch arch) {
    const auto syscall = find_syscall(name);
    const auto traits = find_arch(arch);
    if (!syscall || !traits) return {};
    for (const Numbered& row : traits->numbers) {
        if (row.syscall == *syscall) return row.number;
    }
    return {};
}

}  // namespace

TEST_CASE("seccomp: numbers of system calls") {
    using enum oci::SeccompArch;
    CHECK(number_of("read", native_arch()) == SYS_read);
    CHECK(number_of("openat2", native_arch()) == SYS_openat2);
    CHECK(number_of("read", x86_64) == 0);
    CHECK(number_of("read", x86) == 3);
    CHECK(number_of("read", x32) == 0x40000000);
    CHECK(number_of("socket", x86) == 359);
    CHECK(number_of("socketcall", x86) == 102);
    CHECK(number_of("socketcall", x86_64) == std::nullopt);
    CHECK(number_of("set_tls", arm) == 0xf0005);
    CHECK(number_of("exit", mipsel) == 4001);
    CHECK(number_of("read", mipsel64) == 5000);
    CHECK(number_of("read", mipsel64n32) == 6000);
    CHECK(number_of("no_such_call", x86) == std::nullopt);
    CHECK(number_of("", x86) == std::nullopt);
}

TEST_CASE("seccomp: system calls younger than libseccomp") {
    using enum oci::SeccompArch;
    CHECK(number_of("cachestat", x86_64) == 451);
    CHECK(number_of("fchmodat2", x86) == 452);
    CHECK(number_of("mseal", aarch64) == 462);
    CHECK(number_of("mseal", mipsel64) == 5462);
    CHECK(number_of("mseal", x32) == 0x40000000 + 462);
    CHECK(number_of("uretprobe", x86_64) == 335);
    CHECK(number_of("uretprobe", aarch64) == std::nullopt);
}

TEST_CASE("seccomp: what libseccomp says about each system call of each architecture") {
    std::size_t known = 0;
    for (const auto& row : oci::kSeccompArchs) {
        const auto traits = find_arch(row.value);
        if (!traits) continue;
        ++known;
        INFO(row.name);
        const auto token =
            row.value == oci::SeccompArch::x32 ? std::uint32_t{SCMP_ARCH_X32} : traits->audit_arch;
        CHECK(traits->numbers.size() > 300);
        CHECK(std::is_sorted(traits->numbers.begin(), traits->numbers.end(),
                             [](auto& a, auto& b) { return a.number < b.number; }));
        std::size_t different = 0;
        for (const Numbered& entry : traits->numbers) {
            char* name = seccomp_syscall_resolve_num_arch(token, static_cast<int>(entry.number));
            if (name != nullptr && number_of(name, row.value) != entry.number) ++different;
            std::free(name);
        }
        CHECK(different == 0);
    }
    CHECK(known >= 19);
}

TEST_CASE("seccomp: traits of architectures") {
    using enum oci::SeccompArch;
    CHECK(find_arch(x86)->audit_arch == AUDIT_ARCH_I386);
    CHECK(find_arch(x86)->is_32_bit);
    CHECK(find_arch(x86_64)->audit_arch == AUDIT_ARCH_X86_64);
    CHECK_FALSE(find_arch(x86_64)->is_32_bit);
    CHECK(find_arch(x32)->audit_arch == AUDIT_ARCH_X86_64);
    CHECK(find_arch(x32)->is_32_bit);
    CHECK(find_arch(aarch64)->audit_arch == AUDIT_ARCH_AARCH64);
    CHECK(find_arch(s390x)->audit_arch == AUDIT_ARCH_S390X);
    CHECK_FALSE(find_arch(s390x)->little_endian);
    CHECK(find_arch(ppc64le)->little_endian);
    CHECK(find_arch(mipsel64n32)->is_32_bit);
}

TEST_CASE("seccomp: the calls of socketcall and ipc") {
    const auto sockets = multiplexed_by(*find_syscall("socketcall"));
    const auto socket = std::find_if(sockets.begin(), sockets.end(), [](const auto& entry) {
        return entry.syscall == *find_syscall("socket");
    });
    REQUIRE(socket != sockets.end());
    CHECK(socket->call == 1);  // linux/net.h: SYS_SOCKET
    CHECK(sockets.size() == 20);
    const auto ipc = multiplexed_by(*find_syscall("ipc"));
    const auto shmat = std::find_if(ipc.begin(), ipc.end(), [](const auto& entry) {
        return entry.syscall == *find_syscall("shmat");
    });
    REQUIRE(shmat != ipc.end());
    CHECK(shmat->call == 21);  // linux/ipc.h: SHMAT
    CHECK(ipc.size() == 12);
    CHECK(multiplexed_by(*find_syscall("read")).empty());
}
