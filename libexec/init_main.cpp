// lxcri-init: liblxc executes it as pid 1 of the container (or the first process in a joined pid
// namespace), after pivot_root, as root of the container with all its capabilities. It finishes the
// container, becomes the user of config.json, tells `lxcri create` that it is ready, waits for
// `lxcri start`, and executes the container process.
//
// A static program behind a descriptor: it is not in the container's file tree, and needs no file
// from there.

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/printable.h"
#include "base/strings.h"
#include "handoff/channel.h"
#include "handoff/failure.h"
#include "handoff/init_arguments.h"
#include "handoff/plan.h"
#include "handoff/run_hooks.h"
#include "handoff/start_signal.h"
#include "init_steps.h"
#include "os/check.h"
#include "os/file.h"
#include "os/process.h"
#include "process_steps.h"

namespace {

using namespace lxcri;
using handoff::MessageKind;
using os::UniqueFd;

// What came with the plan.
struct Descriptors {
    std::array<UniqueFd, 3> stdio;  // those that the caller had open
    UniqueFd start;                 // the start FIFO
    UniqueFd result;                // tells `start` how it went
    UniqueFd memory_entrance;       // where the plan says so
    UniqueFd shared_mounts;         // likewise
    UniqueFd root;                  // with it
    UniqueFd hook_out;              // where the plan says so
    UniqueFd hook_err;
    std::vector<UniqueFd> preserved;
};

Descriptors take_descriptors(std::vector<UniqueFd> fds, const handoff::InitPlan& plan) {
    const handoff::ProcessPlan& process = plan.process;
    Descriptors result;
    std::size_t next = 0;
    const auto take = [&] {
        if (next >= fds.size()) throw Error("internal error: the plan came without descriptors");
        return std::move(fds[next++]);
    };
    for (unsigned number = 0; number < result.stdio.size(); ++number) {
        if (((process.open_stdio >> number) & 1U) != 0) result.stdio[number] = take();
    }
    result.start = libexec::move_up(take(), process.preserved_fds);
    result.result = libexec::move_up(take(), process.preserved_fds);
    if (plan.enters_cgroup) {
        result.memory_entrance = libexec::move_up(take(), process.preserved_fds);
    }
    if (plan.shares_mounts) {
        result.shared_mounts = libexec::move_up(take(), process.preserved_fds);
        result.root = libexec::move_up(take(), process.preserved_fds);
    }
    if (plan.hook_out) result.hook_out = libexec::move_up(take(), process.preserved_fds);
    if (plan.hook_err) result.hook_err = libexec::move_up(take(), process.preserved_fds);
    result.preserved =
        libexec::take_preserved(std::move(fds), next, process.preserved_fds, handoff::kChannelFd);
    return result;
}

// The caller's own descriptors, untouched: liblxc never saw them.
void restore_stdio(std::array<UniqueFd, 3>& stdio) {
    for (int number = 0; number < 3; ++number) {
        auto& fd = stdio[static_cast<std::size_t>(number)];
        if (fd.valid()) {
            os::check(::dup2(fd.get(), number), "dup2", std::to_string(number));
            fd.reset();
        } else {
            ::close(number);
        }
    }
}

// Everything up to "created". After this nothing needs a privilege any more.
Descriptors create_container(handoff::InitPlan& plan, std::string& program) {
    auto message = handoff::expect(handoff::kChannelFd, MessageKind::init_plan);
    plan = handoff::decode<handoff::InitPlan>(message.body);
    auto& env = plan.process.env;
    env.insert(env.end(), plan.added_env.begin(), plan.added_env.end());
    Descriptors descriptors = take_descriptors(std::move(message.fds), plan);

    libexec::begin_session();
    libexec::join_session_keyring(plan.process);
    libexec::place_on_machine(plan.process);
    libexec::set_names(plan);
    if (plan.shares_mounts) {
        libexec::enter_shared_mounts(descriptors.shared_mounts.get(), descriptors.root.get());
        descriptors.shared_mounts.reset();
        descriptors.root.reset();
    }
    if (plan.covered_root) libexec::enter_covering_root();
    libexec::finish_propagation(plan);
    if (plan.has_process) libexec::make_directory_for_cwd(plan.process.cwd);
    if (plan.process.terminal) {
        libexec::set_up_terminal(plan.process, libexec::Console::mount, handoff::kChannelFd);
    } else {
        restore_stdio(descriptors.stdio);
        libexec::reopen_dev_null();
    }
    libexec::set_exec_labels(plan.process);
    if (plan.temporary_proc) libexec::remove_temporary_proc();
    if (plan.readonly_root) libexec::make_root_readonly();
    if (plan.enters_cgroup) {
        libexec::enter_cgroup(descriptors.memory_entrance.get(), plan.new_cgroup_namespace);
        descriptors.memory_entrance.reset();
    }
    if (plan.has_process) {
        libexec::give_stdio_to(plan.process.uid);
        libexec::complete_environment(plan.process.env, plan.process.uid);
        libexec::become_user(plan.process, handoff::kChannelFd);
        program = libexec::find_program(plan.process);
        if (plan.process.filter_loading == handoff::FilterLoading::before_ready) {
            libexec::load_filter(plan.process, handoff::kChannelFd);
        }
    }
    return descriptors;
}

// Returns false if create has died before it has written down who we are.
bool wait_until_recorded(bool& start_now, handoff::OwnLimits& limits) {
    const auto message = handoff::receive(handoff::kChannelFd);
    if (!message) return false;
    start_now = message->kind == MessageKind::start_now;
    limits = handoff::decode<handoff::OwnLimits>(message->body);
    return start_now || message->kind == MessageKind::recorded;
}

[[noreturn]] void execute(handoff::InitPlan& plan, const std::string& program,
                          Descriptors& descriptors, const handoff::OwnLimits& limits) {
    if (!plan.start_container.empty()) {
        const std::string state = handoff::fill_in(plan.state, ::getpid());
        // config.md leaves the environment of an absent `env` open; callers expect the process's.
        handoff::complete_environment(plan.start_container, plan.process.env);
        // The filter that the container process gets late is that of these programs as well.
        handoff::run_confined_hooks(
            plan.start_container, state,
            [&] {
                if (plan.process.filter_loading == handoff::FilterLoading::last)
                    libexec::load_filter(plan.process, -1);
            },
            {descriptors.hook_out.get(), descriptors.hook_err.get()});
    }
    libexec::place_preserved(descriptors.preserved);
    // Closed by us, not by the exec, which closes in no certain order: when `start` returns, no
    // command may still take the container for a created one.
    descriptors.start.reset();
    handoff::say_executing(descriptors.result.get());
    libexec::execute_program(plan.process, program, limits);
}

// Kubernetes shows this text as the reason why a container has ended. Only to a regular file: any
// other file of the image could make us wait.
void leave_termination_message(const std::string& path, std::string_view text) noexcept {
    if (path.empty()) return;
    const UniqueFd file(
        ::open(path.c_str(), O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    struct stat status {};
    if (!file.valid() || ::fstat(file.get(), &status) == -1 || !S_ISREG(status.st_mode)) return;
    (void)!::write(file.get(), text.data(), text.size());
}

int code_of(const std::exception& error) {
    if (const auto* system = dynamic_cast<const SystemError*>(&error)) return system->code();
    if (const auto* hook = dynamic_cast<const handoff::HookError*>(&error)) return hook->code();
    return 0;
}

int fail_to_start(const handoff::InitPlan& plan, const Descriptors& descriptors,
                  const std::exception& error) {
    const std::string line = concat("lxcri-init: ", printable(error.what()), "\n");
    (void)!::write(STDERR_FILENO, line.data(), line.size());
    leave_termination_message(plan.termination_message_path, line);
    handoff::say_failed(descriptors.result.get(), error);
    // As a shell does: 127 for not found, 126 for found but not executable.
    return code_of(error) == ENOENT ? 127 : 126;
}

// Not where liblxc executes us with another function than the one that lxcri-start answers.
bool is_announced(int argc, char** argv) {
    return argc > 1 && std::string_view(argv[1]) == handoff::kAnnounced;
}

}  // namespace

int main(int argc, char** argv) {
    handoff::InitPlan plan;
    Descriptors descriptors;
    std::string program;
    bool start_now = false;
    handoff::OwnLimits limits;
    (void)::prctl(PR_SET_DUMPABLE, 0);
    (void)::prctl(PR_SET_NAME, "lxcri-init");
    os::reset_signals();
    libexec::set_write_signals(SIG_IGN);
    ::umask(0022);  // for what is made on the way; the process gets its own
    try {
        // Before a filter of the container's can forbid it.
        libexec::end_on_signals();
        os::close_on_exec_from(3);
        // liblxc's work is done: create can end its monitor while we go on.
        if (!is_announced(argc, argv)) handoff::send(handoff::kChannelFd, MessageKind::alive, {});
        descriptors = create_container(plan, program);
        libexec::end_on_signals();
        handoff::send(handoff::kChannelFd, MessageKind::ready, {});
        // The last one of a mount that is nowhere attached: the kernel takes its time to remove it.
        ::close(handoff::kInitImageFd);
        if (!wait_until_recorded(start_now, limits)) return EXIT_FAILURE;
    } catch (const std::exception& error) {  // std::bad_alloc too: out of memory
        handoff::send_failure(handoff::kChannelFd, error);
        return EXIT_FAILURE;
    }
    // From here on `start` is the one to talk to.
    ::close(handoff::kChannelFd);
    try {
        if (!start_now) handoff::wait_for_start(descriptors.start.get());
        // Errors from now on are those of the container process, on its stderr.
        execute(plan, program, descriptors, limits);
    } catch (const std::exception& error) {
        return fail_to_start(plan, descriptors, error);
    }
}
