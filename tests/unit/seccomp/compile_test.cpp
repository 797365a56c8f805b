// lib/seccomp/compile: what a profile means, asked of the program without a kernel.

#include "seccomp/compile.h"

#include <linux/audit.h>
#include <linux/seccomp.h>

#include <cerrno>

#include "base/error.h"
#include "seccomp/syscalls.h"
#include "support/catch.h"
#include "unit/seccomp/bpf_interpreter.h"
#include "unit/seccomp/confined.h"
#include "unit/seccomp/profiles.h"

using namespace lxcri;
using namespace lxcri::test;
using Action = oci::SeccompAction;
using enum oci::SeccompOperator;
using oci::SeccompArch;

namespace {

constexpr std::uint32_t kAllow = SECCOMP_RET_ALLOW;

constexpr std::uint32_t error_word(std::uint32_t number) {
    return SECCOMP_RET_ERRNO | number;
}

std::uint32_t number_of(std::string_view name, SeccompArch arch) {
    const auto traits = seccomp::find_arch(arch);
    const auto syscall = seccomp::find_syscall(name);
    for (const auto& row : traits->numbers) {
        if (row.syscall == *syscall) return row.number;
    }
    throw std::logic_error("no such system call");
}

// What becomes of a system call under a profile.
class Filtered {
  public:
    explicit Filtered(const oci::Seccomp& profile)
        : program_(seccomp::compile(profile, warnings_).program) {}

    std::uint32_t operator()(SeccompArch arch, std::uint32_t number,
                             std::vector<std::uint64_t> args = {}) const {
        seccomp_data data{};
        data.arch = seccomp::find_arch(arch)->audit_arch;
        data.nr = static_cast<int>(number);
        std::copy(args.begin(), args.end(), data.args);
        return program_.run(data);
    }

    std::uint32_t operator()(SeccompArch arch, std::string_view name,
                             std::vector<std::uint64_t> args = {}) const {
        return (*this)(arch, number_of(name, arch), std::move(args));
    }

    // On the machine's own architecture.
    std::uint32_t operator()(std::string_view name, std::vector<std::uint64_t> args = {}) const {
        return (*this)(seccomp::native_arch(), name, std::move(args));
    }

    const std::vector<std::string>& warnings() const { return warnings_; }

  private:
    std::vector<std::string> warnings_;
    BpfInterpreter program_;
};

std::string pointer_of_error(const oci::Seccomp& profile) {
    std::vector<std::string> warnings;
    try {
        (void)seccomp::compile(profile, warnings);
    } catch (const SpecError& error) {
        return error.pointer();
    }
    return "no error";
}

bool on_x86_64() {
    return seccomp::native_arch() == SeccompArch::x86_64;
}

}  // namespace

TEST_CASE("seccomp: each action as the default and in a rule") {
    const std::pair<Action, std::uint32_t> actions[] = {
        {Action::kill_process, SECCOMP_RET_KILL_PROCESS},
        {Action::kill_thread, SECCOMP_RET_KILL_THREAD},
        {Action::trap, SECCOMP_RET_TRAP},
        {Action::error, error_word(EPERM)},
        {Action::trace, SECCOMP_RET_TRACE | EPERM},
        {Action::allow, kAllow},
        {Action::log, SECCOMP_RET_LOG},
        {Action::notify, SECCOMP_RET_USER_NOTIF},
    };
    for (const auto& [action, word] : actions) {
        INFO(name_of(oci::kSeccompActions, action));
        CHECK(Filtered(profile(action))("mkdirat") == word);
        const Filtered filtered(profile(action == Action::allow ? Action::trap : Action::allow,
                                        {rule({"mkdirat"}, action)}));
        CHECK(filtered("mkdirat") == word);
        // Of a lower number on every architecture: what is newer than the profile does not exist.
        CHECK(filtered("dup") == (action == Action::allow ? SECCOMP_RET_TRAP : kAllow));
    }
}

TEST_CASE("seccomp: errnoRet and defaultErrnoRet") {
    auto seccomp = profile(
        Action::error, {deny("mkdirat", 0), deny("read", 4095), rule({"write"}, Action::trace)});
    seccomp.syscalls[2].errno_ret = 0xffff;
    seccomp.default_errno_ret = ENOSYS;
    const Filtered filtered(seccomp);
    CHECK(filtered("mkdirat") == error_word(0));
    CHECK(filtered("read") == error_word(4095));
    CHECK(filtered("write") == (SECCOMP_RET_TRACE | 0xffff));
    CHECK(filtered("close") == error_word(ENOSYS));
}

TEST_CASE("seccomp: a profile without rules is enforced all the same") {
    CHECK(Filtered(profile(Action::error))("read") == error_word(EPERM));
    CHECK(Filtered(profile(Action::kill_process))("exit") == SECCOMP_RET_KILL_PROCESS);
    // Nothing is named, so nothing is newer than what is named.
    CHECK(Filtered(profile(Action::error))(seccomp::native_arch(), 500) == error_word(EPERM));
}

TEST_CASE("seccomp: a rule that says what happens anyway changes nothing") {
    const Filtered filtered(profile(Action::error, {deny("mkdirat", EPERM, {arg(0, eq, 1)}),
                                                    allow("mkdirat", {arg(0, le, 5)})}));
    CHECK(filtered("mkdirat", {1}) == kAllow);
    CHECK(filtered("mkdirat", {6}) == error_word(EPERM));
    // Another errno is another action.
    const Filtered other(profile(Action::error, {deny("mkdirat", ENOENT)}));
    CHECK(other("mkdirat") == error_word(ENOENT));
}

TEST_CASE("seccomp: unknown names are skipped with a warning") {
    const Filtered filtered(
        profile(Action::error,
                {allow("read"), rule({"no_such_call", "write", "nor\nthis"}, Action::allow)}));
    CHECK(filtered("write") == kAllow);
    CHECK(filtered.warnings() ==
          std::vector<std::string>{
              "/linux/seccomp/syscalls/1/names/0: \"no_such_call\" is not a known system call, "
              "skipped",
              "/linux/seccomp/syscalls/1/names/2: \"nor\\x0athis\" is not a known system call, "
              "skipped"});
    // A system call of another architecture only is nothing to talk about.
    CHECK(Filtered(
              profile(Action::error, {rule({"s390_pci_mmio_read", "breakpoint"}, Action::allow)}))
              .warnings()
              .empty());
}

TEST_CASE("seccomp: each operator at its borders") {
    constexpr std::uint64_t kValues[] = {0,           5,           0xffffffff,
                                         0x100000000, 0x500000005, 0xffffffffffffffff};
    const std::pair<oci::SeccompOperator, bool (*)(std::uint64_t, std::uint64_t)> operators[] = {
        {ne, [](std::uint64_t a, std::uint64_t b) { return a != b; }},
        {lt, [](std::uint64_t a, std::uint64_t b) { return a < b; }},
        {le, [](std::uint64_t a, std::uint64_t b) { return a <= b; }},
        {eq, [](std::uint64_t a, std::uint64_t b) { return a == b; }},
        {ge, [](std::uint64_t a, std::uint64_t b) { return a >= b; }},
        {gt, [](std::uint64_t a, std::uint64_t b) { return a > b; }},
    };
    for (const auto& [op, holds] : operators) {
        for (const std::uint64_t value : kValues) {
            const Filtered filtered(
                profile(Action::allow, {deny("mkdirat", 9, {arg(3, op, value)})}));
            for (const std::uint64_t base : kValues) {
                for (const std::uint64_t actual : {base - 1, base, base + 1}) {
                    INFO(actual << ' ' << name_of(oci::kSeccompOperators, op) << ' ' << value);
                    CHECK(filtered("mkdirat", {0, 0, 0, actual}) ==
                          (holds(actual, value) ? error_word(9) : kAllow));
                }
            }
        }
    }
}

TEST_CASE("seccomp: MASKED_EQ: value is the mask, valueTwo what is left of the argument") {
    // Docker's rule for clone: none of the namespace flags.
    const Filtered clone(
        profile(Action::error, {allow("clone", {arg(0, masked_eq, 0x7e020000, 0)})}));
    CHECK(clone("clone", {0x11}) == kAllow);
    CHECK(clone("clone", {0x10000011}) == error_word(EPERM));
    CHECK(clone("clone", {0xffffffff00000011}) == kAllow);

    const Filtered both(profile(
        Action::allow, {deny("mkdirat", 9, {arg(0, masked_eq, 0xf0000000f, 0x300000035)})}));
    CHECK(both("mkdirat", {0x300000005}) == error_word(9));
    CHECK(both("mkdirat", {0x1300000025}) == error_word(9));
    CHECK(both("mkdirat", {0x200000005}) == kAllow);
    CHECK(both("mkdirat", {0x300000004}) == kAllow);

    const Filtered always(profile(Action::allow, {deny("mkdirat", 9, {arg(0, masked_eq, 0, 7)})}));
    CHECK(always("mkdirat", {1}) == error_word(9));
}

TEST_CASE("seccomp: all arguments of a rule have to match") {
    const Filtered filtered(profile(
        Action::allow, {deny("mkdirat", 9, {arg(5, eq, 3), arg(0, ge, 2), arg(2, ne, 7)})}));
    CHECK(filtered("mkdirat", {2, 0, 0, 0, 0, 3}) == error_word(9));
    CHECK(filtered("mkdirat", {1, 0, 0, 0, 0, 3}) == kAllow);
    CHECK(filtered("mkdirat", {2, 0, 7, 0, 0, 3}) == kAllow);
    CHECK(filtered("mkdirat", {2, 0, 0, 0, 0, 4}) == kAllow);
}

TEST_CASE("seccomp: of several rules one is enough") {
    const Filtered filtered(
        profile(Action::error,
                {allow("personality", {arg(0, eq, 0)}), allow("personality", {arg(0, eq, 8)}),
                 allow("personality", {arg(0, eq, 0xffffffff)})}));
    for (const std::uint64_t value : {0ULL, 8ULL, 0xffffffffULL}) {
        CHECK(filtered("personality", {value}) == kAllow);
    }
    for (const std::uint64_t value : {1ULL, 0x100000000ULL, 0xffffffffffffffffULL}) {
        CHECK(filtered("personality", {value}) == error_word(EPERM));
    }
}

TEST_CASE("seccomp: one argument twice in a rule: each condition is a rule of its own") {
    const Filtered filtered(profile(
        Action::allow, {deny("mkdirat", 9, {arg(0, eq, 1), arg(0, eq, 2), arg(1, eq, 5)})}));
    CHECK(filtered("mkdirat", {1, 0}) == error_word(9));
    CHECK(filtered("mkdirat", {2, 0}) == error_word(9));
    CHECK(filtered("mkdirat", {0, 5}) == error_word(9));
    CHECK(filtered("mkdirat", {3, 4}) == kAllow);
}

TEST_CASE("seccomp: which of two rules for one system call decides") {
    const auto errno_for = [](std::vector<oci::SeccompSyscall> rules,
                              std::vector<std::uint64_t> args) {
        return Filtered(profile(Action::allow, std::move(rules)))("mkdirat", std::move(args)) &
               SECCOMP_RET_DATA;
    };
    // One without arguments, and of these the first.
    CHECK(errno_for({deny("mkdirat", 9), deny("mkdirat", 10)}, {}) == 9);
    CHECK(errno_for({deny("mkdirat", 9), deny("mkdirat", 10, {arg(0, eq, 1)})}, {1}) == 9);
    CHECK(errno_for({deny("mkdirat", 10, {arg(0, eq, 1)}), deny("mkdirat", 9)}, {1}) == 9);
    // The narrower of two bounds, in whatever order they stand.
    for (const bool swapped : {false, true}) {
        std::vector<oci::SeccompSyscall> rules{
            deny("mkdirat", 9, {arg(0, ge, 5)}),   deny("mkdirat", 10, {arg(0, ge, 10)}),
            deny("mkdirat", 11, {arg(0, eq, 20)}), deny("mkdirat", 12, {arg(0, lt, 2)}),
            deny("mkdirat", 13, {arg(0, lt, 4)}),  deny("mkdirat", 14, {arg(1, eq, 1)})};
        if (swapped) std::reverse(rules.begin(), rules.end());
        CHECK(errno_for(rules, {7}) == 9);
        CHECK(errno_for(rules, {12}) == 10);
        CHECK(errno_for(rules, {20}) == 11);
        CHECK(errno_for(rules, {1}) == 12);
        CHECK(errno_for(rules, {3}) == 13);
        CHECK(errno_for(rules, {12, 1}) == 14);
    }
}

TEST_CASE("seccomp: rules that contradict each other") {
    CHECK(pointer_of_error(
              profile(Action::allow, {deny("read", 9), deny("mkdirat", 9, {arg(0, eq, 1)}),
                                      deny("mkdirat", 10, {arg(0, eq, 1)})})) ==
          "/linux/seccomp/syscalls/2");
    // Twice the same is none.
    CHECK(pointer_of_error(profile(Action::allow, {deny("mkdirat", 9, {arg(0, eq, 1)}),
                                                   deny("mkdirat", 9, {arg(0, eq, 1)})})) ==
          "no error");
}

TEST_CASE("seccomp: a filter that is too long") {
    auto seccomp = profile(Action::error);
    for (std::uint64_t i = 0; i < 1100; ++i) {
        seccomp.syscalls.push_back(allow("mkdirat", {arg(0, eq, i)}));
    }
    CHECK(pointer_of_error(seccomp) == "/linux/seccomp");
    for (std::uint64_t i = 1100; i < 5000; ++i) {
        seccomp.syscalls.push_back(allow("mkdirat", {arg(0, eq, i)}));
    }
    CHECK(pointer_of_error(seccomp).starts_with("/linux/seccomp/syscalls/"));
    seccomp.syscalls.resize(900);
    const Filtered filtered(seccomp);
    CHECK(filtered("mkdirat", {0}) == kAllow);
    CHECK(filtered("mkdirat", {899}) == kAllow);
    CHECK(filtered("mkdirat", {900}) == error_word(EPERM));
}

TEST_CASE("seccomp: architectures: the native one always, others when listed") {
    if (!on_x86_64()) return not_applicable("only for x86_64");
    using enum SeccompArch;
    const auto kill = SECCOMP_RET_KILL_PROCESS;
    const auto answers = [](std::vector<SeccompArch> listed) {
        const Filtered filtered(profile(Action::allow, {deny("mkdir", 9)}, std::move(listed)));
        return std::vector{filtered(x86_64, "mkdir"), filtered(x86, "mkdir"),
                           filtered(x32, "mkdir"), filtered(aarch64, "mkdirat")};
    };
    using Answers = std::vector<std::uint32_t>;
    const auto errno_9 = error_word(9);
    CHECK(answers({}) == Answers{errno_9, kill, kill, kill});
    CHECK(answers({x86_64, x86_64}) == Answers{errno_9, kill, kill, kill});
    CHECK(answers({x86}) == Answers{errno_9, errno_9, kill, kill});
    CHECK(answers({x32}) == Answers{errno_9, kill, errno_9, kill});
    CHECK(answers({x86_64, x86, x32}) == Answers{errno_9, errno_9, errno_9, kill});
    CHECK(answers({aarch64}) == Answers{errno_9, kill, kill, kAllow});
}

TEST_CASE("seccomp: number -1, which a tracer uses to skip a system call, is not taken for x32") {
    if (!on_x86_64()) return not_applicable("only for x86_64");
    CHECK(Filtered(profile(Action::allow))(SeccompArch::x86_64, 0xffffffff) == kAllow);
    CHECK(Filtered(profile(Action::allow))(SeccompArch::x86_64, 0xfffffffe) ==
          SECCOMP_RET_KILL_PROCESS);
    CHECK(Filtered(profile(Action::error, {rule({"read"}, Action::allow)}))(
              SeccompArch::x86_64, 0xffffffff) == error_word(ENOSYS));
}

TEST_CASE("seccomp: architectures that cannot be") {
    if (!on_x86_64()) return not_applicable("only for x86_64");
    using enum SeccompArch;
    CHECK(pointer_of_error(profile(Action::allow, {}, {x86, s390x})) ==
          "/linux/seccomp/architectures/1");
    for (const auto& row : oci::kSeccompArchs) {
        const auto traits = seccomp::find_arch(row.value);
        const bool usable = traits && traits->little_endian;
        INFO(row.name);
        CHECK(pointer_of_error(profile(Action::allow, {}, {row.value})) ==
              (usable ? "no error" : "/linux/seccomp/architectures/0"));
    }
}

TEST_CASE("seccomp: 32-bit architectures see the lower half of values") {
    if (!on_x86_64()) return not_applicable("only for x86_64");
    const Filtered filtered(profile(Action::allow,
                                    {deny("mkdir", 9, {arg(0, eq, 0xffffffffffffffff)}),
                                     deny("rmdir", 9, {arg(0, masked_eq, 0xff00000000, 0)})},
                                    {SeccompArch::x86, SeccompArch::x32}));
    for (const auto arch : {SeccompArch::x86, SeccompArch::x32}) {
        CHECK(filtered(arch, "mkdir", {0xffffffff}) == error_word(9));
        CHECK(filtered(arch, "mkdir", {0xfffffffe}) == kAllow);
        CHECK(filtered(arch, "rmdir", {1}) == error_word(9));
    }
    CHECK(filtered(SeccompArch::x86_64, "mkdir", {0xffffffff}) == kAllow);
    CHECK(filtered(SeccompArch::x86_64, "mkdir", {0xffffffffffffffff}) == error_word(9));
}

TEST_CASE("seccomp: what goes through socketcall and ipc") {
    if (!on_x86_64()) return not_applicable("only for x86_64");
    const auto x86 = SeccompArch::x86;
    const auto with = [&](Action fallback, std::vector<oci::SeccompSyscall> rules) {
        return Filtered(profile(fallback, std::move(rules), {SeccompArch::x86}));
    };
    constexpr std::uint64_t kSocket = 1;
    constexpr std::uint64_t kBind = 2;
    constexpr std::uint64_t kMsgrcv = 12;

    const auto denied = with(Action::allow, {deny("socket", 9), deny("msgrcv", 10)});
    CHECK(denied(x86, "socket") == error_word(9));
    CHECK(denied(x86, "socketcall", {kSocket}) == error_word(9));
    CHECK(denied(x86, "socketcall", {kBind}) == kAllow);
    CHECK(denied(x86, "ipc", {kMsgrcv}) == error_word(10));
    CHECK(denied(x86, "ipc", {kMsgrcv | 1U << 16U}) == error_word(10));  // version 1 of it
    CHECK(denied(SeccompArch::x86_64, "socket") == error_word(9));

    const auto allowed = with(Action::error, {rule({"socket"}, Action::allow)});
    CHECK(allowed(x86, "socketcall", {kSocket}) == kAllow);
    CHECK(allowed(x86, "socketcall", {kBind}) == error_word(EPERM));

    // socketcall itself is named: that decides.
    const auto named = with(Action::allow, {deny("socket", 9), deny("socketcall", 11)});
    CHECK(named(x86, "socketcall", {kSocket}) == error_word(11));
    const auto named_in_part =
        with(Action::allow, {deny("socket", 9), deny("socketcall", 11, {arg(0, eq, kBind)})});
    CHECK(named_in_part(x86, "socketcall", {kSocket}) == error_word(9));
    CHECK(named_in_part(x86, "socketcall", {kBind}) == error_word(11));
}

TEST_CASE("seccomp: conditions that cannot be seen through socketcall are decided the strict way") {
    if (!on_x86_64()) return not_applicable("only for x86_64");
    const auto x86 = SeccompArch::x86;
    const auto through = [&](Action fallback, std::vector<oci::SeccompSyscall> rules) {
        return Filtered(profile(fallback, std::move(rules), {SeccompArch::x86}))(x86, "socketcall",
                                                                                 {1});
    };
    CHECK(through(Action::allow, {deny("socket", 9, {arg(0, eq, 40)})}) == error_word(9));
    CHECK(through(Action::error, {rule({"socket"}, Action::allow, {arg(0, ne, 40)})}) ==
          error_word(EPERM));
    CHECK(through(Action::allow, {rule({"socket"}, Action::trace, {arg(0, eq, 40)}),
                                  rule({"socket"}, Action::kill_process, {arg(0, eq, 41)})}) ==
          SECCOMP_RET_KILL_PROCESS);
    // For the system call itself the rule without conditions decides, so here too.
    const auto whole = rule({"socket"}, Action::allow);
    const auto part = rule({"socket"}, Action::kill_process, {arg(0, eq, 41)});
    CHECK(through(Action::trap, {whole, part}) == kAllow);
    CHECK(through(Action::trap, {part, whole}) == kAllow);
}

TEST_CASE("seccomp: what is newer than the profile does not exist") {
    if (!on_x86_64()) return not_applicable("only for x86_64");
    const auto native = SeccompArch::x86_64;
    const std::vector<oci::SeccompSyscall> rules{
        rule({"read", "faccessat2"}, Action::allow)};  // 439 is the largest
    for (const auto fallback :
         {Action::error, Action::trap, Action::kill_thread, Action::kill_process}) {
        const Filtered filtered(profile(fallback, rules, {SeccompArch::x86, SeccompArch::x32}));
        CHECK(filtered(native, 439) == kAllow);
        CHECK(filtered(native, 438) != error_word(ENOSYS));
        for (const auto arch : {native, SeccompArch::x86, SeccompArch::x32}) {
            const std::uint32_t base = arch == SeccompArch::x32 ? seccomp::kX32Bit : 0;
            for (std::uint32_t number = 440; number < 512; ++number) {
                CHECK(filtered(arch, base + number) == error_word(ENOSYS));
            }
            CHECK(filtered(arch, base + 0x3fffffff) == error_word(ENOSYS));
        }
        // Numbers of x32 that are younger by number, not by age.
        CHECK(filtered(SeccompArch::x32, seccomp::kX32Bit + 520) != error_word(ENOSYS));
    }
    for (const auto fallback : {Action::trace, Action::log}) {
        CHECK(Filtered(profile(fallback, rules))(native, 500) != error_word(ENOSYS));
    }
    // Also a rule that changes nothing, or is for some arguments only, names a system call.
    CHECK(Filtered(profile(Action::error,
                           {rule({"read"}, Action::allow), rule({"mseal"}, Action::error)}))(
              native, 461) == error_word(EPERM));
    CHECK(Filtered(profile(Action::error, {allow("mseal", {arg(0, eq, 1)})}))(native, 462) ==
          error_word(EPERM));
    CHECK(Filtered(profile(Action::error, {allow("mseal", {arg(0, eq, 1)})}))(native, 463) ==
          error_word(ENOSYS));
}

TEST_CASE("seccomp: numbers private to ARM do not make everything else old") {
    if (!on_x86_64()) return not_applicable("only for x86_64");
    const Filtered filtered(profile(Action::error,
                                    {rule({"read", "faccessat2", "cacheflush"}, Action::allow)},
                                    {SeccompArch::arm}));
    CHECK(filtered(SeccompArch::arm, "cacheflush") == kAllow);
    CHECK(filtered(SeccompArch::arm, "set_tls") == error_word(EPERM));
    CHECK(filtered(SeccompArch::arm, 440) == error_word(ENOSYS));
}

TEST_CASE("seccomp: flags") {
    const auto flags_of = [](std::optional<std::vector<oci::SeccompFlag>> flags,
                             Action action = Action::allow) {
        auto seccomp = profile(Action::allow, {rule({"mkdirat"}, action)});
        seccomp.flags = std::move(flags);
        return compile_profile(seccomp).flags;
    };
    using enum oci::SeccompFlag;
    CHECK(flags_of({}) == SECCOMP_FILTER_FLAG_SPEC_ALLOW);
    CHECK(flags_of(std::vector<oci::SeccompFlag>{}) == 0);
    CHECK(flags_of({{tsync, oci::SeccompFlag::log}}) ==
          (SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_LOG));
    CHECK(flags_of({{spec_allow}}, Action::notify) ==
          (SECCOMP_FILTER_FLAG_SPEC_ALLOW | SECCOMP_FILTER_FLAG_NEW_LISTENER));
    CHECK(seccomp::Filter{{}, SECCOMP_FILTER_FLAG_NEW_LISTENER}.notifies());
    CHECK_FALSE(seccomp::Filter{{}, SECCOMP_FILTER_FLAG_LOG}.notifies());
}

TEST_CASE("seccomp: a flag for listeners only") {
    using enum oci::SeccompFlag;
    UNIT_NEEDS(seccomp::kernel_knows(SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV), "needs Linux 5.19");
    auto seccomp = profile(Action::allow, {rule({"mkdirat"}, Action::notify)});
    seccomp.flags = {wait_killable_recv};
    CHECK(compile_profile(seccomp).flags ==
          (SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV | SECCOMP_FILTER_FLAG_NEW_LISTENER));
    seccomp.syscalls.clear();
    std::vector<std::string> warnings;
    CHECK(seccomp::compile(seccomp, warnings).flags == 0);
    CHECK(warnings == std::vector<std::string>{
                          "/linux/seccomp/flags/0: SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV has no "
                          "effect without a rule with SCMP_ACT_NOTIFY"});
}

TEST_CASE("seccomp: a flag that this kernel does not know", "[native]") {
    auto seccomp = profile(Action::allow);
    seccomp.flags = {oci::SeccompFlag::log, static_cast<oci::SeccompFlag>(1U << 30U)};
    CHECK(pointer_of_error(seccomp) == "/linux/seccomp/flags/1");
}
