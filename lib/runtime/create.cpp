#include "runtime/create.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>

#include "attached/caller_socket.h"
#include "attached/net_devices.h"
#include "attached/resctrl.h"
#include "base/error.h"
#include "base/strings.h"
#include "handoff/failure.h"
#include "handoff/run_hooks.h"
#include "handoff/start_signal.h"
#include "helpers/monitor.h"
#include "host/own_cgroup.h"
#include "os/check.h"
#include "os/clone.h"
#include "os/file.h"
#include "os/mount.h"
#include "os/privilege.h"
#include "runtime/clean_up.h"
#include "runtime/container.h"
#include "runtime/container_dir.h"
#include "runtime/conversation.h"
#include "runtime/hook_files.h"
#include "runtime/new_cgroup.h"
#include "runtime/new_container.h"
#include "runtime/pid_file.h"
#include "runtime/process_limits.h"
#include "runtime/process_messages.h"
#include "runtime/record.h"
#include "runtime/rootless.h"
#include "runtime/sender.h"
#include "runtime/stored_plan.h"
#include "runtime/translation.h"

namespace lxcri::runtime {

namespace {

using handoff::MessageKind;

// One creation, from the directory to the record. Whatever has been made when an exception passes
// is unmade by the destructor: only what this call has made.
class Creation {
  public:
    Creation(const settings::Options& options, const CreateOptions& create_options)
        : options_(options), call_(create_options) {}
    // In a directory that has the config.json of the container and the record of its last life.
    Creation(const settings::Options& options, const CreateOptions& create_options,
             ContainerDir dir)
        : options_(options), call_(create_options), dir_(std::move(dir)), again_(true) {}
    Creation(const Creation&) = delete;
    Creation& operator=(const Creation&) = delete;
    ~Creation() {
        if (!committed_) undo();
    }

    Created run();

  private:
    void read_bundle();
    void find_resctrl();
    void start_early();
    void start_helper();
    void converse();
    void talk();
    void prepare_conversation();
    void remember_root_mount(handoff::Received message);
    void move_net_devices(pid_t hook_pid);
    void run_runtime_hooks(const handoff::Received& message);
    void hear_last_words();
    void helper_has_ended();
    void init_has_ended();
    void meet_init(pid_t pid);
    void pass_listener(const handoff::Received& message);
    void connect_caller();
    void hand_over();
    void write_lxc_config();
    void finish();
    void undo() noexcept;
    // Hooks of the start are run, and their failures dealt with, by start(); so is that there is
    // no process.
    bool starts_now() const {
        return call_.start_now && plan().init.has_process && plan().init.start_container.empty() &&
               plan().host.poststart.empty();
    }
    const translate::Plan& plan() const { return *plan_; }
    // None while OCI hooks run on the other side: they take the time they take.
    os::Deadline deadline() const {
        if (!plan().hook.create_container.empty()) return os::kNoDeadline;
        return os::Clock::now() + options_.timeout;
    }

    const settings::Options& options_;
    CreateOptions call_;
    std::optional<ContainerDir> dir_;
    bool again_ = false;
    std::optional<const translate::Plan> plan_;
    Record record_;
    std::optional<NewCgroup> cgroup_;
    std::optional<attached::Resctrl> resctrl_;
    attached::ResctrlRecord made_in_resctrl_;
    std::optional<helpers::Monitor> monitor_;
    cgroup::Entrance entrance_;  // where it is not in there yet
    std::optional<RootlessSetup> rootless_;
    std::optional<Sender> sender_;
    Conversation conversation_;
    std::optional<attached::NetDevices> net_devices_;
    std::optional<os::ProcessRef> init_;
    std::optional<attached::CallerSocket> console_socket_;
    std::optional<attached::CallerSocket> pidfd_socket_;
    std::optional<attached::NotifySocket> notify_socket_;
    HookFiles hook_files_;
    os::UniqueFd terminal_;  // its master, if no socket has got it
    bool hooks_have_run_ = false;
    bool has_pid_file_ = false;
    bool monitor_has_joined_ = false;
    bool init_is_ready_ = false;
    bool ready_ = false;
    bool committed_ = false;
};

void Creation::read_bundle() {
    const std::string text =
        again_ ? os::read_file_at(dir_->fd(), "config.json") : copy_config(call_, *dir_);

    if (!options_.notify_socket.empty()) {
        call_.notify_directory = attached::NotifySocket::make_directory(
            dir_->fd(), concat(options_.root, "/", call_.id));
        if (call_.start_now) {
            notify_socket_ = attached::NotifySocket::listen(dir_->fd(), options_);
        }
    }
    in_context(config_path(call_), [&] { plan_.emplace(translate_config(options_, call_, text)); });
    if (plan().host.restarts && !call_.is_supervised) throw SupervisorMissing();
    for (const auto& warning : plan().warnings) options_.warn(warning);
    connect_caller();
    hook_files_ = HookFiles::open(plan().host.hook_files, call_.bundle);
    write_plan(dir_->fd(), plan());

    record_ = first_record(plan());
    if (plan().host.restarts) {
        const auto self = os::ProcessRef::open(::getpid());
        record_.supervisor_pid = self.pid();
        record_.supervisor_start_time = self.start_time();
    }
    cgroup_.emplace(options_, plan(), record_, dir_->fd());
    find_resctrl();
    write_record(dir_->fd(), record_);
}

// config-linux.md "IntelRdt": without such a filesystem the runtime must generate an error.
void Creation::find_resctrl() {
    if (!plan().host.resctrl) return;
    resctrl_ = attached::Resctrl::find();
    if (!resctrl_) {
        throw SpecError("/linux/intelRdt", "no resctrl filesystem is mounted on this host");
    }
    record_.resctrl = resctrl_->plan(*plan().host.resctrl, call_.id);
}

void Creation::connect_caller() {
    if (plan().host.restarts && !call_.console_socket.empty()) {
        throw SpecError("/annotations/org.linuxcontainers.lxcri.reboot",
                        "with --console-socket the container cannot be started again: the socket "
                        "takes one terminal");
    }
    const bool terminal = plan().init.process.terminal;
    if (!terminal && !call_.console_socket.empty()) {
        throw Error("--console-socket is given, but /process/terminal is not true");
    }
    if (terminal && call_.console_socket.empty() && !call_.keeps_terminal) {
        throw SpecError("/process/terminal", "got true, but --console-socket is missing");
    }
    console_socket_ = attached::CallerSocket::connect(call_.console_socket, "--console-socket");
    pidfd_socket_ = attached::CallerSocket::connect(call_.pidfd_socket, "--pidfd-socket");
}

// It takes its time to load liblxc, and does nothing before it has its plan: so that begins before
// anything is known of the container. That of others than the host's root comes later: an ordinary
// user's must be born in the cgroup, because as root of its user namespace it might not be let
// into it, and all of them inherit /process/oomScoreAdj. Without clone3, init cannot be born there
// unless lxcri-start is.
void Creation::start_early() {
    if (!os::is_host_root() || !os::is_clone3_allowed()) return;
    monitor_.emplace(options_, call_.id, cgroup::Entrance{});
}

// What must be there before the first process of the container.
void Creation::start_helper() {
    if (os::is_ordinary_user()) rootless_ = RootlessSetup::make(plan().host);
    inherit_oom_score_adj(plan().host.limits);
    if (resctrl_) made_in_resctrl_ = resctrl_->make(record_.resctrl, *plan().host.resctrl);
    if (plan().host.cgroup.unit) {
        if (!monitor_) monitor_.emplace(options_, call_.id, cgroup::Entrance{});
        cgroup_->make_with_unit(monitor_->process().pid());
    } else {
        cgroup_->make();
        if (monitor_) entrance_ = cgroup_->entrance();
        if (!monitor_) monitor_.emplace(options_, call_.id, cgroup_->entrance());
    }
    sender_.emplace(monitor_->channel(), plan(), dir_->fd(), hook_files_,
                    cgroup_->open_memory_entrance(), rootless_ ? &*rootless_ : nullptr);
}

void Creation::converse() {
    prepare_conversation();
    try {
        monitor_->enter(entrance_);
        sender_->send_next();  // the plan of lxcri-start
        // Before the mount hook has its plan. Until then nothing happens that depends on this.
        cgroup_->apply_early();
        talk();
    } catch (const handoff::Disconnected&) {
        // What they have said is worth more than that they have gone.
        if (init_) init_has_ended();
        helper_has_ended();
    }
}

// Sends the plans as the helpers take them, and listens, until init is ready.
void Creation::talk() {
    os::Deadline limit = deadline();
    while (!ready_) {
        const bool sending = sender_->has_next();
        const short events = sending ? POLLIN | POLLOUT : POLLIN;
        std::array<pollfd, 2> wanted{
            {{monitor_->channel(), events, 0},
             {init_ ? init_->pidfd() : monitor_->process().pidfd(), POLLIN, 0}}};
        const int ready = os::retry(
            [&] { return ::poll(wanted.data(), wanted.size(), os::poll_timeout(limit)); });
        os::check(ready, "poll");
        if (ready == 0) {
            throw Error(concat("the container was not ready within ",
                               std::to_string(options_.timeout.count()), " seconds"));
        }
        if ((wanted[0].revents & POLLIN) != 0) {
            auto message = handoff::receive(monitor_->channel());
            if (message) {
                conversation_.take(std::move(*message));
                limit = deadline();  // hooks of the runtime namespace have taken theirs
                continue;
            }
        }
        const bool ended =
            (wanted[1].revents & POLLIN) != 0 || (wanted[0].revents & (POLLHUP | POLLERR)) != 0;
        if (ended && init_) init_has_ended();
        if (ended) helper_has_ended();
        if ((wanted[0].revents & POLLOUT) != 0) sender_->send_next();
    }
}

void Creation::prepare_conversation() {
    using handoff::Received;
    conversation_.on(MessageKind::root_mount,
                     [&](Received message) { remember_root_mount(std::move(message)); });
    conversation_.on(MessageKind::want_source, [&](const Received& message) {
        sender_->want_source(handoff::decode<handoff::SourceNumber>(message.body).first);
    });
    conversation_.on(MessageKind::net_devices,
                     [&](const Received& message) { move_net_devices(message.sender); });
    conversation_.on(MessageKind::runtime_hooks,
                     [&](const Received& message) { run_runtime_hooks(message); });
    conversation_.on(MessageKind::alive,
                     [&](const Received& message) { meet_init(message.sender); });
    conversation_.on(MessageKind::terminal, [&](Received message) {
        terminal_ = take_terminal(std::move(message), console_socket_,
                                  plan().init.process.terminal_size.height != 0);
    });
    conversation_.on(MessageKind::listener,
                     [&](const Received& message) { pass_listener(message); });
    // The two come in any order.
    conversation_.on(MessageKind::monitor_joined, [&](const Received&) {
        monitor_has_joined_ = true;
        if (init_is_ready_) finish();
    });
    conversation_.on(MessageKind::ready, [&](const Received&) {
        init_is_ready_ = true;
        if (monitor_has_joined_ || !plan().start.keep_monitor) finish();
    });
}

// The mount is not attached yet: whatever happens to us, `delete` finds it.
void Creation::remember_root_mount(handoff::Received message) {
    if (!plan().host.shared_mounts || message.fds.empty()) {
        throw Error("internal error: a root mount out of turn");
    }
    const std::string& path = plan().host.shared_mounts->path;
    record_.root_mount = {os::mount_id(message.fds[0].get()),
                          path == translate::kOwnMountNamespace ? "" : path};
    write_record(dir_->fd(), record_);
    sender_->take_root(std::move(message.fds[0]));
    sender_->answer(MessageKind::root_mount_recorded);
}

void Creation::move_net_devices(pid_t hook_pid) {
    net_devices_.emplace(hook_pid);
    net_devices_->move(plan().host.net_devices);
    sender_->answer(MessageKind::net_devices_moved);
}

// The process that becomes init: the message brings its pidfd, or the sender is its child.
pid_t find_future_init(const handoff::Received& message) {
    if (!message.fds.empty()) {
        if (const auto pid = os::find_pid(message.fds.front().get())) return *pid;
    } else if (const auto stat = os::find_process_stat(message.sender)) {
        return stat->parent;
    }
    throw Error("lxcri-hook died while it waited for the OCI hooks");
}

void Creation::run_runtime_hooks(const handoff::Received& message) {
    const pid_t init = find_future_init(message);
    hooks_have_run_ = true;
    cgroup_->apply_limits_that_leave_room();
    const std::string text =
        oci::to_json(state_for_hooks(plan().host, record_, init, oci::Status::creating),
                     oci::JsonStyle::one_line);
    for (const auto& hooks : {plan().host.prestart, plan().host.create_runtime}) {
        handoff::run_hooks(handoff::with_own_environment(hooks), text, call_.bundle,
                           hook_files_.output());
    }
    sender_->answer(MessageKind::runtime_hooks_done);
}

// What was said before it died is worth more than the fact that it did.
void Creation::hear_last_words() {
    pollfd channel{monitor_->channel(), POLLIN, 0};
    while (::poll(&channel, 1, 0) > 0 && (channel.revents & POLLIN) != 0) {
        auto message = handoff::receive(monitor_->channel());
        if (!message) return;
        if (message->kind == MessageKind::failure) conversation_.take(std::move(*message));
    }
}

void Creation::helper_has_ended() {
    const auto status = monitor_->process().wait(os::Clock::now() + options_.timeout);
    hear_last_words();
    if (cgroup_->has_killed_for_memory()) {
        throw Error("the kernel killed lxcri-start: out of memory");
    }
    const std::string words = monitor_->last_words();
    if (!words.empty()) throw Error(concat("lxcri-start: ", words));
    throw Error(concat("lxcri-start ", status ? status->describe() : "does not end"));
}

void Creation::init_has_ended() {
    hear_last_words();
    if (cgroup_->has_killed_for_memory()) {
        throw Error(
            "/linux/resources/memory/limit: too low, the kernel killed the container's init: out "
            "of "
            "memory");
    }
    throw Error("the container's init has died");
}

// init has been executed: liblxc's part is over.
void Creation::meet_init(pid_t pid) {
    hooks_have_run_ = hooks_have_run_ || !plan().hook.create_container.empty();
    const auto stat = os::find_process_stat(pid);
    if (stat) init_ = os::ProcessRef::find(pid, stat->start_time);
    if (!init_ || stat->parent != monitor_->process().pid()) init_has_ended();
    if (!entrance_.is_inside(pid)) {
        throw Error(
            "liblxc made the container's init outside of its cgroup: it makes processes in "
            "a way that lxcri does not know");
    }
    hand_over();
}

void Creation::pass_listener(const handoff::Received& message) {
    if (!init_) throw Error("internal error: a listener out of turn");
    runtime::pass_listener(
        monitor_->channel(), message, *init_,
        state_for_hooks(plan().host, record_, init_->pid(), oci::Status::creating),
        {plan().host.listener_path, plan().host.listener_metadata});
}

// liblxc's tools freeze no container that has no file with this name. It is written when the
// monitor is past the place where liblxc would read it.
void Creation::write_lxc_config() {
    constexpr std::string_view kText =
        "# lxcri made this container; config.json says what it is. Without this file "
        "lxc-freeze(1)\n"
        "# would not find it. lxc-start(1) is not to start it:\n"
        "lxc.rootfs.path = dir:/nonexistent\n";
    os::write_atomically_at(dir_->fd(), "config", kText, 0600);
}

void Creation::hand_over() {
    if (plan().start.keep_monitor) {
        // The container's limits are not for the monitor, nor is `kill --all`.
        host::move_monitor(plan().host.cgroup.layout, options_.monitor_cgroup,
                           monitor_->process().pid());
        const auto monitor = os::ProcessRef::open(monitor_->process().pid());
        record_.monitor_pid = monitor.pid();
        record_.monitor_start_time = monitor.start_time();
        write_lxc_config();
        return;
    }
    // init gets the caller's subreaper as its parent, for good: the caller can wait for it. liblxc
    // has nothing left to do that is not done elsewhere. The process is reaped in finish(), when
    // init has done its part meanwhile.
    if (!monitor_->process().signal(SIGKILL) && errno != ESRCH) {
        throw SystemError(errno, "send SIGKILL to", "lxcri-start");
    }
}

// init is ready and waits for our answer. Nothing that lasts is done before this.
void Creation::finish() {
    if (!plan().start.keep_monitor &&
        !monitor_->process().wait(os::Clock::now() + options_.timeout)) {
        throw Error("lxcri-start does not end");
    }
    if (options_.lxc_debug_log) options_.debug(monitor_->log());
    cgroup_->leave_setup();
    const auto own_limits = limit_process(*init_, plan().host.limits);
    cgroup_->apply_limits();
    cgroup_->delegate(init_->pid());
    if (init_->wait_exit(os::Clock::now())) init_has_ended();
    if (resctrl_) resctrl_->add_process(record_.resctrl, init_->pid());
    record_.pid = init_->pid();
    record_.start_time = init_->start_time();
    write_record(dir_->fd(), record_);
    if (pidfd_socket_) pidfd_socket_->send("standard", init_->pidfd());
    if (!call_.pid_file.empty()) {
        write_pid_file(call_.pid_file, pid_for_callers(record_));
        has_pid_file_ = true;
    }
    const auto kind = starts_now() ? MessageKind::start_now : MessageKind::recorded;
    handoff::send(monitor_->channel(), kind, handoff::encode(own_limits));
    ready_ = true;
}

void Creation::undo() noexcept {
    if (dir_) dir_->use_spare();
    if (net_devices_) net_devices_->give_back(options_.warn);
    CleanUp clean_up(options_.warn);
    const auto limit = os::Clock::now() + std::chrono::seconds(10);
    // liblxc's child waits for good when its monitor is killed, unless a cgroup is killed, too.
    if (monitor_) {
        clean_up.step([&] { os::kill_with_descendants(monitor_->process(), limit); });
        clean_up.step([&] {
            if (options_.lxc_debug_log) options_.debug(monitor_->log());
        });
    }
    if (init_) {
        clean_up.step([&] {
            init_->signal(SIGKILL);
            init_->wait_exit(limit);
        });
    }
    bool all = !cgroup_ || cgroup_->remove(limit, clean_up);
    if (monitor_) clean_up.step([&] { monitor_->wait_for_children(limit); });
    const auto and_step = [&](auto&& action) { all = clean_up.step(action) && all; };
    and_step([&] { attached::remove_root_mount(record_.root_mount, record_.rootfs); });
    if (resctrl_) and_step([&] { resctrl_->remove(made_in_resctrl_); });
    if (cgroup_) and_step([&] { cgroup_->stop_unit(); });
    if (has_pid_file_) (void)::unlink(call_.pid_file.c_str());
    // What is left `delete --force` finds by the record.
    if (dir_ && all && !again_) clean_up.step([&] { dir_->remove(); });
    if (again_ && !record_.id.empty()) {
        // The poststop hooks of the last life have run, and of this one they run now or never.
        record_.needs_plan = false;
        clean_up.step([&] { write_record(dir_->fd(), record_); });
    }
    if (hooks_have_run_) {
        // runtime.md "Lifecycle", 12 and 13: a failed hook leads to the same end as delete.
        // Callers expect one record in the log: the error.
        clean_up.step([&] {
            run_poststop_hooks(plan().host,
                               translate::make_state(plan().host, oci::Status::stopped),
                               options_.warn);
        });
    }
}

Created Creation::run() {
    start_early();
    if (!again_) dir_ = ContainerDir::create(options_.root, call_.id);
    read_bundle();
    start_helper();
    try {
        converse();
    } catch (const handoff::HookError&) {
        hooks_have_run_ = true;  // some have: of the lifecycle that poststop ends
        throw;
    }
    committed_ = true;
    Created created{std::move(*init_),        {}, starts_now(), false, std::move(terminal_),
                    std::move(notify_socket_)};
    created.restarts = plan().host.restarts;
    if (plan().start.keep_monitor) created.monitor = std::move(monitor_->process());
    return created;
}

}  // namespace

Created create(const settings::Options& options, const CreateOptions& create_options) {
    check_id(create_options.id);
    return Creation(options, create_options).run();
}

Created create_again(const settings::Options& options, const CreateOptions& create_options,
                     const os::ProcessRef& last_process) {
    CreateOptions call = create_options;
    call.pid_file.clear();  // it says the same still
    call.pidfd_socket.clear();
    Container last = Container::open_locked(options, call.id);
    if (!last.is_of(last_process)) throw no_such_container(options.root, call.id);
    return Creation(options, call, last.end_life(options)).run();
}

SupervisorMissing::SupervisorMissing() : Error("internal error: no one stays with the container") {}

}  // namespace lxcri::runtime
