#include "runtime/systemd_unit.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <tuple>

#include "base/error.h"
#include "base/strings.h"
#include "cgroup/unit_limits.h"
#include "handoff/channel.h"
#include "os/check.h"
#include "os/file.h"
#include "os/unix_socket.h"
#include "os/user_namespace.h"
#include "runtime/helper_image.h"
#include "translate/unit_properties.h"

namespace lxcri::runtime {

namespace {

using handoff::MessageKind;
using handoff::UnitAction;
using handoff::UnitProperty;
using handoff::UnitRequest;

// Where the buses are; nothing else of the caller's environment is of use.
std::vector<std::string> bus_environment() {
    std::vector<std::string> environment;
    for (const char* name :
         {"DBUS_SYSTEM_BUS_ADDRESS", "DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR"}) {
        if (const char* value = ::getenv(name)) environment.push_back(concat(name, "=", value));
    }
    return environment;
}

// Between fork and exec: nothing here allocates.
[[noreturn]] void become_helper(const char* path, int channel, int null, char** environment) {
    const int copy = ::fcntl(channel, F_DUPFD_CLOEXEC, 16);
    if (::dup2(null, 0) != -1 && ::dup2(null, 1) != -1 && ::dup2(null, 2) != -1 &&
        ::dup2(copy, handoff::kChannelFd) != -1) {
        os::reset_signals();
        // It has to finish what it has begun when `lxcri run` passes on what a terminal says.
        (void)::setsid();
        (void)!::chdir("/");
        std::array<char*, 2> arguments{const_cast<char*>("lxcri-systemd"), nullptr};
        ::execve(path, arguments.data(), environment);
    }
    say_not_executed(channel, "execute", path, errno);
    ::_exit(127);
}

std::pair<os::UniqueFd, os::ChildProcess> start_helper(const Options& options) {
    const std::string path = find_helper(options, "lxcri-systemd");
    auto words = bus_environment();
    std::vector<char*> environment;
    for (std::string& word : words) environment.push_back(word.data());
    environment.push_back(nullptr);
    const os::UniqueFd null = os::open_at(AT_FDCWD, "/dev/null", O_RDWR);
    auto [ours, theirs] = os::make_seqpacket_pair();
    auto child = os::fork_child();
    if (!child) become_helper(path.c_str(), theirs.get(), null.get(), environment.data());
    return {std::move(ours), std::move(*child)};
}

// A property that systemd names in its refusal is the one that it refuses.
std::string_view find_culprit(const UnitRequest& request, std::string_view words) {
    for (const UnitProperty& property : request.properties) {
        if (!property.pointer.empty() && words.find(property.name) != std::string_view::npos) {
            return property.pointer;
        }
    }
    return {};
}

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
        // One that ended badly is forgotten like any other: nobody has to reset it.
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

SystemdHelper::SystemdHelper(const Options& options)
    : process_(-1, os::UniqueFd()), timeout_(options.timeout) {
    std::tie(channel_, process_) = start_helper(options);
}

void SystemdHelper::ask(UnitRequest request) {
    request.user_manager = find_user_manager().has_value();
    request.timeout = static_cast<std::uint32_t>(timeout_.count());
    handoff::send(channel_.get(), MessageKind::unit_request, handoff::encode(request));
    // Its own deadline comes first.
    const auto deadline = os::Clock::now() + timeout_ + std::chrono::seconds(5);
    pollfd wanted{channel_.get(), POLLIN, 0};
    const int ready = os::retry([&] { return ::poll(&wanted, 1, os::poll_timeout(deadline)); });
    if (os::check(ready, "poll") == 0) throw Error("lxcri-systemd does not answer");
    const auto answer = handoff::receive(channel_.get());
    if (!answer) {
        const auto status = process_.wait(deadline);
        throw Error(concat("lxcri-systemd ", status ? status->describe() : "does not end"));
    }
    if (answer->kind == MessageKind::unit_done) return;
    const std::string_view culprit = find_culprit(request, answer->body);
    if (culprit.empty()) throw Error(answer->body);
    throw SpecError(std::string(culprit), answer->body);
}

cgroup::UserManager find_user_manager() {
    const os::OuterUser user = os::find_outer_user();
    if (user.uid == 0 && user.initial_namespace) return {};
    return user.uid;
}

std::vector<UnitProperty> allowed_unit_properties(const Options& options, const oci::Spec& spec) {
    auto properties = translate::unit_properties(spec);
    const auto& allowed = options.systemd_properties;
    for (const UnitProperty& property : properties) {
        if (translate::is_harmless_property(property.name)) continue;
        if (std::find(allowed.begin(), allowed.end(), property.name) != allowed.end()) continue;
        throw SpecError(property.pointer,
                        concat("the property ", in_quotes(property.name),
                               " is neither one that every container may set nor among the "
                               "/systemdProperties that ",
                               in_quotes(options.settings_file), " allows"));
    }
    return properties;
}

std::string unit_description(const Record& record) {
    return concat("lxcri container ", record.id, ", ", record.created);
}

void start_unit(SystemdHelper& helper, const Record& record, const cgroup::UnitName& name,
                pid_t pid, std::vector<UnitProperty> properties) {
    UnitRequest request;
    request.action = UnitAction::start;
    request.unit = name.scope;
    request.description = unit_description(record);
    request.slice = name.slice;
    request.pid = pid;
    request.properties = fixed_properties();
    // Later ones win.
    for (UnitProperty& property : properties) request.properties.push_back(std::move(property));
    helper.ask(std::move(request));
}

void attach_to_unit(const Options& options, const Record& record, pid_t pid) {
    SystemdHelper helper(options);
    UnitRequest request;
    request.action = UnitAction::attach;
    request.unit = record.unit;
    const std::string& own = record.cgroup.directories.front().path;
    request.below = own.substr(own.rfind('/'));
    request.pid = pid;
    helper.ask(std::move(request));
}

void stop_unit(SystemdHelper& helper, const Record& record) {
    UnitRequest request;
    request.action = UnitAction::stop;
    request.unit = record.unit;
    request.description = unit_description(record);
    helper.ask(std::move(request));
}

void stop_unit(const Options& options, const Record& record) {
    if (record.unit.empty()) return;
    std::vector<std::string> scopes;
    for (const cgroup::Directory& directory : record.cgroup.directories) {
        scopes.push_back(directory.path.substr(0, directory.path.rfind('/')));
    }
    // When the last process of a scope has gone systemd removes it, and then forgets it.
    const auto is_there = [](const std::string& scope) {
        return ::access(scope.c_str(), F_OK) == 0;
    };
    if (std::none_of(scopes.begin(), scopes.end(), is_there)) return;
    SystemdHelper helper(options);
    stop_unit(helper, record);
    // It forgets the unit first and removes the directory a moment later. One with a process is not
    // removed by this, nor is what another container has got meanwhile: that has processes.
    for (const std::string& scope : scopes) (void)::rmdir(scope.c_str());
}

void update_with_unit(SystemdHelper& helper, const Record& record,
                      const cgroup::ContainerCgroup& cgroup, const std::function<void()>& apply) {
    const auto before = cgroup::read_unit_limits(cgroup);
    apply();
    UnitRequest request;
    request.action = UnitAction::set_properties;
    request.unit = record.unit;
    request.properties = cgroup::changed_properties(before, cgroup::read_unit_limits(cgroup));
    if (!request.properties.empty()) helper.ask(std::move(request));
}

void update_with_unit(const Options& options, const Record& record,
                      const cgroup::ContainerCgroup& cgroup, const std::function<void()>& apply) {
    if (record.unit.empty()) return apply();
    // Started first: its absence is to be known before anything is changed.
    SystemdHelper helper(options);
    update_with_unit(helper, record, cgroup, apply);
}

}  // namespace lxcri::runtime
