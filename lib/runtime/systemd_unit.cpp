#include "runtime/systemd_unit.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/error.h"
#include "base/strings.h"
#include "cgroup/unit_limits.h"
#include "os/check.h"
#include "os/file.h"

namespace lxcri::runtime {

namespace {

using handoff::UnitAction;
using handoff::UnitProperty;
using handoff::UnitRequest;

UnitProperty text(std::string name, std::string value) {
    return {{}, std::move(name), "s", {std::move(value)}};
}

UnitProperty flag(std::string name, bool value) {
    return {{}, std::move(name), "b", {value ? "true" : "false"}};
}

// What every container's scope is.
std::vector<UnitProperty> fixed_properties() {
    return {
        flag("Delegate", true),
        // Not stopped with what the machine stops first, and ordered after nothing.
        flag("DefaultDependencies", false),
        // systemd forgets a unit that failed like any other: it needs no reset.
        text("CollectMode", "inactive-or-failed"),
        // lxcri has killed what was in the container; this is for what others have put there.
        {{}, "TimeoutStopUSec", "t", {"10000000"}},
        flag("CPUAccounting", true),
        flag("IOAccounting", true),
        flag("MemoryAccounting", true),
        flag("TasksAccounting", true),
    };
}

}  // namespace

std::string unit_description(const Record& record) {
    return concat("lxcri container ", record.id, ", ", record.created);
}

void start_unit(helpers::SystemdHelper& helper, const Record& record,
                const translate::UnitPlan& plan, pid_t pid) {
    UnitRequest request;
    request.action = UnitAction::start;
    request.unit = plan.scope;
    request.description = unit_description(record);
    request.slice = plan.slice;
    request.pid = pid;
    request.properties = fixed_properties();
    // Later ones win.
    request.properties.insert(request.properties.end(), plan.properties.begin(),
                              plan.properties.end());
    helper.ask(std::move(request));
}

void attach_to_unit(const settings::Options& options, const Record& record,
                    const std::string& cgroup, pid_t pid) {
    helpers::SystemdHelper helper(options);
    UnitRequest request;
    request.action = UnitAction::attach;
    request.unit = record.unit;
    const std::string& own = record.cgroup.directories.front().path;
    request.below = cgroup.substr(own.rfind('/'));
    request.pid = pid;
    helper.ask(std::move(request));
}

void stop_unit(helpers::SystemdHelper& helper, const Record& record) {
    UnitRequest request;
    request.action = UnitAction::stop;
    request.unit = record.unit;
    request.description = unit_description(record);
    helper.ask(std::move(request));
}

void stop_unit(const settings::Options& options, const Record& record) {
    if (record.unit.empty()) return;
    std::vector<std::string> scopes;
    for (const cgroup::Directory& directory : record.cgroup.directories) {
        scopes.push_back(directory.path.substr(0, directory.path.rfind('/')));
    }
    const bool is_there = std::any_of(scopes.begin(), scopes.end(), [](const std::string& scope) {
        return ::access(scope.c_str(), F_OK) == 0;
    });
    // When the last process of a scope has gone systemd removes it, and then forgets it. But a
    // `create` that was killed may have asked for one that systemd has not made yet.
    if (!is_there && record.owns_cgroup) return;
    try {
        helpers::SystemdHelper helper(options);
        stop_unit(helper, record);
    } catch (const Error& error) {
        if (is_there) throw;
        // The bus may be what that `create` lacked.
        options.warn(error.what());
    }
    // It forgets the unit first and removes the directory a moment later. One with a process is not
    // removed by this, nor is what another container has got meanwhile: that has processes.
    for (const std::string& scope : scopes) (void)::rmdir(scope.c_str());
}

void update_with_unit(helpers::SystemdHelper& helper, const Record& record,
                      const cgroup::ContainerCgroup& cgroup, const std::function<void()>& apply) {
    const auto before = cgroup::read_unit_limits(cgroup);
    apply();
    UnitRequest request;
    request.action = UnitAction::set_properties;
    request.unit = record.unit;
    request.properties = cgroup::changed_properties(before, cgroup::read_unit_limits(cgroup));
    if (!request.properties.empty()) helper.ask(std::move(request));
}

void update_with_unit(const settings::Options& options, const Record& record,
                      const cgroup::ContainerCgroup& cgroup, const std::function<void()>& apply) {
    if (record.unit.empty()) return apply();
    // Started first: its absence is to be known before anything is changed.
    helpers::SystemdHelper helper(options);
    update_with_unit(helper, record, cgroup, apply);
}

}  // namespace lxcri::runtime
