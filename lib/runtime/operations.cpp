#include "runtime/operations.h"

#include <fcntl.h>
#include <regex.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <exception>
#include <future>
#include <optional>
#include <system_error>
#include <thread>

#include "attached/notify_socket.h"
#include "attached/resctrl.h"
#include "base/error.h"
#include "base/strings.h"
#include "cgroup/layout.h"
#include "cgroup/resources.h"
#include "handoff/failure.h"
#include "handoff/run_hooks.h"
#include "handoff/start_signal.h"
#include "helpers/kept_monitor.h"
#include "runtime/container.h"
#include "runtime/foreground.h"
#include "runtime/hook_files.h"
#include "runtime/hot_plug.h"
#include "runtime/systemd_unit.h"

namespace lxcri::runtime {

namespace {

// For the processes of a container to stop, or to go on.
constexpr std::chrono::seconds kFreezeTime{10};

StateError wrong_status(const Container& container, std::string_view operation,
                        oci::Status status) {
    return StateError(concat("cannot ", operation, " container ", in_quotes(container.record().id),
                             ": it is ", oci::status_name(status)));
}

void update_schemata(const Container& container, const oci::IntelRdt& rdt) {
    const attached::ResctrlRecord& record = container.record().resctrl;
    if (record.group.empty()) {
        throw StateError(concat("container ", in_quotes(container.record().id),
                                " is in no group of resctrl: /linux/intelRdt is not set"));
    }
    const auto resctrl = attached::Resctrl::find();
    if (!resctrl) throw Error("no resctrl filesystem is mounted on this host");
    resctrl->update(record, rdt);
}

std::vector<std::string> known_ids(const settings::Options& options) {
    const auto source = options.source_of("root");
    // It need not exist before the first container.
    const bool is_default =
        source == settings::Source::built_in || source == settings::Source::file;
    if (is_default && ::access(options.root.c_str(), F_OK) == -1) return {};
    return list_ids(options.root);
}

class Regex {
  public:
    explicit Regex(const std::string& pattern) {
        const int error = ::regcomp(&compiled_, pattern.c_str(), REG_EXTENDED | REG_NOSUB);
        if (error == 0) return;
        std::array<char, 256> text{};
        ::regerror(error, &compiled_, text.data(), text.size());
        throw Error(concat("--regex: got ", in_quotes(pattern), ": ", text.data()));
    }
    Regex(const Regex&) = delete;
    Regex& operator=(const Regex&) = delete;
    ~Regex() { ::regfree(&compiled_); }

    bool matches(const std::string& text) const {
        return ::regexec(&compiled_, text.c_str(), 0, nullptr, 0) == 0;
    }

  private:
    regex_t compiled_{};
};

bool denies_everything(const std::vector<oci::DeviceRule>& rules) {
    return std::all_of(rules.begin(), rules.end(), [](const oci::DeviceRule& rule) {
        return !rule.allow && rule.type == oci::DeviceRuleType::all && !rule.major && !rule.minor;
    });
}

// A `pause` at the same time must not be undone. It has the lock for a moment; if it has it longer,
// then the processes are being frozen, and fork no more.
void signal_all(const Container& container, int signal, os::Deadline deadline) {
    std::optional<os::FileLock> freezer;
    if (signal != SIGKILL) freezer = container.dir().take_freezer(std::chrono::seconds(2));
    const auto group = container.cgroup();
    // It may have been moved out of there.
    const auto init = container.init();
    const auto inside = group.processes();
    const bool is_elsewhere =
        init && std::find(inside.begin(), inside.end(), init->pid()) == inside.end();
    group.signal_all(signal, deadline, freezer || signal == SIGKILL);
    if (is_elsewhere) (void)init->signal(signal);
}

// A hook of start that fails ends the container: config.md "Lifecycle", 12 and 13.
void run_start_hooks_or_destroy(Container& container, const settings::Options& options,
                                const translate::HostPlan& plan, const os::ProcessRef& init) {
    try {
        const auto limit = options.start_timeout.count() == 0
                               ? os::kNoDeadline
                               : os::Clock::now() + options.start_timeout;
        handoff::start_and_wait(container.dir().fd(), init, limit);
        if (plan.poststart.empty()) return;
        oci::State state = container.state();
        state.status = oci::Status::running;
        state.pid = container.record().pid;
        const std::string& bundle = container.record().bundle;
        const auto files = HookFiles::open(plan.hook_files, bundle);
        handoff::run_hooks(handoff::with_own_environment(plan.poststart),
                           oci::to_json(state, oci::JsonStyle::one_line), bundle, files.output());
    } catch (const handoff::HookError& error) {
        // init has said so and ends; callers see the exit status that it has chosen.
        if (error.kind() == handoff::HookKind::start_container) {
            (void)init.wait_exit(os::Clock::now() + options.timeout);
        }
        container.destroy(options);
        throw;
    }
}

}  // namespace

void for_each_match(const settings::Options& options, const std::string& pattern,
                    const std::function<void(const std::string& id)>& operation) {
    const Regex regex(pattern);
    std::exception_ptr first;
    std::size_t more = 0;
    for (const auto& id : known_ids(options)) {
        if (!regex.matches(id)) continue;
        try {
            operation(id);
        } catch (const Error&) {
            if (first) ++more;
            if (!first) first = std::current_exception();
        }
    }
    if (!first) return;
    try {
        std::rethrow_exception(first);
    } catch (Error& error) {
        if (more != 0) error.add_consequence(concat("and ", std::to_string(more), " more failed"));
        throw;
    }
}

void start(const settings::Options& options, const std::string& id, const os::ProcessRef* process) {
    Container container = Container::open_locked(options, id);
    if (process != nullptr && !container.is_of(*process)) {
        throw no_such_container(options.root, id);
    }
    const auto status = container.status();
    if (!oci::may_start(status)) throw wrong_status(container, "start", status);
    translate::HostPlan host;
    if (container.record().needs_plan) {
        translate::Plan plan = container.plan(options);
        if (!plan.init.has_process) {
            throw SpecError("/process", "missing: there is nothing to start");
        }
        host = std::move(plan.host);
    }
    const auto init = container.init();
    if (!init) throw wrong_status(container, "start", oci::Status::stopped);
    auto notify_socket = attached::NotifySocket::listen(container.dir().fd(), options);
    run_start_hooks_or_destroy(container, options, host, *init);
    if (notify_socket) {
        // That takes as long as the service takes; others may look and kill meanwhile.
        container.unlock();
        notify_socket->relay_until_ready(*init, pid_for_callers(container.record()));
    }
}

oci::State state(const settings::Options& options, const std::string& id) {
    return Container::open(options, id).state();
}

namespace {

// Whether there was a process that would have started the container again.
bool end_before_next_life(const Record& record, int signal) {
    const bool ends = signal == SIGKILL || Foreground::asks_to_end(signal);
    if (!ends || record.supervisor_pid == 0) return false;
    const auto supervisor =
        os::ProcessRef::find(record.supervisor_pid, record.supervisor_start_time);
    return supervisor && supervisor->signal(signal);
}

}  // namespace

void kill(const settings::Options& options, const std::string& id, int signal, bool all) {
    const Container container = Container::open(options, id);
    const auto deadline = os::Clock::now() + options.timeout;
    const auto init = container.init();
    if (!init && end_before_next_life(container.record(), signal)) return;
    const bool owns_cgroup = container.record().owns_cgroup;
    if (all && owns_cgroup) {
        // What a stopped container has left behind in a shared pid namespace, too.
        return signal_all(container, signal, deadline);
    }
    // Without a cgroup of its own nothing tells who else was part of it.
    if (all && !init && container.status() == oci::Status::stopped) return;
    // The words that callers take for "it has gone".
    if (!init) throw StateError(concat("container ", in_quotes(id), ": container not running"));
    if (signal == SIGKILL && !container.record().own_pid_namespace && owns_cgroup) {
        // No init that takes the others with it.
        return signal_all(container, signal, deadline);
    }
    if (!init->signal(signal)) {
        throw StateError(concat("container ", in_quotes(id), ": container not running"));
    }
    if (signal == SIGKILL) container.let_killed_die(deadline);
}

namespace {

// The container is paused, or goes on, all the same.
void tell_kept_monitor(const settings::Options& options, const Record& record,
                       helpers::Processes processes) {
    if (record.monitor_pid == 0) return;
    const auto monitor = os::ProcessRef::find(record.monitor_pid, record.monitor_start_time);
    if (!monitor) return;
    try {
        helpers::tell_kept_monitor(options, record.id, *monitor, processes);
    } catch (const Error& error) {
        options.warn(concat("the tools of LXC will not know of it: ", error.what()));
    }
}

}  // namespace

void pause(const settings::Options& options, const std::string& id) {
    Container container = Container::open_locked(options, id);
    const os::FileLock freezer = container.lock_freezer();
    const auto status = container.status();
    if (!oci::may_pause(status)) throw wrong_status(container, "pause", status);
    try {
        container.own_cgroup().freeze(os::Clock::now() + kFreezeTime);
    } catch (const Error&) {
        if (!container.init()) throw wrong_status(container, "pause", oci::Status::stopped);
        throw;
    }
    if (container.record().monitor_pid == 0) return;
    // So that lxc-unfreeze(1) lets it go.
    container.own_cgroup().hold_with_v1_alone(os::Clock::now() + kFreezeTime);
    tell_kept_monitor(options, container.record(), helpers::Processes::frozen);
}

void resume(const settings::Options& options, const std::string& id) {
    Container container = Container::open_locked(options, id);
    const os::FileLock freezer = container.lock_freezer();
    const auto status = container.status();
    if (!oci::may_resume(status)) throw wrong_status(container, "resume", status);
    container.own_cgroup().thaw(os::Clock::now() + kFreezeTime);
    tell_kept_monitor(options, container.record(), helpers::Processes::thawed);
}

void update(const settings::Options& options, const std::string& id, oci::Resources resources,
            const oci::IntelRdt& rdt) {
    Container container = Container::open_locked(options, id);
    const auto status = container.status();
    if (!oci::may_update(status)) throw wrong_status(container, "update", status);
    // As `create` has done it: callers send all that they know.
    if (!resources.devices.empty() &&
        (!options.cgroup_devices || !container.plan(options).host.cgroup.limits_devices)) {
        resources.devices.clear();
    }
    // containerd puts "deny all" before what it wants to change, for runtimes that begin each list
    // of devices anew. Alone it would take every device from the container.
    if (denies_everything(resources.devices)) resources.devices.clear();
    const Record before = container.record();
    Record record = before;
    if (!resources.devices.empty()) {
        // `lxcri devices` has to know what holds.
        record.device_rules = resources.devices;
        resources.devices = with_plugged(std::move(resources.devices), before.devices);
    }
    auto group = container.own_cgroup();
    constexpr std::string_view kTop;
    for (const auto& warning : cgroup::check_resources(cgroup::read_layout(), resources, kTop)) {
        options.warn(warning);
    }
    if (rdt.l3_cache_schema || rdt.mem_bw_schema) update_schemata(container, rdt);
    if (!resources.devices.empty()) container.write(std::move(record));
    try {
        update_with_unit(options, container.record(), group,
                         [&] { cgroup::apply_update(group, resources, kTop); });
    } catch (const Error&) {
        if (!resources.devices.empty()) container.write(before);
        throw;
    }
}

std::vector<pid_t> processes(const settings::Options& options, const std::string& id) {
    auto pids = Container::open(options, id).own_cgroup().processes();
    std::sort(pids.begin(), pids.end());
    return pids;
}

namespace {

// First of all the end of the container process: a command that waits for it may hold the lock.
void remove_by_force(const settings::Options& options, const std::string& id) {
    try {
        Container container = Container::open_damaged(options, id);
        if (const auto init = container.init()) {
            (void)init->signal(SIGKILL);
            container.let_killed_die(os::Clock::now() + options.delete_timeout);
        }
        container.lock_by_force(options);
        container.destroy(options);
    } catch (const NotFoundError&) {
        return;
    }
}

StateError must_end_first(const Container& container, oci::Status status) {
    StateError error = wrong_status(container, "delete", status);
    error.add_consequence("--force kills it first");
    return error;
}

}  // namespace

void remove(const settings::Options& options, const std::string& id, IfRunning if_running) {
    if (if_running == IfRunning::kill) return remove_by_force(options, id);
    Container container = Container::open_locked(options, id);
    const auto status = container.status();
    if (!oci::may_delete(status)) throw must_end_first(container, status);
    container.destroy(options);
}

namespace {

// What `list` has found of one container.
struct Found {
    std::optional<oci::State> state;
    std::string error;
};

Found look_at(const settings::Options& options, const std::string& id) {
    Found found;
    try {
        found.state = state(options, id);
    } catch (const NotFoundError&) {
        // deleted while we looked
    } catch (const Error& error) {
        found.error = error.what();
    }
    return found;
}

// Calls `action` with each number below `count`, on several processors if there is enough to do.
// `action` may change nothing that others use.
void for_each_number(std::size_t count, const std::function<void(std::size_t)>& action) {
    constexpr std::size_t kWorthAThread = 16;  // to begin a thread takes as long as two of them
    std::atomic<std::size_t> next = 0;
    const auto work = [&] {
        for (std::size_t i = next++; i < count; i = next++) action(i);
    };
    const std::size_t most =
        std::min<std::size_t>(std::thread::hardware_concurrency(), count / kWorthAThread);
    std::vector<std::future<void>> others;
    try {
        while (others.size() + 1 < most) others.push_back(std::async(std::launch::async, work));
    } catch (const std::system_error&) {
        // More threads are not allowed: we do without them.
    }
    work();
    for (auto& other : others) other.get();
}

}  // namespace

std::vector<oci::State> list(const settings::Options& options) {
    const auto ids = known_ids(options);
    std::vector<Found> all(ids.size());
    for_each_number(ids.size(), [&](std::size_t i) { all[i] = look_at(options, ids[i]); });
    std::vector<oci::State> states;
    for (auto& found : all) {
        if (found.state) states.push_back(std::move(*found.state));
        if (!found.error.empty()) options.warn(concat("left out: ", found.error));
    }
    return states;
}

}  // namespace lxcri::runtime
