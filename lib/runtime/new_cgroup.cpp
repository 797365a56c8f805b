#include "runtime/new_cgroup.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/error.h"
#include "base/strings.h"
#include "cgroup/resources.h"
#include "os/file.h"

namespace lxcri::runtime {

namespace {

// The place of the processes that set up a container with little memory, so that they are found
// whatever happens. If version 1 counts the memory they are in the container's directories of the
// other hierarchies.
cgroup::Layout layout_for_setup(const cgroup::Layout& layout) {
    cgroup::Layout result = layout;
    const bool is_needed = layout.find_v1("memory") == nullptr;
    std::erase_if(result.hierarchies, [&](const cgroup::Hierarchy& hierarchy) {
        return !is_needed || hierarchy.version != 2;
    });
    return result;
}

bool leave_room_for_set_up(const oci::Resources& resources) {
    constexpr std::int64_t kMemory = 16 << 20;
    constexpr std::int64_t kProcesses = 16;  // lxcri-start, its child, hooks of createContainer
    const auto is_low = [](const std::optional<std::int64_t>& limit, std::int64_t needed) {
        return limit && *limit >= 0 && *limit < needed;
    };
    return !is_low(resources.memory.limit, kMemory) && !is_low(resources.pids.limit, kProcesses);
}

}  // namespace

NewCgroup::NewCgroup(const settings::Options& options, const translate::Plan& plan, Record& record,
                     int directory_fd)
    : options_(options), plan_(plan), record_(record), directory_fd_(directory_fd) {
    const translate::CgroupPlan& cgroup = plan.host.cgroup;
    record_.cgroup = cgroup::planned_record(cgroup.layout, cgroup.path);
    if (enters_late()) {
        record_.setup_cgroup =
            cgroup::planned_record(layout_for_setup(cgroup.layout), setup_path());
    }
    if (!cgroup.unit) return;
    record_.unit = cgroup.unit->scope;
    // What is missing above it systemd makes, and removes with the scope.
    for (auto& directory : record_.cgroup.directories) directory.first_missing.clear();
}

void NewCgroup::make() {
    const std::string owner = os::path_of(directory_fd_);
    cgroup_ = cgroup::ContainerCgroup::create(plan().layout, plan().path, owner);
    record_.cgroup = cgroup_->record();
    record_.owns_cgroup = !record_.cgroup.directories.empty();
    if (!record_.setup_cgroup.directories.empty()) {
        setup_ =
            cgroup::ContainerCgroup::create(layout_for_setup(plan().layout), setup_path(), owner);
        record_.setup_cgroup = setup_->record();
    }
    give_away(*cgroup_);
    // Before a process is in it: a `delete` of what we leave may then kill its processes.
    write_record(directory_fd_, record_);
}

void NewCgroup::make_with_unit(pid_t pid) {
    in_context("systemd", [&] {
        systemd_.emplace(options_);
        start_unit(*systemd_, record_, *plan().unit, pid);
    });
    has_unit_ = true;
    check_unit_path(pid);
    make();
    cgroup_->add_process(pid);
}

// Everything else, and what was recorded before, relies on the place that was foreseen.
void NewCgroup::check_unit_path(pid_t pid) const {
    const std::string path = concat("/proc/", std::to_string(pid), "/cgroup");
    const auto scope = plan().path.substr(0, plan().path.rfind('/'));
    for (const auto& membership : cgroup::parse_memberships(os::read_file_at(AT_FDCWD, path))) {
        const bool is_systemds =
            membership.controllers.empty() || membership.controllers.front() == "name=systemd";
        if (is_systemds && membership.path == concat("/", scope)) return;
    }
    throw Error(concat("systemd has not put ", in_quotes(record_.unit), " at ",
                       in_quotes(concat("/", scope)), " in the cgroup hierarchy"));
}

// config-linux.md "Cgroup ownership": a container that sees its own cgroup, and may write there,
// may make cgroups below it.
void NewCgroup::give_away(const cgroup::ContainerCgroup& cgroup) const {
    if (const auto& owner = plan().owner; owner && *owner != ::geteuid()) {
        cgroup.give_to(*owner);
    }
}

void NewCgroup::delegate(pid_t init) const {
    const std::string& path = plan().delegate;
    if (path.empty() || !cgroup_) return;
    in_context("/annotations/run.oci.delegate-cgroup", [&] {
        const auto below = cgroup_->make_below(path);
        give_away(below);
        below.add_process(init);
    });
}

cgroup::Entrance NewCgroup::entrance() const {
    if (!enters_late()) return cgroup_->entrance();
    cgroup::Record record = cgroup_->record_without_memory();
    const auto& setup = record_.setup_cgroup.directories;
    record.directories.insert(record.directories.end(), setup.begin(), setup.end());
    return cgroup::ContainerCgroup::open(std::move(record)).entrance();
}

os::UniqueFd NewCgroup::open_memory_entrance() const {
    return enters_late() ? cgroup_->open_memory_entrance() : os::UniqueFd();
}

void NewCgroup::apply_early() {
    cgroup::apply_early(
        *cgroup_, plan().resources.value_or(oci::Resources{}),
        plan().limits_devices ? cgroup::DeviceAccess::limited : cgroup::DeviceAccess::as_on_host);
}

void NewCgroup::apply_limits_that_leave_room() {
    if (plan().resources && leave_room_for_set_up(*plan().resources)) apply_limits();
}

void NewCgroup::apply_limits() {
    if (limits_are_applied_) return;
    limits_are_applied_ = true;
    if (!plan().resources) return;
    const auto apply = [&] { cgroup::apply_late(*cgroup_, *plan().resources); };
    if (systemd_) {
        update_with_unit(*systemd_, record_, *cgroup_, apply);
    } else {
        apply();
    }
}

void NewCgroup::leave_setup() {
    if (!setup_) return;
    setup_->remove(os::Clock::now() + options_.timeout);
    setup_.reset();
    record_.setup_cgroup = {};
}

bool NewCgroup::remove(os::Deadline deadline, CleanUp& clean_up) {
    bool all = true;
    for (const auto* cgroup : {&cgroup_, &setup_}) {
        if (!*cgroup) continue;
        clean_up.step([&] { (*cgroup)->kill_all_and_wait(deadline); });
        all = clean_up.step([&] { (*cgroup)->remove(deadline); }) && all;
    }
    return all;
}

void NewCgroup::stop_unit() {
    if (has_unit_) runtime::stop_unit(*systemd_, record_);
}

}  // namespace lxcri::runtime
