// lxcri-exec: joins a container and becomes the process that `lxcri exec` asks for. It is executed
// on the host, in the container's cgroup, from a read-only mount; a container can see the file of
// that mount, never one of the host.
//
// Two processes, because setns(2) changes the pid namespace of children only: the first joins and
// makes the second as its sibling. So the parent of the second is `lxcri exec`, or after that the
// caller's subreaper.

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/strings.h"
#include "handoff/channel.h"
#include "handoff/plan.h"
#include "os/check.h"
#include "os/clone.h"
#include "os/file.h"
#include "os/mount.h"
#include "os/process.h"
#include "process_steps.h"

namespace {

using namespace lxcri;
using handoff::MessageKind;

struct Joining {
    handoff::JoinPlan plan;
    os::UniqueFd init;  // a pidfd
    std::vector<os::UniqueFd> preserved;
};

// The channel leaves its number to what is preserved.
Joining receive_plan(os::UniqueFd& channel) {
    auto message = handoff::expect(channel.get(), MessageKind::join_plan);
    Joining joining;
    joining.plan = handoff::decode<handoff::JoinPlan>(message.body);
    if (message.fds.empty()) throw Error("internal error: the plan came without descriptors");
    joining.init = std::move(message.fds[0]);
    joining.preserved = libexec::take_preserved(std::move(message.fds), 1,
                                                joining.plan.process.preserved_fds, channel.get());
    channel = libexec::move_up(channel, joining.plan.process.preserved_fds);
    return joining;
}

// Without `lxcri exec` no process waits for us, and the container could keep us: a stopped process
// does not see the end of the channel. clone(2) and a change of credentials clear this setting.
void end_with_the_runtime() {
    (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);
}

// The numbers 0 to 2 are not for what we open.
void fill_stdio() {
    for (int number = 0; number <= 2; ++number) {
        if (::fcntl(number, F_GETFD) == -1) (void)::open("/dev/null", O_RDWR | O_CLOEXEC);
    }
}

// Changing credentials makes a process dumpable again where fs.suid_dumpable says so: proc(5).
void hide_from_ptrace() {
    (void)::prctl(PR_SET_DUMPABLE, 0);
}

// In a mount namespace that the container shares with others their root is not its own.
void enter_root(const handoff::JoinPlan& plan) {
    const os::UniqueFd root = os::open_at(AT_FDCWD, plan.root, O_PATH | O_DIRECTORY);
    if (os::mount_id(root.get()) != plan.root_mount_id) {
        throw Error(
            concat("the container's root filesystem is no longer on ", in_quotes(plan.root)));
    }
    libexec::change_root(root.get());
}

// Joins all at once, or none. The kernel joins a user namespace first, which gives the privilege
// for the others: setns(2).
void join(Joining& joining) {
    const auto namespaces = static_cast<int>(joining.plan.namespaces);
    if (namespaces != 0) {
        os::check(::setns(joining.init.get(), namespaces), "join the container's namespaces");
    }
    if (!joining.plan.root.empty()) enter_root(joining.plan);
    // Not for the eyes of those who are there.
    joining.init.reset();
    if ((joining.plan.namespaces & CLONE_NEWUSER) != 0) {
        // Its root, where it has one: so that what is made belongs to it.
        const bool has_root = ::setresgid(0, 0, 0) == 0 && ::setresuid(0, 0, 0) == 0;
        if (!has_root && errno != EINVAL) {
            throw SystemError(errno, "become root of the container");
        }
    }
    hide_from_ptrace();
    end_with_the_runtime();
}

// True in the new process.
bool make_sibling() {
    return os::clone_process(CLONE_PARENT, 0).pid == 0;
}

void restore_stdio(const handoff::ProcessPlan& process) {
    for (unsigned number = 0; number <= 2; ++number) {
        const bool open = ((process.open_stdio >> number) & 1U) != 0;
        if (!open) ::close(static_cast<int>(number));
    }
}

// In the container.
[[noreturn]] void become_process(Joining& joining, int channel) {
    handoff::ProcessPlan& process = joining.plan.process;
    end_with_the_runtime();
    // It gets our pid with this, as it is in its own pid namespace.
    handoff::send(channel, MessageKind::alive, {});
    libexec::begin_session();
    libexec::join_session_keyring(process);
    libexec::place_on_machine(process);
    if (process.terminal) {
        libexec::set_up_terminal(process, libexec::Console::leave, channel);
    } else {
        restore_stdio(process);
        libexec::reopen_dev_null();
    }
    libexec::set_exec_labels(process);
    libexec::give_stdio_to(process.uid);
    libexec::complete_environment(process.env, process.uid);
    libexec::become_user(process, channel);
    hide_from_ptrace();
    end_with_the_runtime();
    const std::string program = libexec::find_program(process);
    if (process.filter_loading == handoff::FilterLoading::before_ready) {
        libexec::load_filter(process, channel);
    }
    // Before the limits come: the number of open files may be one.
    libexec::place_preserved(joining.preserved);
    handoff::send(channel, MessageKind::ready, {});
    const auto limits =
        handoff::decode<handoff::OwnLimits>(handoff::expect(channel, MessageKind::start_now).body);
    (void)::prctl(PR_SET_PDEATHSIG, 0);
    libexec::execute_program(process, program, limits);
}

}  // namespace

int main() {
    hide_from_ptrace();
    (void)::prctl(PR_SET_NAME, "lxcri-exec");
    os::reset_signals();
    libexec::set_write_signals(SIG_IGN);
    ::umask(0022);  // for what is made on the way; the process gets its own
    os::UniqueFd channel(handoff::kChannelFd);
    try {
        os::close_on_exec_from(3);
        fill_stdio();
        Joining joining = receive_plan(channel);
        join(joining);
        if (!make_sibling()) return EXIT_SUCCESS;
        become_process(joining, channel.get());
    } catch (const std::exception& error) {  // std::bad_alloc in a low RLIMIT_DATA, too
        handoff::send_failure(channel.get(), error);
        return EXIT_FAILURE;
    }
}
