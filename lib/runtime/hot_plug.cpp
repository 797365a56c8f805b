#include "runtime/hot_plug.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>

#include "attached/made_devices.h"
#include "base/error.h"
#include "base/strings.h"
#include "cgroup/devices.h"
#include "cgroup/resources.h"
#include "helpers/plug_helper.h"
#include "oci/json_reader.h"
#include "os/file.h"
#include "os/mountinfo.h"
#include "os/namespace.h"
#include "os/privilege.h"
#include "runtime/container.h"
#include "runtime/mount_source.h"
#include "runtime/rootless.h"

namespace lxcri::runtime {

namespace {

using handoff::PlugPlace;
using handoff::PlugRemoval;
using handoff::PlugRequest;
using os::UniqueFd;
using Json = nlohmann::json;

// One entry or a list of them, as a list. SpecError for what is no JSON.
Json read_list(std::string_view text, std::string_view property) {
    const auto first = text.find_first_not_of(" \t\r\n");
    const bool is_list = first != std::string_view::npos && text[first] == '[';
    const std::string document =
        concat("{\"", property, "\":", is_list ? "" : "[", text, is_list ? "" : "]", "}");
    const oci::JsonDocument checked(document);
    Json list = Json::parse(document).at(std::string(property));
    if (list.empty()) throw SpecError(concat("/", property), "expected one entry or more");
    return list;
}

// A container that runs, locked.
class Running {
  public:
    Running(const settings::Options& options, const std::string& id, std::string_view operation);

    Container& container() { return container_; }
    const Record& record() const { return container_.record(); }
    const translate::Plan& plan() const { return plan_; }
    // What `create` would make of this property; all that does not depend on it is left out.
    translate::Plan plan_with(const char* property, const Json& list) const;

    // By their numbers.
    helpers::PlugSources open_sources(const translate::Plan& plan,
                                      const std::vector<std::uint32_t>& numbers) const;
    void carry_out(PlugRequest request, int devices, const helpers::PlugSources& sources,
                   const std::function<void(std::size_t, const PlugPlace&)>& on_place) const;
    // Is it gone only now?
    bool remove(const PlugRemoval& removal) const;
    void apply_rules() const;

  private:
    const settings::Options& options_;
    Container container_;
    std::optional<os::ProcessRef> init_;
    os::LivingThread thread_;
    UniqueFd mounts_;
    int namespaces_ = 0;
    translate::Plan plan_;
};

Running::Running(const settings::Options& options, const std::string& id,
                 std::string_view operation)
    : options_(options), container_(Container::open_locked(options, id)) {
    const auto refuse = [&](std::string_view reason) {
        return StateError(concat("cannot ", operation, " container ", in_quotes(id), ": ", reason));
    };
    const auto status = container_.status();
    if (status != oci::Status::running) {
        throw refuse(concat("it is ", oci::status_name(status)));
    }
    if (record().root_mount.id != 0) throw refuse("it has no mount namespace of its own");
    init_ = container_.init();
    auto thread = init_ ? init_->find_living_thread() : std::optional<os::LivingThread>();
    if (!thread) throw refuse("it is stopped");
    thread_ = std::move(*thread);
    namespaces_ = os::foreign_namespaces(thread_.tid);
    mounts_ =
        os::open_namespace(concat("/proc/", std::to_string(thread_.tid), "/ns/mnt"), CLONE_NEWNS);
    // They were opened by the number, which no other process can have while init lives.
    const bool has_ended = init_->wait_exit(os::Clock::now());
    if (has_ended || (namespaces_ & CLONE_NEWNS) == 0) throw refuse("it is stopped");
    plan_ = container_.plan(options);
}

translate::Plan Running::plan_with(const char* property, const Json& list) const {
    Json config = Json::parse(container_.config());
    for (const char* other : {"annotations", "hooks", "mounts"}) config.erase(other);
    Json& section = config["linux"];
    if (!section.is_object()) section = Json::object();
    for (const char* other : {"devices", "seccomp"}) section.erase(other);
    (property == std::string_view("mounts") ? config : section)[property] = list;
    settings::Options then = options_;
    then.lxcfs.clear();
    then.system = false;
    auto plan = container_.plan_of(then, config.dump());
    for (const auto& warning : plan.warnings) {
        if (warning.find(concat("/", property, "/")) != std::string::npos) options_.warn(warning);
    }
    return plan;
}

helpers::PlugSources Running::open_sources(const translate::Plan& plan,
                                           const std::vector<std::uint32_t>& numbers) const {
    const MountSources sources(plan);
    const auto open = [&] {
        std::vector<UniqueFd> opened;
        for (const auto number : numbers) opened.push_back(sources.open(sources.list().at(number)));
        return opened;
    };
    auto opened =
        os::is_ordinary_user() ? RootlessSetup::of(thread_.tid).open_inside(open) : open();
    helpers::PlugSources result;
    for (std::size_t i = 0; i < numbers.size(); ++i) result[numbers[i]] = std::move(opened[i]);
    return result;
}

// Those that the list asks for.
template <class Entry>
std::vector<std::uint32_t> source_numbers(const std::vector<Entry>& entries) {
    std::vector<std::uint32_t> numbers;
    for (const auto& entry : entries) {
        if (entry.source_index) numbers.push_back(*entry.source_index);
    }
    return numbers;
}

void Running::carry_out(PlugRequest request, int devices, const helpers::PlugSources& sources,
                        const std::function<void(std::size_t, const PlugPlace&)>& on_place) const {
    // The time namespace is the only one that nothing here depends on.
    request.namespaces = static_cast<std::uint64_t>(namespaces_ & ~CLONE_NEWTIME);
    std::vector<int> fds{thread_.pidfd.get(), mounts_.get()};
    if (devices != -1) fds.push_back(devices);
    helpers::PlugHelper helper(options_);
    helper.carry_out(request, fds, sources, on_place);
}

bool Running::remove(const PlugRemoval& removal) const {
    PlugRequest request;
    request.removals.push_back(removal);
    bool was_there = false;
    carry_out(std::move(request), -1, {},
              [&](std::size_t, const PlugPlace& place) { was_there = place.found; });
    return was_there;
}

void Running::apply_rules() const {
    const auto& cgroup = plan_.host.cgroup;
    if (!cgroup.limits_devices || !record().owns_cgroup) return;
    std::vector<oci::DeviceRule> rules;
    if (cgroup.resources) rules = cgroup.resources->devices;
    if (record().device_rules) rules = *record().device_rules;
    cgroup::apply_devices(container_.cgroup(), with_plugged(std::move(rules), record().devices),
                          cgroup::kResourcesPointer);
}

// ---------------------------------------------------------------- mounts

void check_actions(const std::vector<handoff::MountAction>& actions, const Json& list) {
    for (std::size_t i = 0; i < list.size(); ++i) {
        const std::string pointer = concat("/mounts/", std::to_string(i));
        const bool is_one =
            i < actions.size() && actions[i].pointer == pointer && actions.size() == list.size();
        if (!is_one) {
            throw SpecError(concat(pointer, "/type"),
                            "\"cgroup\" on this host is more than one mount, which cannot be added "
                            "to a running container");
        }
        if (actions[i].destination == "/") {
            throw SpecError(concat(pointer, "/destination"),
                            "the root of a running container cannot be mounted on");
        }
    }
}

PluggedMount describe(const handoff::MountAction& action, const Json& entry) {
    PluggedMount mount;
    mount.destination = action.destination;
    mount.type = action.kind == handoff::MountKind::bind ? "bind" : action.type;
    mount.source = action.source;
    if (entry.contains("options") && entry["options"].is_array()) {
        mount.options = entry["options"].get<std::vector<std::string>>();
    }
    return mount;
}

PlugRemoval removal_of(const PluggedMount& mount) {
    PlugRemoval removal;
    removal.place = mount.place;
    return removal;
}

PlugRemoval removal_of(const PluggedDevice& device) {
    return {device.place, true, device.node};
}

// After a failure: what is there of those that came after the first `count`.
template <class Entry>
void undo(Running& running, std::vector<Entry> Record::*list, std::size_t count, Error& error) {
    Record record = running.record();
    auto& entries = record.*list;
    try {
        while (entries.size() > count) {
            (void)running.remove(removal_of(entries.back()));
            entries.pop_back();
        }
    } catch (const Error& other) {
        error.add_consequence(concat("what was added before stays: ", other.what()));
    }
    running.container().write(std::move(record));
}

}  // namespace

std::vector<oci::DeviceRule> with_plugged(std::vector<oci::DeviceRule> rules,
                                          const std::vector<PluggedDevice>& devices) {
    for (const auto& device : devices) {
        if (device.node.type == handoff::NodeType::fifo) continue;
        const auto type = device.node.type == handoff::NodeType::block
                              ? oci::DeviceRuleType::block
                              : oci::DeviceRuleType::character;
        rules.push_back({true, type, device.node.major, device.node.minor, device.access});
    }
    return rules;
}

void add_mounts(const settings::Options& options, const std::string& id, std::string_view json) {
    const Json list = read_list(json, "mounts");
    Running running(options, id, "add mounts to");
    const auto plan = running.plan_with("mounts", list);
    const auto& actions = plan.hook.mounts;
    check_actions(actions, list);
    const auto sources = running.open_sources(plan, source_numbers(actions));
    PlugRequest request;
    request.mounts = actions;
    const std::size_t before = running.record().mounts.size();
    try {
        running.carry_out(std::move(request), -1, sources, [&](std::size_t i, const auto& place) {
            Record record = running.record();
            record.mounts.push_back(describe(actions[i], list[i]));
            record.mounts.back().place = place;
            running.container().write(std::move(record));
        });
    } catch (Error& error) {
        undo(running, &Record::mounts, before, error);
        throw;
    }
}

void remove_mount(const settings::Options& options, const std::string& id,
                  const std::string& destination) {
    Running running(options, id, "remove mounts from");
    Record record = running.record();
    const std::string wanted = normalized_path(destination);
    const auto found =
        std::find_if(record.mounts.rbegin(), record.mounts.rend(),
                     [&](const PluggedMount& mount) { return mount.destination == wanted; });
    if (found == record.mounts.rend()) {
        throw Error(concat("nothing that `lxcri mounts add` has mounted is on ", in_quotes(wanted),
                           " of container ", in_quotes(id)));
    }
    const bool was_there = in_context(concat("the mount on ", in_quotes(wanted)),
                                      [&] { return running.remove(removal_of(*found)); });
    if (!was_there) {
        options.warn(
            concat("the container itself has taken away the mount on ", in_quotes(wanted)));
    }
    record.mounts.erase(std::next(found).base());
    running.container().write(std::move(record));
}

std::vector<MountStatus> list_mounts(const settings::Options& options, const std::string& id) {
    const Container container = Container::open(options, id);
    std::vector<MountStatus> all;
    for (const auto& mount : container.record().mounts) all.push_back({mount, false});
    const auto init = container.init();
    if (all.empty() || !init) return all;
    const auto thread = init->find_living_thread();
    if (!thread) return all;
    const auto text =
        os::find_file_at(AT_FDCWD, concat("/proc/", std::to_string(thread->tid), "/mountinfo"));
    if (!text) return all;
    for (const auto& line : os::parse_mount_lines(*text)) {
        for (auto& entry : all) {
            if (entry.mount.place.mount_id == static_cast<std::uint64_t>(line.id)) {
                entry.there = true;
            }
        }
    }
    return all;
}

// ---------------------------------------------------------------- devices

namespace {

void check_place(const Running& running, const handoff::DeviceNode& node) {
    const std::string pointer = concat(node.pointer, "/path");
    if (!running.plan().hook.set_up_dev && node.path.starts_with("/dev/")) {
        throw SpecError(pointer,
                        "the container's /dev is a mount of the bundle, to which nothing "
                        "is added");
    }
    const auto& devices = running.record().devices;
    if (std::any_of(devices.begin(), devices.end(),
                    [&](const auto& other) { return other.node.path == node.path; })) {
        throw SpecError(pointer, concat(in_quotes(node.path), " has been added already"));
    }
}

void remove_rules(Running& running, Error& error) {
    try {
        running.apply_rules();
    } catch (const Error& other) {
        error.add_consequence(concat("its device rules stay: ", other.what()));
    }
}

}  // namespace

void add_devices(const settings::Options& options, const std::string& id, std::string_view json,
                 const std::string& access) {
    const Json list = read_list(json, "devices");
    Running running(options, id, "add devices to");
    const translate::Plan plan = running.plan_with("devices", list);
    auto nodes = plan.hook.devices;
    // Every container has the default devices.
    std::erase_if(nodes, [](const auto& node) { return node.pointer.empty(); });
    if (nodes.size() != list.size()) {
        throw SpecError("/linux/devices", "\"/dev/ptmx\" is a link into the container's devpts");
    }
    for (const auto& node : nodes) check_place(running, node);

    const std::size_t before = running.record().devices.size();
    PlugRequest request;
    request.devices = nodes;
    request.made_devices = plan.hook.made_devices;
    const auto made = request.made_devices ? attached::make_devices(plan.host.devices) : UniqueFd();
    const auto sources = request.made_devices ? helpers::PlugSources()
                                              : running.open_sources(plan, source_numbers(nodes));

    Record record = running.record();
    for (const auto& node : nodes) {
        // Until it is known what is there: nothing of ours.
        PlugPlace nothing;
        nothing.found = true;
        record.devices.push_back(
            {node, node.type == handoff::NodeType::fifo ? "" : access, nothing});
    }
    running.container().write(record);
    try {
        running.apply_rules();
        running.carry_out(std::move(request), made.get(), sources,
                          [&](std::size_t i, const PlugPlace& place) {
                              record.devices[before + i].place = place;
                              running.container().write(record);
                          });
    } catch (Error& error) {
        undo(running, &Record::devices, before, error);
        remove_rules(running, error);
        throw;
    }
}

void remove_device(const settings::Options& options, const std::string& id,
                   const std::string& path) {
    Running running(options, id, "remove devices from");
    Record record = running.record();
    const std::string wanted = normalized_path(path);
    const auto found =
        std::find_if(record.devices.begin(), record.devices.end(),
                     [&](const PluggedDevice& device) { return device.node.path == wanted; });
    if (found == record.devices.end()) {
        throw Error(concat("`lxcri devices add` has added no ", in_quotes(wanted), " to container ",
                           in_quotes(id)));
    }
    const PlugRemoval removal = removal_of(*found);
    const Record with_it = record;
    record.devices.erase(found);
    // First it can be opened no more.
    running.container().write(std::move(record));
    try {
        running.apply_rules();
        in_context(concat("the device ", in_quotes(wanted)), [&] { running.remove(removal); });
    } catch (Error& error) {
        running.container().write(with_it);
        remove_rules(running, error);
        throw;
    }
}

std::vector<PluggedDevice> list_devices(const settings::Options& options, const std::string& id) {
    return Container::open(options, id).record().devices;
}

}  // namespace lxcri::runtime
