// lib/seccomp/compile beside two other opinions: a plain model of what a profile means, for random
// profiles, and libseccomp, for the profiles of real callers.

#include <fcntl.h>
#include <linux/audit.h>
#include <seccomp.h>
#include <sys/mman.h>

#include <fstream>
#include <memory>
#include <random>
#include <sstream>

#include "oci/parse.h"
#include "os/file.h"
#include "seccomp/syscalls.h"
#include "support/catch.h"
#include "unit/seccomp/bpf_interpreter.h"
#include "unit/seccomp/confined.h"
#include "unit/seccomp/profile_model.h"

using namespace lxcri;
using namespace lxcri::seccomp;
using test::BpfInterpreter;
using test::ProfileModel;

namespace {

using Arch = oci::SeccompArch;
using Action = oci::SeccompAction;

class Random {
  public:
    explicit Random(unsigned seed) : engine_(seed) {}

    std::uint64_t below(std::uint64_t limit) { return engine_() % limit; }
    bool one_in(unsigned n) { return below(n) == 0; }

    template <class List>
    const auto& pick(const List& list) {
        return list[below(std::size(list))];
    }

    // Values at which comparisons of halves go wrong.
    std::uint64_t value() {
        static constexpr std::uint64_t kWords[] = {0,          1,          2,          7,
                                                   0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff};
        const std::uint64_t word = pick(kWords) << 32U | pick(kWords);
        return one_in(8) ? engine_() : word;
    }

  private:
    std::mt19937_64 engine_;
};

constexpr const char* kNames[] = {"read",    "write",      "open",       "mkdir",   "clone",
                                  "socket",  "connect",    "accept",     "send",    "semop",
                                  "shmat",   "msgrcv",     "socketcall", "ipc",     "exit",
                                  "openat",  "faccessat2", "statx",      "mount",   "rt_sigaction",
                                  "preadv2", "time",       "umount",     "umount2", "no_such_call"};

constexpr Action kActions[] = {Action::kill_process, Action::kill_thread, Action::trap,
                               Action::error,        Action::trace,       Action::allow,
                               Action::log,          Action::notify};

void give_errno(Random& random, Action action, std::optional<std::uint32_t>& value) {
    const bool has_one = action == Action::error || action == Action::trace;
    if (has_one && !random.one_in(3)) value = static_cast<std::uint32_t>(random.below(4096));
}

oci::SeccompSyscall random_rule(Random& random, const oci::Seccomp& profile) {
    oci::SeccompSyscall rule;
    rule.names = {random.pick(kNames)};
    // Which one decides when several match is not asked here: conditional rules for one system
    // call, and for what may go through another one, say the same.
    rule.action = random.pick(kActions);
    const bool through = rule.names[0] == "socketcall" || rule.names[0] == "ipc";
    if (through || random.one_in(3)) {
        give_errno(random, rule.action, rule.errno_ret);
        return rule;
    }
    for (const auto& other : profile.syscalls) {
        if (other.names == rule.names && !other.args.empty()) {
            rule.action = other.action;
            rule.errno_ret = other.errno_ret;
        }
    }
    if (!rule.errno_ret) give_errno(random, Action::allow, rule.errno_ret);
    for (std::uint64_t i = 0, count = 1 + random.below(3); i < count; ++i) {
        rule.args.push_back({static_cast<std::uint32_t>(random.below(6)), random.value(),
                             random.value(), random.pick(oci::kSeccompOperators).value});
    }
    return rule;
}

oci::Seccomp random_profile(Random& random) {
    oci::Seccomp profile;
    do profile.default_action = random.pick(kActions);
    while (profile.default_action == Action::notify);
    give_errno(random, profile.default_action, profile.default_errno_ret);
    for (const Arch arch : {Arch::x86, Arch::x32, Arch::x86_64}) {
        if (random.one_in(2)) profile.architectures.push_back(arch);
    }
    for (std::uint64_t i = 0, count = random.below(12); i < count; ++i) {
        profile.syscalls.push_back(random_rule(random, profile));
    }
    return profile;
}

seccomp_data random_call(Random& random, const oci::Seccomp& profile) {
    seccomp_data data{};
    const auto arch = random.pick(std::array{Arch::x86, Arch::x86_64, Arch::x32});
    data.arch = find_arch(arch)->audit_arch;
    if (random.one_in(50)) data.arch = AUDIT_ARCH_AARCH64;
    const auto numbers = find_arch(arch)->numbers;
    auto number = static_cast<std::uint32_t>(random.pick(numbers).number);
    if (!profile.syscalls.empty() && !random.one_in(4)) {
        const auto syscall = find_syscall(random.pick(profile.syscalls).names[0]);
        for (const auto& row : numbers) {
            if (syscall && row.syscall == *syscall) number = row.number;
        }
    }
    if (random.one_in(6)) number += static_cast<std::uint32_t>(random.below(200));
    if (random.one_in(6)) --number;
    if (random.one_in(30)) number = 0xffffffff;
    if (random.one_in(30)) number |= 0x80000000;
    data.nr = static_cast<int>(number);
    for (auto& arg : data.args) arg = random.value();
    if (random.one_in(3)) data.args[0] = random.below(25);
    for (const auto& rule : profile.syscalls) {
        for (const auto& arg : rule.args) {
            if (random.one_in(3)) data.args[arg.index] = arg.value + random.below(3) - 1;
            if (random.one_in(6)) data.args[arg.index] = arg.value_two;
        }
    }
    if (arch == Arch::x86) {
        for (auto& arg : data.args) arg &= 0xffffffff;  // as the kernel does
    }
    return data;
}

std::string describe(const oci::Seccomp& profile) {
    std::ostringstream text;
    text << std::hex << "default " << name_of(oci::kSeccompActions, profile.default_action);
    for (const Arch arch : profile.architectures) text << ' ' << name_of(oci::kSeccompArchs, arch);
    for (const auto& rule : profile.syscalls) {
        text << '\n'
             << rule.names[0] << ' ' << name_of(oci::kSeccompActions, rule.action) << ' '
             << rule.errno_ret.value_or(EPERM);
        for (const auto& arg : rule.args) {
            text << " [" << arg.index << ' ' << name_of(oci::kSeccompOperators, arg.op) << ' '
                 << arg.value << ' ' << arg.value_two << ']';
        }
    }
    return text.str();
}

std::string describe(const seccomp_data& data) {
    std::ostringstream text;
    text << std::hex << "arch " << data.arch << " number " << data.nr << " args";
    for (const auto arg : data.args) text << ' ' << arg;
    return text.str();
}

// What libseccomp makes of a profile.
class LibseccompFilter {
  public:
    explicit LibseccompFilter(const oci::Seccomp& profile)
        : context_(seccomp_init(action(profile.default_action, profile.default_errno_ret)),
                   seccomp_release) {
        for (const Arch arch : profile.architectures) {
            const int result =
                seccomp_arch_add(context_.get(), arch == Arch::x32 ? std::uint32_t{SCMP_ARCH_X32}
                                                                   : find_arch(arch)->audit_arch);
            if (result != 0 && result != -EEXIST) throw std::runtime_error("seccomp_arch_add");
        }
        for (const auto& rule : profile.syscalls) add(profile, rule);
    }

    std::string program() const {
        const os::UniqueFd file(::memfd_create("filter", MFD_CLOEXEC));
        if (seccomp_export_bpf(context_.get(), file.get()) != 0) {
            throw std::runtime_error("seccomp_export_bpf");
        }
        ::lseek(file.get(), 0, SEEK_SET);
        return os::read_all(file.get(), "filter");
    }

  private:
    static std::uint32_t action(Action action, std::optional<std::uint32_t> data) {
        // The constants are those of the kernel but for NOTIFY and KILL_THREAD, which agree too.
        return test::kernel_action(action, data);
    }

    static scmp_compare compare(oci::SeccompOperator op) {
        switch (op) {
            case oci::SeccompOperator::ne:
                return SCMP_CMP_NE;
            case oci::SeccompOperator::lt:
                return SCMP_CMP_LT;
            case oci::SeccompOperator::le:
                return SCMP_CMP_LE;
            case oci::SeccompOperator::eq:
                return SCMP_CMP_EQ;
            case oci::SeccompOperator::ge:
                return SCMP_CMP_GE;
            case oci::SeccompOperator::gt:
                return SCMP_CMP_GT;
            case oci::SeccompOperator::masked_eq:
                break;
        }
        return SCMP_CMP_MASKED_EQ;
    }

    void add(const oci::Seccomp& profile, const oci::SeccompSyscall& rule) {
        const auto word = action(rule.action, rule.errno_ret);
        if (word == action(profile.default_action, profile.default_errno_ret)) return;
        std::vector<scmp_arg_cmp> args;
        for (const auto& arg : rule.args) {
            args.push_back({arg.index, compare(arg.op), arg.value, arg.value_two});
        }
        for (const auto& name : rule.names) {
            const int number = seccomp_syscall_resolve_name(name.c_str());
            if (number == __NR_SCMP_ERROR) continue;
            const int result = seccomp_rule_add_array(
                context_.get(), word, number, static_cast<unsigned>(args.size()), args.data());
            if (result != 0) throw std::runtime_error("seccomp_rule_add " + name);
        }
    }

    std::unique_ptr<void, decltype(&seccomp_release)> context_;
};

oci::Seccomp profile_of_caller(const std::string& name) {
    std::ifstream file(std::string(LXCRI_TEST_DATA "/specs/callers/") + name);
    std::stringstream text;
    text << file.rdbuf();
    return *oci::parse_spec(text.str()).linux_->seccomp;
}

}  // namespace

TEST_CASE("seccomp: random profiles mean what the plain model says") {
    if (native_arch() != Arch::x86_64) return test::not_applicable("only for x86_64");
#ifdef __SANITIZE_ADDRESS__
    constexpr unsigned kProfiles = 100;  // takes many times as long
#else
    constexpr unsigned kProfiles = 1000;
#endif
    constexpr unsigned kCalls = 100;
    for (unsigned seed = 0; seed < kProfiles; ++seed) {
        Random random(seed);
        const auto profile = random_profile(random);
        const BpfInterpreter program(test::compile_profile(profile).program);
        const ProfileModel model(profile);
        for (unsigned i = 0; i < kCalls; ++i) {
            const auto data = random_call(random, profile);
            const auto expected = model.action_for(data);
            if (program.run(data) != expected) {
                INFO("seed " << seed << ": " << describe(profile) << '\n' << describe(data));
                CHECK(program.run(data) == expected);
            }
        }
    }
    SUCCEED();
}

TEST_CASE("seccomp: profiles of real callers mean what libseccomp makes of them") {
    if (native_arch() != Arch::x86_64) return test::not_applicable("only for x86_64");
    for (const char* name : {"docker-attach-01.json", "podman-annotations-01.json",
                             "crio-create-01.json", "containerd-cri-critest-07.json"}) {
        INFO(name);
        const auto profile = profile_of_caller(name);
        const BpfInterpreter ours(test::compile_profile(profile).program);
        const BpfInterpreter theirs(LibseccompFilter(profile).program());
        CHECK(ours.size() < 400);  // loading takes time for each instruction
        Random random(1);
        std::size_t different = 0;
        for (unsigned number = 0; number < 470; ++number) {
            for (const std::uint32_t bit : {0U, 0x40000000U}) {
                for (const std::uint32_t arch :
                     {std::uint32_t{AUDIT_ARCH_X86_64}, std::uint32_t{AUDIT_ARCH_I386}}) {
                    seccomp_data data = random_call(random, profile);
                    data.arch = arch;
                    data.nr = static_cast<int>(number | bit);
                    const auto expected = theirs.run(data);
                    const auto actual = ours.run(data);
                    if (actual == expected) continue;
                    // Another architecture: we end the process, not only the thread.
                    if (actual == SECCOMP_RET_KILL_PROCESS && expected == SECCOMP_RET_KILL_THREAD) {
                        continue;
                    }
                    // Theirs has no answer of its own for what is newer than the profile.
                    if (actual == (SECCOMP_RET_ERRNO | ENOSYS) &&
                        expected == test::kernel_action(profile.default_action,
                                                        profile.default_errno_ret)) {
                        continue;
                    }
                    ++different;
                    UNSCOPED_INFO(describe(data)
                                  << ": " << std::hex << actual << " is not " << expected);
                }
            }
        }
        CHECK(different == 0);
    }
}
