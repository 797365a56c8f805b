#include "runtime/supervisor.h"

#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utility>
#include <vector>

#include "attached/terminal_relay.h"
#include "base/error.h"
#include "base/strings.h"
#include "handoff/channel.h"
#include "handoff/failure.h"
#include "os/check.h"
#include "os/clone.h"
#include "os/directory.h"
#include "os/file.h"
#include "os/namespace.h"
#include "os/privilege.h"
#include "os/unix_socket.h"
#include "runtime/operations.h"

namespace lxcri::runtime {

namespace {

// Between the beginnings of two lives. A container that reboots at once would otherwise keep the
// host busy, outside of its limits.
constexpr std::chrono::seconds kShortestLife{1};

void start_or_remove(const settings::Options& options, const std::string& id,
                     const os::ProcessRef& init) {
    try {
        start(options, id, &init);
    } catch (const NotFoundError&) {
        throw;  // what has this ID now, if anything, is not ours
    } catch (const Error&) {
        remove(options, id, IfRunning::kill);
        throw;
    }
}

// The descriptors from `first` on that are this file: that of the log.
std::vector<int> find_descriptors(const std::string& path, int first) {
    struct stat wanted {};
    std::vector<int> found;
    if (path.empty() || ::stat(path.c_str(), &wanted) == -1) return found;
    const os::UniqueFd directory = os::open_at(AT_FDCWD, "/proc/self/fd", O_RDONLY | O_DIRECTORY);
    for (const auto& name : os::entry_names(directory.get())) {
        const int fd = parse_integer<int>(name).value_or(-1);
        struct stat status {};
        if (fd < first || ::fstat(fd, &status) == -1) continue;
        if (status.st_dev == wanted.st_dev && status.st_ino == wanted.st_ino) found.push_back(fd);
    }
    return found;
}

// What the caller has left open stays open no longer than for `create`. Kept are what the container
// gets, the channel, and the log, which will be written to.
void close_the_callers(const settings::Options& options, const CreateOptions& call, int channel) {
    const int first = 3 + static_cast<int>(call.listen_fds + call.preserve_fds);
    std::vector<int> kept = find_descriptors(options.log, first);
    if (kept.empty() && !options.log.empty()) return;
    for (int fd = 3; fd < first; ++fd) kept.push_back(fd);
    kept.push_back(channel);
    const int code = os::close_others(kept);
    if (code != 0) throw SystemError(code, "close_range");
}

// In the child. Returns its exit code.
int stay_with_container(const settings::Options& options, const CreateOptions& call, Starts starts,
                        os::UniqueFd channel) noexcept {
    try {
        (void)::setsid();
        close_the_callers(options, call, channel.get());
        Supervisor supervisor(options, call);
        (void)supervisor.create();
        try {
            supervisor.join_container();
        } catch (const Error&) {
            remove(options, call.id, IfRunning::kill);
            throw;
        }
        if (starts == Starts::yes) supervisor.start(IfItFails::remove);
        // Until here we end with `create`.
        os::check(::prctl(PR_SET_PDEATHSIG, 0), "prctl PR_SET_PDEATHSIG");
        options.succeeded();
        handoff::send(channel.get(), handoff::MessageKind::ready, {});
        channel.reset();
        return os::end_like(supervisor.follow());
    } catch (const std::exception& error) {
        if (channel.valid()) {
            handoff::send_failure(channel.get(), error);
        } else {
            options.always_warn(
                concat("container ", in_quotes(call.id), " does not start again: ", error.what()));
        }
        return EXIT_FAILURE;
    }
}

void create_in_background(const settings::Options& options, const CreateOptions& call,
                          Starts starts) {
    auto [ours, theirs] = os::make_seqpacket_pair();
    os::accept_credentials(ours.get());
    os::Cloned child = os::clone_child();
    if (child.pid == 0) {
        ours.reset();
        ::_exit(stay_with_container(options, call, starts, std::move(theirs)));
    }
    theirs.reset();
    os::ChildProcess supervisor(child.pid, std::move(child.pidfd));
    const auto message = handoff::receive(ours.get());
    if (!message) throw Error("the process that stays with the container has died");
    if (message->kind == handoff::MessageKind::failure) handoff::throw_failure(message->body);
    supervisor.release();
}

}  // namespace

Supervisor::Supervisor(const settings::Options& options, CreateOptions call)
    : options_(options), call_(std::move(call)) {
    os::check(::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), "prctl PR_SET_CHILD_SUBREAPER");
    call_.is_supervised = true;
}

Supervisor::~Supervisor() {
    if (created_) end_container();
}

// It does not outlive us, nor a monitor that has died alone.
void Supervisor::end_container() const {
    if (created_->restarts) (void)created_->init.signal(SIGKILL);
}

const Created& Supervisor::create() {
    return created_.emplace(runtime::create(options_, call_));
}

void Supervisor::join_container() {
    joins_ = true;
    // Without privilege over what is outside of it a user namespace is entered for good.
    if (os::is_ordinary_user()) return;
    const auto has_ended = [&] { return created_->init.wait_exit(os::Clock::now()); };
    try {
        left_ =
            os::enter_namespaces(created_->init.pid(), CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS);
    } catch (const SystemError&) {
        if (!has_ended()) throw;
    }
    if (has_ended()) leave_container();  // its pid may have been another's
}

void Supervisor::leave_container() {
    os::return_to(left_);
    left_.clear();
}

void Supervisor::start(IfItFails if_it_fails) {
    if (created_->started) return;
    settings::Options without_notify = options_;  // that is relayed by follow()
    if (call_.start_now) without_notify.notify_socket.clear();
    if (if_it_fails == IfItFails::remove)
        return start_or_remove(without_notify, call_.id, created_->init);
    try {
        runtime::start(without_notify, call_.id, &created_->init);
    } catch (const Error&) {
        (void)created_->init.signal(SIGKILL);
        throw;
    }
}

os::ExitStatus Supervisor::follow_life() {
    auto& monitor = created_->monitor;
    std::optional<attached::TerminalRelay> relay;
    if (created_->terminal.valid()) relay.emplace(std::move(created_->terminal));
    const pid_t child = monitor ? monitor->pid() : created_->init.pid();
    const auto status =
        foreground_.follow(created_->init, child, relay ? &*relay : nullptr,
                           created_->notify_socket ? &*created_->notify_socket : nullptr);
    if (monitor) monitor->release();  // reaped
    end_container();
    return status;
}

os::ExitStatus Supervisor::follow() {
    while (true) {
        const auto next = os::Clock::now() + kShortestLife;
        const auto status = follow_life();
        // reboot(2): the first process of a pid namespace dies of no other SIGHUP
        // (pid_namespaces(7)).
        if (!created_->restarts || !status.is_signal() || status.value() != SIGHUP) return status;
        if (const int signal = foreground_.wait_for_end(next); signal != 0) {
            return os::ExitStatus::signalled(signal);
        }
        const os::ProcessRef last = std::move(created_->init);
        created_.reset();
        call_.start_now = true;
        leave_container();
        created_.emplace(create_again(options_, call_, last));
        if (joins_) join_container();
        if (const int signal = foreground_.wait_for_end(os::Clock::now()); signal != 0) {
            end_container();
            (void)follow_life();
            return os::ExitStatus::signalled(signal);
        }
        start(IfItFails::stop);
    }
}

void create_and_leave(const settings::Options& options, const CreateOptions& call, Starts starts) {
    try {
        Created created = create(options, call);
        if (created.monitor) created.monitor->release();
        if (starts == Starts::yes) start_or_remove(options, call.id, created.init);
    } catch (const SupervisorMissing&) {
        create_in_background(options, call, starts);
    }
}

}  // namespace lxcri::runtime
