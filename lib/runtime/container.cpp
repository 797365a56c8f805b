#include "runtime/container.h"

#include <signal.h>

#include <algorithm>

#include "base/error.h"
#include "base/strings.h"
#include "cgroup/marks.h"
#include "handoff/run_hooks.h"
#include "handoff/start_signal.h"
#include "os/file.h"
#include "runtime/hook_files.h"
#include "runtime/stored_plan.h"
#include "runtime/systemd_unit.h"
#include "runtime/translation.h"

namespace lxcri::runtime {

namespace {

// After this time what has been killed and has not ended is looked after again.
constexpr std::chrono::milliseconds kAgain{250};

}  // namespace

Container Container::open(const settings::Options& options, const std::string& id) {
    check_id(id);
    return open(options, ContainerDir::open(options.root, id), id, Damage::refused);
}

Container Container::open_locked(const settings::Options& options, const std::string& id) {
    check_id(id);
    ContainerDir dir = ContainerDir::open(options.root, id);
    dir.lock();
    // While we waited.
    if (dir.is_removed()) throw no_such_container(options.root, id);
    return open(options, std::move(dir), id, Damage::refused);
}

Container Container::open_damaged(const settings::Options& options, const std::string& id) {
    check_id(id);
    return open(options, ContainerDir::open(options.root, id), id, Damage::accepted);
}

Container Container::open(const settings::Options& options, ContainerDir dir, const std::string& id,
                          Damage damage) {
    Record unknown;
    unknown.id = id;
    unknown.oci_version = "1.0.0";
    Container container(std::move(dir), std::move(unknown), damage);
    try {
        if (auto record = container.read_record()) {
            container.record_ = std::move(*record);
            container.complete_ = true;
        }
    } catch (const Error& error) {
        if (damage == Damage::refused) throw;
        options.always_warn(concat(error.what(), ": only its cgroup tells its processes"));
    }
    return container;
}

std::optional<Record> Container::read_record() const {
    return in_context(concat("container ", in_quotes(record_.id)),
                      [&] { return find_record(dir_.fd()); });
}

void Container::lock(std::chrono::milliseconds patience) {
    dir_.lock(patience);
    // It may have changed, or have gone, while we waited.
    std::optional<Record> record;
    try {
        record = read_record();
    } catch (const Error&) {
        if (damage_ == Damage::refused) throw;
        return;  // open() has warned
    }
    if (complete_ && !record) {
        throw NotFoundError(concat("container ", in_quotes(record_.id), " does not exist"));
    }
    if (record) {
        record_ = std::move(*record);
        complete_ = true;
    }
}

os::FileLock Container::lock_freezer() const {
    if (auto lock = dir_.take_freezer(std::chrono::seconds(30))) return std::move(*lock);
    throw StateError(concat("another command freezes container ", in_quotes(record_.id)));
}

void Container::lock_by_force(const settings::Options& options) {
    try {
        return lock(options.delete_timeout);
    } catch (const NotFoundError&) {
        throw;
    } catch (const StateError&) {
        for (const pid_t pid : dir_.kill_lock_holders()) {
            options.always_warn(concat("killed process ", std::to_string(pid),
                                       ", which was working on the container"));
        }
    }
    lock(os::kTimeToDie);
}

std::optional<os::ProcessRef> Container::init() const {
    return os::ProcessRef::find(record_.pid, record_.start_time);
}

oci::Status Container::status() const {
    if (record_.pid == 0)
        return dir_.is_locked_by_other() ? oci::Status::creating : oci::Status::stopped;
    if (!os::is_alive(record_.pid, record_.start_time)) return oci::Status::stopped;
    if (record_.owns_cgroup && cgroup().is_frozen()) return oci::Status::paused;
    const bool is_waiting = in_context(concat("container ", in_quotes(record_.id)),
                                       [&] { return handoff::is_waiting_for_start(dir_.fd()); });
    return is_waiting ? oci::Status::created : oci::Status::running;
}

oci::State Container::state() const {
    oci::State state;
    state.oci_version = record_.oci_version;
    state.id = record_.id;
    state.status = status();
    state.bundle = record_.bundle;
    state.rootfs = record_.rootfs;
    state.created = record_.created;
    state.owner = record_.owner;
    state.annotations = record_.annotations;
    if (state.status != oci::Status::stopped) state.pid = record_.pid;
    return state;
}

std::vector<cgroup::ContainerCgroup> Container::cgroups() const {
    std::vector<cgroup::ContainerCgroup> all;
    all.push_back(cgroup());
    all.push_back(cgroup::ContainerCgroup::open(record_.setup_cgroup));
    for (const auto& record : lost_cgroups_) {
        all.push_back(cgroup::ContainerCgroup::open(record));
    }
    return all;
}

// Without a record they are found by the mark that `create` has given them.
void Container::find_lost_cgroups() {
    if (complete_) return;
    lost_cgroups_ = cgroup::find_owned(cgroup::read_layout(), os::path_of(dir_.fd()));
    record_.owns_cgroup = !lost_cgroups_.empty();
    if (damage_ == Damage::accepted) return;
    for (const auto& group : cgroups()) {
        if (!group.is_populated()) continue;
        throw StateError(concat("cannot delete container ", in_quotes(record_.id),
                                ": state.json is missing, but it has processes (--force kills "
                                "them)"));
    }
}

void Container::let_killed_die(os::Deadline deadline) const {
    if (!record_.owns_cgroup) return;
    const auto group = cgroup();
    group.let_killed_die();
    if (group.holds_killed()) group.thaw(deadline);
}

cgroup::ContainerCgroup Container::own_cgroup() const {
    if (record_.owns_cgroup) return cgroup();
    throw StateError(concat("container ", in_quotes(record_.id), " has no cgroup of its own"));
}

std::optional<translate::Plan> Container::find_stored_plan() const {
    try {
        return find_plan(dir_.fd());
    } catch (const Error&) {
        if (damage_ == Damage::refused) throw;
        return {};
    }
}

translate::Plan Container::plan(const settings::Options& options) const {
    if (auto found = find_stored_plan()) return std::move(*found);
    return plan_of(options, config());
}

std::string Container::config() const {
    auto text = os::find_regular_file_at(dir_.fd(), "config.json");
    if (!text) throw SystemError(ENOENT, "open", "config.json");
    return std::move(*text);
}

translate::Plan Container::plan_of(const settings::Options& options,
                                   std::string_view config) const {
    CreateOptions call;
    call.id = record_.id;
    call.bundle = record_.bundle;
    // Whatever this call says: the cgroups are where `create` has put them.
    settings::Options then = options;
    then.cgroup_driver = !record_.unit.empty()                ? settings::CgroupDriver::systemd
                         : record_.cgroup.directories.empty() ? settings::CgroupDriver::disabled
                                                              : settings::CgroupDriver::cgroupfs;
    return translate_config(then, call, config, Purpose::to_look_at);
}

void Container::write(Record record) {
    write_record(dir_.fd(), record);
    record_ = std::move(record);
}

std::optional<translate::HostPlan> Container::find_poststop_hooks(
    const settings::Options& options) const {
    if (complete_ && !record_.needs_plan) return {};
    try {
        auto found = complete_ ? plan(options) : find_stored_plan().value_or(translate::Plan{});
        if (found.host.poststop.empty()) return {};
        return std::move(found.host);
    } catch (Error& error) {
        if (damage_ == Damage::refused) {
            error.add_consequence("--force removes the container without its poststop hooks");
            throw;
        }
        options.always_warn(concat("the poststop hooks are not run: ", error.what()));
        return {};
    }
}

void Container::kill_everything(os::Deadline deadline) const {
    if (const auto process = init()) {
        process->signal(SIGKILL);
        const auto group = cgroup();
        if (group.holds_killed()) group.thaw(deadline);
        // Init ends after all others of its pid namespace, and one of them may just be freezing
        // others: tried again until the deadline.
        do {
            if (record_.owns_cgroup) group.let_killed_die();
            if (os::Clock::now() >= deadline) {
                // The kernel takes it out of its cgroup before it waits for its pid namespace.
                const bool waits = record_.owns_cgroup && group.processes().empty();
                throw Error(concat("the container process ", std::to_string(process->pid()),
                                   " does not end",
                                   waits ? ": processes that `exec` has left to its caller have "
                                           "ended, and the caller has not reaped them"
                                         : ""));
            }
        } while (!process->wait_exit(std::min(deadline, os::Clock::now() + kAgain)));
    }
    // A pid namespace shared with others outlives its first process.
    for (const auto& group : cgroups()) {
        if (record_.owns_cgroup && !group.kill_all_and_wait(deadline)) {
            throw Error("processes of the container do not end");
        }
    }
    if (const auto monitor =
            os::ProcessRef::find(record_.monitor_pid, record_.monitor_start_time)) {
        // It ends by itself when the container has.
        if (!monitor->wait_exit(deadline)) monitor->signal(SIGKILL);
    }
}

// A cgroup that was only planned may have become another container's since.
bool Container::is_others(const cgroup::ContainerCgroup& group) const {
    const std::string self = os::path_of(dir_.fd());
    const auto& directories = group.record().directories;
    return std::any_of(directories.begin(), directories.end(), [&](const auto& directory) {
        const std::string owner = cgroup::find_owner(directory.path);
        return !owner.empty() && owner != self;
    });
}

void Container::remove_cgroup(const settings::Options& options, os::Deadline deadline) const {
    for (const auto& group : cgroups()) {
        if (!record_.owns_cgroup && is_others(group)) continue;
        try {
            group.remove(record_.owns_cgroup ? deadline : os::Clock::now());
        } catch (const Error& error) {
            if (record_.owns_cgroup) throw;
            // Only planned by a `create` that was killed: the processes in it are not ours.
            options.warn(error.what());
        }
    }
}

void Container::remove_resctrl() const {
    if (record_.resctrl.group.empty()) return;
    // Without the filesystem nothing of it is there.
    if (const auto resctrl = attached::Resctrl::find()) resctrl->remove(record_.resctrl);
}

void Container::take_down(const settings::Options& options) {
    find_lost_cgroups();
    const auto deadline = os::Clock::now() + options.delete_timeout;
    kill_everything(deadline);
    attached::remove_root_mount(record_.root_mount, record_.rootfs);
    remove_cgroup(options, deadline);
    remove_resctrl();
    stop_unit(options, record_);
}

void Container::run_poststop(const translate::HostPlan& plan,
                             const settings::Options& options) const {
    oci::State state = translate::make_state(plan, oci::Status::stopped);
    state.created = record_.created;
    state.owner = record_.owner;
    run_poststop_hooks(plan, state, options.always_warn);
}

void Container::destroy(const settings::Options& options) {
    const auto poststop = find_poststop_hooks(options);
    take_down(options);
    dir_.remove(damage_ == Damage::accepted ? ContainerDir::Strangers::remove
                                            : ContainerDir::Strangers::refuse);
    if (poststop) run_poststop(*poststop, options);
}

ContainerDir Container::end_life(const settings::Options& options) {
    const auto poststop = find_poststop_hooks(options);
    take_down(options);
    dir_.empty_for_next_life();
    // For a `delete` that finds no next life: they run once.
    record_.needs_plan = false;
    write_record(dir_.fd(), record_);
    if (poststop) run_poststop(*poststop, options);
    return std::move(dir_);
}

void run_poststop_hooks(const translate::HostPlan& plan, const oci::State& state,
                        const settings::Options::Tell& warn) {
    const std::string text = oci::to_json(state, oci::JsonStyle::one_line);
    HookFiles files;
    try {
        files = HookFiles::open(plan.hook_files, state.bundle);
    } catch (const Error& error) {
        warn(error.what());
    }
    for (const auto& hook : handoff::with_own_environment(plan.poststop)) {
        try {
            handoff::run_hook(hook, text, state.bundle, files.output());
        } catch (const Error& error) {
            // runtime.md, "Lifecycle", 13: "the runtime MUST log a warning, but the remaining hooks
            // and lifecycle continue as if the hook had succeeded".
            warn(error.what());
        }
    }
}

}  // namespace lxcri::runtime
