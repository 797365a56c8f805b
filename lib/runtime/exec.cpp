#include "runtime/exec.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <span>

#include "attached/caller_socket.h"
#include "base/error.h"
#include "base/number_list.h"
#include "base/strings.h"
#include "handoff/channel.h"
#include "helpers/exec_helper.h"
#include "host/live_host.h"
#include "oci/parse.h"
#include "oci/validate.h"
#include "os/check.h"
#include "os/file.h"
#include "os/namespace.h"
#include "runtime/container.h"
#include "runtime/conversation.h"
#include "runtime/foreground.h"
#include "runtime/operations.h"
#include "runtime/pid_file.h"
#include "runtime/process_limits.h"
#include "runtime/process_messages.h"
#include "runtime/systemd_unit.h"
#include "translate/plan.h"

namespace lxcri::runtime {

namespace {

using handoff::MessageKind;

// What a process document could say of the container's process.
oci::Process as_document(const translate::Plan& plan) {
    const handoff::ProcessPlan& process = plan.init.process;
    const translate::ProcessLimits& limits = plan.host.limits;
    oci::Process document;
    document.cwd = process.cwd;
    document.env = process.env;
    document.user = {process.uid, process.gid, process.umask, process.groups};
    document.no_new_privileges = process.no_new_privileges;
    document.rlimits = limits.rlimits;
    document.oom_score_adj = limits.oom_score_adj;
    document.scheduler = limits.scheduler;
    document.io_priority = limits.io_priority;
    document.exec_cpu_affinity = plan.host.exec_cpus;
    return document;
}

// The process that the caller asks for. Where capabilities or labels are absent, it gets those of
// the container's process.
oci::Process asked_process(const translate::Plan& plan, const ExecOptions& call) {
    oci::Process process;
    if (call.process_json) {
        process = in_context("--process", [&] { return oci::parse_process(*call.process_json); });
    } else {
        if (!plan.init.has_process) throw SpecError("/process", "missing: --process is required");
        process = as_document(plan);
        process.args = call.args;
    }
    process.terminal = process.terminal || call.terminal;
    if (call.cwd) process.cwd = *call.cwd;
    process.env.insert(process.env.end(), call.env.begin(), call.env.end());
    if (call.uid) process.user.uid = *call.uid;
    if (call.gid) process.user.gid = *call.gid;
    auto& gids = process.user.additional_gids;
    gids.insert(gids.end(), call.additional_gids.begin(), call.additional_gids.end());
    process.no_new_privileges = call.no_new_privileges.value_or(process.no_new_privileges);
    if (call.apparmor_profile) process.apparmor_profile = call.apparmor_profile;
    if (call.selinux_label) process.selinux_label = call.selinux_label;
    return process;
}

// Engines write those that they give each container. In a system container root has what its first
// process has, and others can get it.
handoff::CapabilitySets capabilities_of(const translate::HostPlan& plan,
                                        const handoff::CapabilitySets& first,
                                        const handoff::ProcessPlan& wanted) {
    if (!plan.system) return wanted.capabilities;
    if (wanted.uid == 0) return first;
    handoff::CapabilitySets sets = wanted.capabilities;
    sets.bounding = first.bounding;
    return sets;
}

// What a document says takes the place of what the container's process has; all else stays.
void change(handoff::ProcessPlan& process, const translate::HostPlan& plan,
            const oci::Process& asked, handoff::ProcessPlan wanted) {
    process.terminal = wanted.terminal;
    process.terminal_size = wanted.terminal_size;
    process.args = std::move(wanted.args);
    process.env = std::move(wanted.env);
    process.cwd = std::move(wanted.cwd);
    process.uid = wanted.uid;
    process.gid = wanted.gid;
    process.groups = std::move(wanted.groups);
    process.umask = wanted.umask;
    process.no_new_privileges = wanted.no_new_privileges;
    if (asked.capabilities) {
        process.capabilities = capabilities_of(plan, process.capabilities, wanted);
    }
    if (asked.apparmor_profile) process.apparmor_profile = std::move(wanted.apparmor_profile);
    if (asked.selinux_label) process.selinux_label = std::move(wanted.selinux_label);
    // Of this call.
    process.preserved_fds = wanted.preserved_fds;
    process.open_stdio = wanted.open_stdio;
}

// One execution. Whatever has been started when an exception passes is killed by its owner.
class Execution {
  public:
    Execution(const settings::Options& options, const ExecOptions& call)
        : options_(options), call_(call), container_(Container::open(options, call.id)) {}

    int run();

  private:
    void debug(std::string_view text) const {
        options_.debug(concat("exec in container ", in_quotes(call_.id), ": ", text));
    }
    StateError stopped() const;
    bool has_ended() const { return init_->wait_exit(os::Clock::now()); }
    void look_at_container();
    void plan_process();
    void switch_off(const oci::Process& asked, const translate::Plan& wanted);
    void place_on_cpus(const oci::Process& asked);
    void connect_caller();
    void start_helper();
    void start_helper_beside_init(const cgroup::ContainerCgroup& cgroup);
    void send_plan();
    void try_to_send_plan();
    void send(MessageKind kind, std::string_view body, std::span<const int> fds);
    void wait_for(short events) const;
    void converse();
    void answer(handoff::Received message);
    void prepare_conversation();
    void meet_process(pid_t pid);
    void pass_listener(const handoff::Received& message);
    void finish();
    [[noreturn]] void helper_has_ended();

    const settings::Options& options_;
    const ExecOptions& call_;
    Container container_;
    std::optional<os::ProcessRef> init_;
    os::LivingThread joined_;  // one of init's: whose namespaces and cgroups the process gets
    bool paused_ = false;
    int namespaces_ = 0;
    translate::Plan container_plan_;
    handoff::ProcessPlan process_plan_;  // that of the container's process, changed as asked
    translate::ProcessLimits limits_;
    std::optional<std::vector<std::uint64_t>> initial_cpus_;
    std::optional<attached::CallerSocket> console_socket_;
    std::optional<attached::CallerSocket> pidfd_socket_;
    std::optional<helpers::ExecHelper> helper_;
    std::optional<os::ChildProcess> process_;
    std::optional<os::ProcessRef> process_ref_;
    os::UniqueFd terminal_;
    Conversation conversation_;
    // From the moment on when the process may run: before that a signal ends us, and the kernel
    // then our helper.
    std::optional<Foreground> foreground_;
    os::Deadline limit_ = os::kNoDeadline;
    bool started_ = false;
};

StateError Execution::stopped() const {
    return StateError(concat("cannot exec in container ", in_quotes(call_.id), ": it is stopped"));
}

void Execution::look_at_container() {
    const auto status = container_.status();
    paused_ = status == oci::Status::paused;
    const bool ready = status == oci::Status::created || status == oci::Status::running;
    if (!ready && !(paused_ && call_.ignore_paused)) {
        throw StateError(concat("cannot exec in container ", in_quotes(call_.id), ": it is ",
                                oci::status_name(status),
                                paused_ ? " (with --ignore-paused it would wait)" : ""));
    }
    init_ = container_.init();
    if (!init_) throw stopped();
    auto thread = in_context(concat("cannot exec in container ", in_quotes(call_.id)),
                             [&] { return init_->find_living_thread(); });
    if (!thread) throw stopped();
    joined_ = std::move(*thread);
    const int foreign = os::foreign_namespaces(joined_.tid);
    // The files were opened by the number, which no other process can have while init lives. A
    // container has mounts of its own, unless the record says that it has not.
    const bool shares_mounts = container_.record().root_mount.id != 0;
    if (has_ended() || ((foreign & CLONE_NEWNS) == 0 && !shares_mounts)) throw stopped();
    namespaces_ = foreign;
    if (call_.namespaces != 0) {
        // A program of the container never runs as root of the host.
        namespaces_ &= call_.namespaces | CLONE_NEWUSER;
    }
}

void Execution::plan_process() {
    container_plan_ = container_.plan(options_);
    oci::Spec spec;
    spec.process = asked_process(container_plan_, call_);
    const oci::Process& asked = *spec.process;
    const std::string_view document = call_.process_json ? "--process" : "the process";
    const auto warnings = in_context(document, [&] { return oci::validate(asked); });
    for (const auto& warning : warnings) options_.warn(warning);
    translate::Host host = host::look_at_host(options_, {});
    host.call.id = call_.id;
    host.call.preserve_fds = call_.preserve_fds;
    host.apparmor = options_.apparmor && asked.apparmor_profile && host::has_apparmor();
    host.selinux = asked.selinux_label && host::has_selinux();
    if ((namespaces_ & CLONE_NEWUSER) != 0) {
        spec.linux_.emplace();
        spec.linux_->namespaces.push_back({oci::NamespaceType::user, {}});
    }
    translate::Plan wanted = translate::translate_exec(spec, host);
    process_plan_ = container_plan_.init.process;
    change(process_plan_, container_plan_.host, asked, wanted.init.process);
    switch_off(asked, wanted);
    process_plan_.filter_loading = translate::filter_loading(process_plan_);
    place_on_cpus(asked);
    limits_ = wanted.host.limits;
    translate::add_capabilities(call_.capabilities, spec, host, process_plan_.capabilities,
                                wanted.warnings);
    for (const auto& warning : wanted.warnings) options_.warn(warning);
    inherit_oom_score_adj(limits_);
}

// What the process would have from its container. (What the document asks for has been left out.)
void Execution::switch_off(const oci::Process& asked, const translate::Plan& wanted) {
    const auto warn = [&](std::string_view pointer, std::string_view setting) {
        options_.warn(translate::switched_off(pointer, setting));
    };
    if (!options_.capabilities) process_plan_.capabilities = wanted.init.process.capabilities;
    if (!options_.apparmor && !process_plan_.apparmor_profile.empty() && !asked.apparmor_profile) {
        process_plan_.apparmor_profile.clear();
        warn("/process/apparmorProfile", "apparmor");
    }
    if (!options_.seccomp && !process_plan_.seccomp_program.empty()) {
        process_plan_.seccomp_program.clear();
        process_plan_.seccomp_flags = 0;
        process_plan_.seccomp_listener = false;
        warn("/linux/seccomp", "seccomp");
    }
}

void Execution::place_on_cpus(const oci::Process& asked) {
    const auto& affinity = asked.exec_cpu_affinity;
    if (!affinity) return;
    // config.md: without a final one "the final affinity is determined by the Linux kernel".
    process_plan_.cpus.reset();
    if (affinity->initial) initial_cpus_ = parse_number_list(*affinity->initial);
    if (affinity->final) process_plan_.cpus = parse_number_list(*affinity->final);
    if (process_plan_.cpus && process_plan_.cpus->empty()) process_plan_.cpus.reset();
}

void Execution::connect_caller() {
    const bool terminal = process_plan_.terminal;
    if (!terminal && !call_.console_socket.empty()) {
        throw Error("--console-socket is given, but the process has no terminal");
    }
    if (terminal && call_.detach && call_.console_socket.empty()) {
        throw Error("--detach: a process with a terminal needs --console-socket too");
    }
    console_socket_ = attached::CallerSocket::connect(call_.console_socket, "--console-socket");
    pidfd_socket_ = attached::CallerSocket::connect(call_.pidfd_socket, "--pidfd-socket");
}

void Execution::start_helper() {
    if (initial_cpus_ && !initial_cpus_->empty()) {
        // Our own from here on: the helper begins with it, in the container's cgroup.
        os::check(::syscall(SYS_sched_setaffinity, 0, initial_cpus_->size() * sizeof(std::uint64_t),
                            initial_cpus_->data()),
                  "/process/execCPUAffinity/initial: sched_setaffinity");
    }
    const auto cgroup = container_.cgroup();
    const auto entrance = in_context(call_.cgroups.empty() ? "cgroup" : "--cgroup", [&] {
        const pid_t init = call_.cgroups.empty() ? joined_.tid : 0;
        return cgroup.entrance(call_.cgroups, init);
    });
    if (has_ended()) throw stopped();
    try {
        in_context("enter the container's cgroup", [&] { helper_.emplace(options_, entrance); });
    } catch (const SystemError& error) {
        if (!call_.cgroups.empty()) throw;
        if (error.code() == EBUSY) return start_helper_beside_init(cgroup);
        // The systemd of an ordinary user does not manage the user's session.
        if (error.code() != EACCES || container_.record().unit.empty()) throw;
        helper_.emplace(options_, cgroup::Entrance{});
        attach_to_unit(options_, container_.record(), cgroup.path_for_process(joined_.tid),
                       helper_->process().pid());
    }
}

void Execution::start_helper_beside_init(const cgroup::ContainerCgroup& cgroup) {
    const auto beside = cgroup.entrance_beside(joined_.tid);
    if (has_ended()) throw stopped();
    helper_.emplace(options_, beside);
}

void Execution::send_plan() {
    try {
        try_to_send_plan();
    } catch (const handoff::Disconnected&) {
        return;  // converse() hears why
    }
}

void Execution::try_to_send_plan() {
    handoff::JoinPlan join;
    join.namespaces = static_cast<std::uint64_t>(namespaces_);
    join.process = process_plan_;
    const attached::RootMount& root = container_.record().root_mount;
    const bool joins_mounts = call_.namespaces == 0 || (call_.namespaces & CLONE_NEWNS) != 0;
    if (root.id != 0 && joins_mounts) {
        join.root = container_.record().rootfs;
        join.root_mount_id = root.id;
    }
    const std::array pidfd{joined_.pidfd.get()};
    send(MessageKind::join_plan, handoff::encode(join), pidfd);
    // Few at a time, so that a low limit on open files is enough on the other side.
    constexpr std::uint32_t kBatch = 8;
    for (std::uint32_t next = 0; next < call_.preserve_fds; next += kBatch) {
        std::vector<int> fds;
        for (std::uint32_t i = next; i < std::min(next + kBatch, call_.preserve_fds); ++i) {
            fds.push_back(static_cast<int>(i) + 3);
        }
        send(MessageKind::sources, {}, fds);
    }
}

// When there is room for it: a helper that is frozen reads nothing.
void Execution::send(MessageKind kind, std::string_view body, std::span<const int> fds) {
    while (!handoff::send(helper_->channel(), kind, body, fds, os::WhenFull::give_up))
        wait_for(POLLOUT);
}

void Execution::wait_for(short events) const {
    pollfd wanted{helper_->channel(), events, 0};
    const int ready = os::retry([&] { return ::poll(&wanted, 1, os::poll_timeout(limit_)); });
    os::check(ready, "poll");
    if (ready != 0) return;
    throw Error(concat("the process was not ready within ",
                       std::to_string(options_.timeout.count()), " seconds"));
}

// Until the program has been executed: then no process holds the other end any more.
void Execution::converse() {
    prepare_conversation();
    while (true) {
        wait_for(POLLIN);
        auto message = handoff::receive(helper_->channel());
        if (message) {
            answer(std::move(*message));
            continue;
        }
        if (started_) return;
        helper_has_ended();
    }
}

void Execution::answer(handoff::Received message) {
    try {
        conversation_.take(std::move(message));
    } catch (const handoff::Disconnected&) {
        return;  // the next message, or its absence, tells why
    }
}

void Execution::prepare_conversation() {
    using handoff::Received;
    conversation_.on(MessageKind::alive,
                     [&](const Received& message) { meet_process(message.sender); });
    conversation_.on(MessageKind::terminal, [&](Received message) {
        terminal_ = take_terminal(std::move(message), console_socket_,
                                  process_plan_.terminal_size.height != 0);
    });
    conversation_.on(MessageKind::listener,
                     [&](const Received& message) { pass_listener(message); });
    conversation_.on(MessageKind::ready, [&](const Received&) { finish(); });
}

// It is our child, so its pid cannot become another's before we have reaped it.
void Execution::meet_process(pid_t pid) {
    process_ref_ = os::ProcessRef::open(pid);
    process_.emplace(pid, os::duplicate(process_ref_->pidfd()));
    if (!helper_->process().wait(limit_)) throw Error("lxcri-exec does not end");
}

void Execution::pass_listener(const handoff::Received& message) {
    if (!process_ref_) throw Error("internal error: a listener out of turn");
    const auto& plan = container_plan_.host;
    runtime::pass_listener(helper_->channel(), message, *process_ref_, container_.state(),
                           {plan.listener_path, plan.listener_metadata});
}

// The process waits for our word.
void Execution::finish() {
    if (!process_ref_) throw Error("internal error: ready out of turn");
    const auto own_limits = limit_process(*process_ref_, limits_);
    if (const auto& resctrl = container_.record().resctrl; !resctrl.group.empty()) {
        const auto found = attached::Resctrl::find();
        if (!found) throw Error("no resctrl filesystem is mounted any more");
        found->add_process(resctrl, process_ref_->pid());
    }
    if (pidfd_socket_) pidfd_socket_->send("setns", process_ref_->pidfd());
    if (!call_.detach) foreground_.emplace();
    handoff::send(helper_->channel(), MessageKind::start_now, handoff::encode(own_limits));
    started_ = true;
}

void Execution::helper_has_ended() {
    os::ChildProcess& last = process_ ? *process_ : helper_->process();
    const auto status = last.wait(os::Clock::now() + options_.timeout);
    if (!container_.init()) {
        throw StateError(
            concat("cannot exec in container ", in_quotes(call_.id), ": it has stopped meanwhile"));
    }
    if (auto failure = helper_->find_failure()) throw std::move(*failure);
    throw Error(concat("lxcri-exec ", status ? status->describe() : "does not end",
                       container_.cgroup().oom_kills() > 0
                           ? "; perhaps the container's cgroup is out of memory"
                           : ""));
}

int Execution::run() {
    look_at_container();
    plan_process();
    connect_caller();
    debug(concat("joins ", join(os::namespace_names(namespaces_), ", "), " of process ",
                 std::to_string(init_->pid())));
    start_helper();
    debug(concat("lxcri-exec is process ", std::to_string(helper_->process().pid())));
    // The processes of a frozen cgroup do nothing until it is thawed.
    if (!paused_) limit_ = os::Clock::now() + options_.timeout;
    send_plan();
    converse();
    debug(concat("process ", std::to_string(process_ref_->pid()), " has executed ",
                 in_quotes(process_plan_.args.front())));
    if (!call_.pid_file.empty()) write_pid_file(call_.pid_file, process_ref_->pid());
    if (call_.detach) {
        process_->release();
        return 0;
    }
    std::optional<attached::TerminalRelay> relay;
    if (terminal_.valid()) {
        relay.emplace(std::move(terminal_));
    }
    options_.succeeded();
    const int code = foreground_->follow(*process_ref_, process_->pid(), relay ? &*relay : nullptr)
                         .to_shell_code();
    process_->release();
    return code;
}

}  // namespace

int exec(const settings::Options& options, const ExecOptions& exec_options) {
    return Execution(options, exec_options).run();
}

}  // namespace lxcri::runtime
