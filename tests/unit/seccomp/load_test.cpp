// lib/seccomp/load: filters in the kernel, on children of ours.

#include "seccomp/load.h"

#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ptrace.h>

#include <fstream>

#include "base/error.h"
#include "base/strings.h"
#include "os/file.h"
#include "os/unix_socket.h"
#include "seccomp/syscalls.h"
#include "support/catch.h"
#include "unit/seccomp/confined.h"
#include "unit/seccomp/profiles.h"

using namespace lxcri;
using namespace lxcri::test;
using Action = oci::SeccompAction;
using enum oci::SeccompOperator;
using oci::SeccompArch;

namespace {

// What a child needs to tell its result (and a sanitizer to end it), whatever else is forbidden.
// getpid ignores its arguments, so it serves to try out conditions.
std::vector<oci::SeccompSyscall> with_basics(std::vector<oci::SeccompSyscall> rules) {
    rules.push_back(rule({"write", "exit_group", "sigaltstack", "mmap", "munmap"}, Action::allow));
    return rules;
}

Outcome outcome_of(const oci::Seccomp& seccomp, long number, unsigned long first = 0,
                   unsigned long second = 0) {
    return run_confined(compile_profile(seccomp), [&] { return call(number, first, second); });
}

void* call_mkdir(void* result) {
    *static_cast<long*>(result) = call(SYS_mkdirat, -1, 0, 0);
    return nullptr;
}

// A thread makes the system call; the result is that of the thread, or -1 if it died of it.
long call_in_thread() {
    long result = -1;
    pthread_t thread{};
    if (pthread_create(&thread, nullptr, call_mkdir, &result) != 0) return -2;
    pthread_join(thread, nullptr);
    return result;
}

// int 0x80: the system calls of x86, from a program of x86_64.
long call_x86([[maybe_unused]] unsigned number, [[maybe_unused]] unsigned first) {
#ifdef __x86_64__
    long result = number;
    __asm__ volatile("int $0x80" : "+a"(result) : "b"(first) : "memory", "r8", "r9", "r10", "r11");
    return static_cast<int>(result);
#else
    return -ENOSYS;
#endif
}

bool has_x86_calls() {
    // Where it is none the child dies of it, and that is no failure to report.
    const auto outcome =
        run_child([] { ::signal(SIGSEGV, SIG_DFL); }, [] { return call_x86(20, 0); });
    return outcome.result.value_or(-1) > 0;
}

}  // namespace

TEST_CASE("seccomp: ALLOW and LOG let a system call through", "[native]") {
    for (const auto action : {Action::allow, Action::log}) {
        const auto outcome = outcome_of(profile(action), SYS_mkdirat);
        CHECK(outcome.result == -EFAULT);
        CHECK(outcome_of(profile(Action::error, with_basics({rule({"mkdirat"}, action)})),
                         SYS_mkdirat)
                  .result == -EFAULT);
    }
}

TEST_CASE("seccomp: ERRNO, also 0 and the largest", "[native]") {
    for (const unsigned number : {0U, unsigned{EPERM}, unsigned{ENOSYS}, 4095U}) {
        const auto seccomp = profile(Action::allow, {deny("mkdirat", number)});
        CHECK(outcome_of(seccomp, SYS_mkdirat).result == -static_cast<long>(number));
    }
}

TEST_CASE("seccomp: the default ERRNO", "[native]") {
    auto seccomp = profile(Action::error, with_basics({}));
    CHECK(outcome_of(seccomp, SYS_getpid).result == -EPERM);
    seccomp.default_errno_ret = EXDEV;
    CHECK(outcome_of(seccomp, SYS_getpid).result == -EXDEV);
}

TEST_CASE("seccomp: KILL_PROCESS ends the process, KILL_THREAD the thread", "[native]") {
    const auto run = [](Action action) {
        const auto seccomp = profile(Action::allow, {rule({"mkdirat"}, action)});
        return run_confined(compile_profile(seccomp), call_in_thread);
    };
    const auto process = run(Action::kill_process);
    CHECK(process.signal == SIGSYS);
    CHECK_FALSE(process.result);
    const auto thread = run(Action::kill_thread);
    CHECK(thread.signal == 0);
    CHECK(thread.result == -1);
    // With one thread there is no difference.
    CHECK(outcome_of(profile(Action::allow, {rule({"mkdirat"}, Action::kill_thread)}), SYS_mkdirat)
              .signal == SIGSYS);
}

TEST_CASE("seccomp: TRAP sends SIGSYS, which a handler may catch", "[native]") {
    const auto seccomp = profile(Action::allow, {rule({"mkdirat"}, Action::trap)});
    CHECK(outcome_of(seccomp, SYS_mkdirat).signal == SIGSYS);

    const auto outcome = run_confined(compile_profile(seccomp), [] {
        static volatile int trapped = 0;
        struct sigaction action {};
        action.sa_flags = SA_SIGINFO;
        action.sa_sigaction = [](int, siginfo_t* info, void*) { trapped = info->si_syscall; };
        ::sigaction(SIGSYS, &action, nullptr);
        (void)call(SYS_mkdirat, -1, 0, 0);
        return static_cast<long>(trapped);
    });
    CHECK(outcome.result == SYS_mkdirat);
}

TEST_CASE("seccomp: TRACE without a tracer: the system call does not exist", "[native]") {
    CHECK(outcome_of(profile(Action::allow, {rule({"mkdirat"}, Action::trace)}), SYS_mkdirat)
              .result == -ENOSYS);
}

TEST_CASE("seccomp: TRACE tells the tracer the number in errnoRet", "[native]") {
    auto seccomp = profile(Action::allow, {rule({"mkdirat"}, Action::trace)});
    seccomp.syscalls[0].errno_ret = 777;
    const auto filter = compile_profile(seccomp);
    auto child = os::fork_child();
    if (!child) {
        ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
        ::raise(SIGSTOP);
        try {
            put_on(filter);
        } catch (...) {
            ::_exit(99);
        }
        (void)call(SYS_mkdirat, -1, 0, 0);
        ::_exit(0);
    }
    int status = 0;
    REQUIRE(::waitpid(child->pid(), &status, 0) == child->pid());
    ::ptrace(PTRACE_SETOPTIONS, child->pid(), nullptr, PTRACE_O_TRACESECCOMP);
    ::ptrace(PTRACE_CONT, child->pid(), nullptr, nullptr);
    REQUIRE(::waitpid(child->pid(), &status, 0) == child->pid());
    REQUIRE(WIFSTOPPED(status));
    CHECK(status >> 8 == (SIGTRAP | PTRACE_EVENT_SECCOMP << 8));
    unsigned long message = 0;
    ::ptrace(PTRACE_GETEVENTMSG, child->pid(), nullptr, &message);
    CHECK(message == 777);
}

TEST_CASE("seccomp: arguments in the kernel: 64 bits, all of a rule", "[native]") {
    const auto seccomp =
        profile(Action::allow,
                {deny("getpid", 9, {arg(0, gt, 0x100000000), arg(1, masked_eq, 0xff00, 0x1200)})});
    CHECK(outcome_of(seccomp, SYS_getpid, 0x100000001, 0x3412ff).result == -9);
    CHECK(outcome_of(seccomp, SYS_getpid, 0x100000000, 0x3412ff).result.value_or(0) > 0);
    CHECK(outcome_of(seccomp, SYS_getpid, 0x200000000, 0x3412ff).result == -9);
    CHECK(outcome_of(seccomp, SYS_getpid, 0xffffffff, 0x3412ff).result.value_or(0) > 0);
    CHECK(outcome_of(seccomp, SYS_getpid, 0x100000001, 0x3413ff).result.value_or(0) > 0);
}

TEST_CASE("seccomp: system calls newer than the profile do not exist, older ones are forbidden",
          "[native]") {
    const auto seccomp = profile(Action::error, with_basics({rule({"faccessat2"}, Action::allow)}));
    const auto filter = compile_profile(seccomp);
    CHECK(run_confined(filter, [] { return call(438); }).result == -EPERM);
    for (long number = 440; number <= 470; ++number) {
        INFO(number);
        CHECK(run_confined(filter, [&] { return call(number, 0, 0); }).result == -ENOSYS);
    }
    for (const long number : {500L, 100000L, -1L}) {
        INFO(number);
        CHECK(run_confined(filter, [&] { return call(number, 0, 0); }).result == -ENOSYS);
    }
}

TEST_CASE("seccomp: system calls of x86 on x86_64", "[native]") {
    // They cannot be installed. The virtual machine of tests/vm has them, and runs this test.
    if (!has_x86_calls()) {
        if (std::getenv("LXCRI_TEST_VM") != nullptr) FAIL("the virtual machine lacks them");
        return not_applicable("this kernel is without the system calls of x86");
    }
    constexpr unsigned kGetpid = 20;
    const auto outcome = [&](std::vector<SeccompArch> archs, unsigned first, unsigned number) {
        const auto seccomp =
            profile(Action::allow, {deny("getpid", 9, {arg(0, eq, 7)})}, std::move(archs));
        return run_confined(compile_profile(seccomp), [&] { return call_x86(number, first); });
    };
    CHECK(outcome({SeccompArch::x86}, 7, kGetpid).result == -9);
    CHECK(outcome({SeccompArch::x86}, 8, kGetpid).result.value_or(0) > 0);
    CHECK(outcome({}, 8, kGetpid).signal == SIGSYS);
    CHECK(outcome({SeccompArch::x86_64}, 8, kGetpid).signal == SIGSYS);
    // mkdir of x86_64 is not getpid of x86: the same number means something else.
    CHECK(outcome({SeccompArch::x86}, 7, SYS_getpid).result != -9);
}

TEST_CASE("seccomp: numbers of x32 on x86_64") {
    if (seccomp::native_arch() != SeccompArch::x86_64) return not_applicable("only for x86_64");
    const long number = seccomp::kX32Bit + SYS_getpid;
    CHECK(outcome_of(profile(Action::allow), number).signal == SIGSYS);
    CHECK(outcome_of(profile(Action::allow, {deny("getpid", 9)}, {SeccompArch::x32}), number)
              .result == -9);
}

TEST_CASE("seccomp: a filter on top of a filter: the strictest answer counts", "[native]") {
    const auto outer = compile_profile(
        profile(Action::allow, {deny("mkdirat", 9), rule({"getpid"}, Action::log)}));
    const auto inner = compile_profile(
        profile(Action::allow, {rule({"mkdirat"}, Action::trap), deny("getpid", 10)}));
    const auto both = [&] {
        put_on(outer);
        put_on(inner);
    };
    CHECK(run_child(both, [] { return call(SYS_mkdirat, -1, 0, 0); }).signal == SIGSYS);
    CHECK(run_child(both, [] { return call(SYS_getpid); }).result == -10);
    // Deny-all within allow-all is deny-all.
    const auto none = compile_profile(profile(Action::error, with_basics({})));
    const auto nested = [&] {
        put_on(outer);
        put_on(none);
    };
    CHECK(run_child(nested, [] { return call(SYS_getppid); }).result == -EPERM);
}

TEST_CASE("seccomp: the status of a process shows the filter", "[native]") {
    const auto outcome = run_confined(compile_profile(profile(Action::allow)), [] {
        std::ifstream status("/proc/self/status");
        std::string line;
        while (std::getline(status, line)) {
            if (line.starts_with("Seccomp:")) return static_cast<long>(line.back() - '0');
        }
        return -1L;
    });
    CHECK(outcome.result == SECCOMP_MODE_FILTER);
}

TEST_CASE("seccomp: neither no_new_privs nor CAP_SYS_ADMIN", "[native]") {
    const auto filter = compile_profile(profile(Action::allow));
    const auto outcome = run_child(
        [] {
            if (::geteuid() == 0 && ::setuid(65534) != 0) throw std::runtime_error("setuid");
        },
        [&] {
            try {
                (void)seccomp::load(filter.program, filter.flags);
            } catch (const SystemError& error) {
                return static_cast<long>(error.code());
            }
            return 0L;
        });
    CHECK(outcome.result == EACCES);
}

TEST_CASE("seccomp: all flags at once", "[native]") {
    auto seccomp = profile(Action::allow, {deny("mkdirat", 9)});
    seccomp.flags = {oci::SeccompFlag::tsync, oci::SeccompFlag::log, oci::SeccompFlag::spec_allow};
    CHECK(outcome_of(seccomp, SYS_mkdirat).result == -9);
}

TEST_CASE("seccomp: what is no filter", "[native]") {
    CHECK_THROWS_AS(seccomp::load("1234567", 0), Error);
    const auto outcome = run_child([] {},
                                   [] {
                                       try {
                                           (void)seccomp::load("12345678", 0);
                                       } catch (const SystemError& error) {
                                           return static_cast<long>(error.code());
                                       }
                                       return 0L;
                                   });
    CHECK(outcome.result == EINVAL);
}

TEST_CASE("seccomp: flags that the kernel knows", "[native]") {
    CHECK(seccomp::kernel_knows(SECCOMP_FILTER_FLAG_LOG));
    CHECK(seccomp::kernel_knows(SECCOMP_FILTER_FLAG_TSYNC));
    CHECK_FALSE(seccomp::kernel_knows(1U << 31U));
}
