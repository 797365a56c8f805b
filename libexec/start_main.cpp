// lxcri-start: sets liblxc's items and becomes liblxc's monitor. `lxcri create` starts it early, so
// that loading liblxc takes place while create reads config.json; it then waits for the plan.
//
// Privilege: that of the caller. It ends when create has the container's init (hand-over), or, with
// `monitor = keep`, together with the container.
//
// Descriptors it gets: 0-2 one file in memory, which takes liblxc's log and is read by create when
// something fails (never /dev/null or the caller's: liblxc changes owner and mode of what it finds
// there, P37); handoff::kChannelFd; handoff::kInitImageFd. One thread only: liblxc insists (P14).

#include <fcntl.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/strings.h"
#include "command_socket.h"
#include "handoff/channel.h"
#include "handoff/kept_monitor.h"
#include "handoff/plan.h"
#include "liblxc_calls.h"
#include "liblxc_cgroups.h"
#include "lxc_container.h"
#include "os/check.h"
#include "os/file.h"
#include "os/own_stack.h"
#include "os/process.h"
#include "os/user_namespace.h"
#include "tell_monitor.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

namespace {

using namespace lxcri;

// Enters the user namespace that `create` has made for an ordinary user, and becomes root there.
void become_root_of(int user_namespace) {
    os::check(::setns(user_namespace, CLONE_NEWUSER), "setns", "user namespace");
    os::check(::setresgid(0, 0, 0), "setresgid", "0 of the user namespace");
    os::check(::setresuid(0, 0, 0), "setresuid", "0 of the user namespace");
    // Where that is another user of the host this process is not dumpable now: then liblxc cannot
    // open the namespaces of its child, nor can the engine, of whose user they are. (The system
    // call: the function is in liblxc_calls.cpp, for liblxc.)
    os::check(::syscall(SYS_prctl, PR_SET_DUMPABLE, 1, 0, 0, 0), "prctl PR_SET_DUMPABLE");
}

void join_time_namespace(int fd) {
    // liblxc joins with setns in a vfork child, which the kernel refuses for this type (P26).
    os::check(::setns(fd, 0), "setns", "time namespace");
}

// Every process that liblxc makes from now on is in the new namespace; the offsets must be there
// before the first one.
void begin_time_namespace(const std::string& offsets) {
    os::check(::unshare(CLONE_NEWTIME), "/linux/timeOffsets: unshare CLONE_NEWTIME");
    in_context("/linux/timeOffsets",
               [&] { os::write_value_at(AT_FDCWD, "/proc/self/timens_offsets", offsets); });
}

void move_out_of_the_way(os::UniqueFd& fd) {
    if (fd.get() == handoff::kCommandNetworkFd) fd = os::duplicate(fd.get());
}

os::UniqueFd make_command_socket(const handoff::StartPlan& plan, std::vector<os::UniqueFd>& fds,
                                 os::UniqueFd& cgroup) {
    if (!plan.keep_monitor) return libexec::make_silent_descriptor();
    for (auto& fd : fds) move_out_of_the_way(fd);
    move_out_of_the_way(cgroup);
    return libexec::make_socket_in_network_of_its_own();
}

// If openat2 fails with ENOSYS liblxc goes on without it. With EPERM it gives up, and its message
// does not name the cause.
void explain_failure(const handoff::StartPlan& plan) {
    for (const auto& item : plan.items) {
        if (item.key != "lxc.namespace.clone") continue;
        const std::string sysctl = os::forbidding_sysctl(item.value);
        if (!sysctl.empty()) throw Error(concat("/linux/namespaces: ", sysctl));
    }
    open_how how{};
    how.flags = O_PATH | O_CLOEXEC;
    if (::syscall(SYS_openat2, AT_FDCWD, "/", &how, sizeof how) != -1 || errno != EPERM) return;
    throw Error(
        "a filter of system calls around lxcri refuses openat2 with EPERM; liblxc needs it, "
        "or ENOSYS instead");
}

// A process of one thread enters version 1 at once when it writes itself to `tasks`; version 2
// would let it wait for an RCU grace period. Returns the directory of version 2.
os::UniqueFd enter_cgroup() {
    auto message = handoff::expect(handoff::kChannelFd, handoff::MessageKind::cgroup);
    const auto plan = handoff::decode<handoff::CgroupPlan>(message.body);
    if (plan.has_unified && message.fds.empty()) {
        throw Error("internal error: the plan came without its cgroup");
    }
    os::UniqueFd unified;
    if (plan.has_unified) {
        unified = std::move(message.fds.back());
        message.fds.pop_back();
    }
    for (const auto& tasks : message.fds) os::write_all(tasks.get(), "0", "cgroup tasks");
    return unified;
}

// At the end liblxc takes back network devices that it has given to the container, into the network
// namespace that it is in.
int namespaces_of_monitor(const handoff::StartPlan& plan) {
    const bool has_devices =
        std::any_of(plan.items.begin(), plan.items.end(),
                    [](const auto& item) { return item.key.starts_with("lxc.net."); });
    return CLONE_NEWIPC | CLONE_NEWUTS | (has_devices ? 0 : CLONE_NEWNET);
}

int run() {
    const pid_t parent = ::getppid();
    // liblxc would die of them in the middle of an error (P15).
    (void)::signal(SIGPIPE, SIG_IGN);
    (void)::signal(SIGXFSZ, SIG_IGN);
    // With newuidmap on the PATH liblxc uses it even as root, and fails without /etc/subuid (P23).
    ::setenv("PATH", "/nonexistent", 1);
    const bool is_ordinary_user = ::geteuid() != 0;
    os::UniqueFd cgroup = enter_cgroup();
    auto message = handoff::expect(handoff::kChannelFd, handoff::MessageKind::start_plan);
    const auto plan = handoff::decode<handoff::StartPlan>(message.body);
    if (plan.shared_namespaces.size() != message.fds.size()) {
        throw Error("internal error: the plan came without its namespaces");
    }
    if (is_ordinary_user) {
        const auto& types = plan.shared_namespaces;
        const auto user = std::find(types.begin(), types.end(), "user");
        if (user == types.end()) throw Error("internal error: no user namespace for this user");
        become_root_of(message.fds[static_cast<std::size_t>(user - types.begin())].get());
    }
    // Root of a user namespace that liblxc's child joins could trace it otherwise: ptrace(2).
    // Without privilege on the host liblxc itself could no longer open its child's namespaces.
    if (!is_ordinary_user) ::prctl(PR_SET_DUMPABLE, 0);
    if (plan.keep_monitor && plan.ends_with_caller) {
        libexec::end_container_with(parent);
    } else if (plan.keep_monitor) {
        (void)::prctl(PR_SET_PDEATHSIG, 0);  // from here on the end of the channel tells
    } else {
        os::end_with_parent(parent);  // once more, with the new credentials
    }
    libexec::answer_calls(plan.runtime_root, make_command_socket(plan, message.fds, cgroup));

    // liblxc wants to know of a directory for a lock, where /run is not its user's (P47).
    ::setenv("XDG_RUNTIME_DIR", plan.runtime_root.c_str(), 1);
    libexec::LxcContainer container(plan.id, plan.runtime_root);
    container.set_item("lxc.log.file", "/proc/self/fd/2");
    // liblxc looks for cgroups and finds none, or the container's (liblxc_cgroups.cpp). It must
    // look in /proc/self, because hidepid of the host's procfs can hide /proc/1.
    container.set_item("lxc.cgroup.relative", "1");
    for (const auto& item : plan.items) container.set_item(item.key, item.value);
    std::vector<int> others;
    for (std::size_t i = 0; i < message.fds.size(); ++i) {
        const std::string& type = plan.shared_namespaces[i];
        if (type == "time") {
            join_time_namespace(message.fds[i].get());
            continue;
        }
        if (type == "user" && is_ordinary_user) continue;
        if (type != "user") others.push_back(message.fds[i].get());
        container.set_item(concat("lxc.namespace.share.", type),
                           concat("/proc/self/fd/", std::to_string(message.fds[i].get())));
    }
    libexec::join_before_user_namespace(std::move(others));
    if (plan.keep_groups) libexec::keep_groups();
    if (!plan.time_offsets.empty()) begin_time_namespace(plan.time_offsets);
    if (plan.keep_monitor) {
        libexec::show_cgroups(plan.cgroups);
        libexec::join_init(namespaces_of_monitor(plan));
    }
    // Last: the next process that is made is the container's.
    libexec::make_init_in(std::move(cgroup));
    if (!container.run()) {
        explain_failure(plan);
        return EXIT_FAILURE;
    }
    // What the caller waits for: it ends exactly as the container process did.
    return os::end_like(container.exit_status());
}

// Runs `action` and tells create what it threw.
template <class Action>
int guarded(Action&& action) noexcept {
    try {
        return action();
    } catch (const std::exception& error) {
        handoff::send_failure(handoff::kChannelFd, error);
        return EXIT_FAILURE;
    }
}

// liblxc has large arrays on the stack: the limit of a caller may be too low for that (ulimit -s
// 64). A stack of our own is under no such limit, and the container keeps that of the caller.
int run_on_own_stack() {
    const os::OwnStack stack;
    os::check(stack.is_there() ? 0 : -1, "mmap", "a stack");
    static int result;
    ucontext_t here;
    ucontext_t there;
    os::check(::getcontext(&there), "getcontext");
    there.uc_stack.ss_sp = stack.bottom();
    there.uc_stack.ss_size = os::OwnStack::kSize;
    there.uc_link = &here;
    ::makecontext(
        &there, [] { result = guarded(run); }, 0);
    os::check(::swapcontext(&here, &there), "swapcontext");
    return result;
}

int tell(libexec::Told told, const char* id, const char* root) {
    try {
        libexec::tell_monitor(told, id, root);
        return EXIT_SUCCESS;
    } catch (const std::exception& error) {
        std::puts(error.what());
        return EXIT_FAILURE;
    }
}

}  // namespace

// Without arguments but the ID it does its work. `lxcri check` asks with one more for the liblxc
// that it finds, `lxcri pause` and `resume` with two more (handoff/kept_monitor.h).
int main(int argc, char** argv) {
    if (argc > 3) {
        const bool frozen = std::string_view(argv[1]) == handoff::kFrozen;
        return tell(frozen ? libexec::Told::frozen : libexec::Told::thawed, argv[2], argv[3]);
    }
    if (argc > 2) {
        std::puts(libexec::liblxc_version());
        return EXIT_SUCCESS;
    }
    ::umask(0022);  // for what is made on the way; the process gets its own
    return guarded(run_on_own_stack);
}
