#include "os/spawn.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "os/check.h"
#include "os/clone.h"

namespace lxcri::os {

namespace {

// What the child writes into the report.
struct Failure {
    SpawnStep step;
    int code;
};

std::vector<char*> pointers(const std::vector<std::string>& texts) {
    std::vector<char*> result;
    result.reserve(texts.size() + 1);
    for (const std::string& text : texts) result.push_back(const_cast<char*>(text.c_str()));
    result.push_back(nullptr);
    return result;
}

// Descriptors whose numbers the program gets for others are copied to numbers above.
class Lifted {
  public:
    explicit Lifted(const std::vector<PassedFd>& descriptors) {
        for (const PassedFd& passed : descriptors) highest_ = std::max(highest_, passed.to);
    }

    // -1 and errno if `fd` is not open, or if there are too many.
    int lift(int fd) {
        if (fd > highest_) return fd;
        copies_.emplace_back(::fcntl(fd, F_DUPFD_CLOEXEC, highest_ + 1));
        return copies_.back().get();
    }

  private:
    int highest_ = 2;
    std::vector<UniqueFd> copies_;
};

// All that the child needs, made before the fork: nothing in it allocates.
struct ChildPlan {
    const Command& command;
    const std::function<int()>& last_step;
    std::vector<char*> arguments;
    std::vector<char*> environment;
    std::vector<PassedFd> descriptors;
    int image;
    int report;
};

// Each function returns 0 or an errno.

int write_self(int file) noexcept {
    // "0" is the writing thread itself.
    return retry([&] { return ::write(file, "0", 1); }) == 1 ? 0 : errno;
}

int enter_cgroup(const CgroupEntrance& cgroup, bool in_unified) noexcept {
    // Written to tasks, not to cgroup.procs, by a process of one thread it needs no lock against
    // all forks and exits of the machine, and so no RCU grace period of some milliseconds.
    for (const int tasks : cgroup.tasks) {
        if (const int code = write_self(tasks); code != 0) return code;
    }
    if (in_unified || cgroup.unified < 0) return 0;
    const int procs = ::openat(cgroup.unified, "cgroup.procs", O_WRONLY | O_CLOEXEC);
    if (procs == -1) return errno;
    const int code = write_self(procs);
    ::close(procs);
    return code;
}

int place_descriptors(const std::vector<PassedFd>& descriptors) noexcept {
    for (const PassedFd& passed : descriptors) {
        if (::dup2(passed.from, passed.to) == -1) return errno;
    }
    return 0;
}

int begin_session(Session session) noexcept {
    return session == Session::ours || ::setsid() != -1 ? 0 : errno;
}

int enter_directory(const std::string& directory) noexcept {
    return directory.empty() || ::chdir(directory.c_str()) == 0 ? 0 : errno;
}

int run_last_step(const ChildPlan& plan) noexcept {
    return plan.last_step ? plan.last_step() : 0;
}

// Returns only if it fails.
int become(const ChildPlan& plan) noexcept {
    if (plan.command.at_our_end == AtOurEnd::goes_on) (void)::prctl(PR_SET_PDEATHSIG, 0);
    if (plan.command.others == OtherDescriptors::closed_before) {
        std::array<int, 2> kept{plan.report, plan.image < 0 ? plan.report : plan.image};
        if (const int code = close_others(kept); code != 0) return code;
    }
    if (plan.image >= 0) {
        ::execveat(plan.image, "", plan.arguments.data(), plan.environment.data(), AT_EMPTY_PATH);
    } else {
        ::execve(plan.command.path.c_str(), plan.arguments.data(), plan.environment.data());
    }
    return errno;
}

Failure try_to_become(const ChildPlan& plan, bool in_unified) noexcept {
    const Command& command = plan.command;
    using enum SpawnStep;
    if (const int code = enter_cgroup(command.cgroup, in_unified)) return {cgroup, code};
    if (const int code = place_descriptors(plan.descriptors)) return {descriptors, code};
    if (command.signals == Signals::reset) reset_signals();
    if (const int code = begin_session(command.session)) return {session, code};
    if (const int code = enter_directory(command.directory)) return {directory, code};
    if (const int code = run_last_step(plan)) return {last_step, code};
    return {execute, become(plan)};
}

[[noreturn]] void become_program(const ChildPlan& plan, bool in_unified) noexcept {
    const Failure failure = try_to_become(plan, in_unified);
    (void)!::write(plan.report, &failure, sizeof failure);
    ::_exit(127);
}

// A copy of our memory costs a fifth of a millisecond, and is not needed where the child changes
// nothing in it, and is not to be born in a cgroup: for that the C library has no function. Nor one
// that enters a cgroup: where memory is used up the kernel kills all that share it, so us, too.
bool may_use_our_memory(const ChildPlan& plan) {
#if defined(__SANITIZE_ADDRESS__)
    return false;  // the sanitizer knows of one stack
#endif
    return !plan.last_step && plan.command.signals == Signals::reset &&
           plan.command.cgroup.unified < 0 && plan.command.cgroup.tasks.empty();
}

Cloned clone_for(ChildPlan& plan) {
    if (may_use_our_memory(plan)) {
        const auto become = [](void* given) -> int {
            become_program(*static_cast<const ChildPlan*>(given), false);
        };
        return start_in_our_memory(become, &plan);
    }
    Cloned child = clone_child(plan.command.cgroup.unified);
    if (child.pid == 0) become_program(plan, child.in_cgroup);
    return child;
}

const char* name_of(SpawnStep step) {
    switch (step) {
        case SpawnStep::cgroup:
            return "enter the cgroup for";
        case SpawnStep::descriptors:
            return "pass descriptors to";
        case SpawnStep::session:
            return "begin a session for";
        case SpawnStep::directory:
            return "enter the directory";
        case SpawnStep::last_step:
            return "prepare";
        case SpawnStep::execute:
            return "execute";
    }
    return "start";
}

// Returns in the parent alone, where nothing of what the child has got is left open.
Cloned start_child(const Command& command, const std::function<int()>& last_step,
                   const UniqueFd& report) {
    Lifted lifted(command.descriptors);
    const auto lift = [&](int fd) {
        const int copy = lifted.lift(fd);
        if (copy == -1) throw SpawnError(SpawnStep::descriptors, command.path, errno);
        return copy;
    };
    ChildPlan plan{command,
                   last_step,
                   pointers(command.arguments),
                   pointers(command.environment),
                   command.descriptors,
                   command.image < 0 ? -1 : lift(command.image),
                   lift(report.get())};
    for (PassedFd& passed : plan.descriptors) passed.from = lift(passed.from);
    return clone_for(plan);
}

}  // namespace

std::vector<std::string> own_environment() {
    std::vector<std::string> result;
    for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
        result.emplace_back(*entry);
    }
    return result;
}

SpawnError::SpawnError(SpawnStep step, std::string_view operand, int code)
    : SystemError(code, name_of(step), operand), step_(step) {}

std::optional<SpawnError> Spawned::find_failure() const {
    Failure failure{};
    const ssize_t got = retry([&] { return ::read(report_.get(), &failure, sizeof failure); });
    if (got != sizeof failure) return {};
    const bool names_directory = failure.step == SpawnStep::directory;
    return SpawnError(failure.step, names_directory ? directory_ : path_, failure.code);
}

void Spawned::wait_until_executed() const {
    pollfd report{report_.get(), POLLIN, 0};
    check(retry([&] { return ::poll(&report, 1, -1); }), "poll");
    if (auto failure = find_failure()) throw std::move(*failure);
}

Spawned spawn(const Command& command, const std::function<int()>& last_step) {
    // Ours are closed on exec anyway; this is for those that a caller has left open.
    if (command.others == OtherDescriptors::closed_by_exec) close_on_exec_from(3);
    std::array<int, 2> ends{};
    check(::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK), "pipe2");
    UniqueFd ours(ends[0]);
    UniqueFd theirs(ends[1]);
    Cloned child = start_child(command, last_step, theirs);
    theirs.reset();
    Spawned spawned(ChildProcess(child.pid, std::move(child.pidfd)), std::move(ours), command);
    // What clone3 would have told at once.
    if (command.cgroup.unified >= 0 && !child.in_cgroup) spawned.wait_until_executed();
    return spawned;
}

}  // namespace lxcri::os
