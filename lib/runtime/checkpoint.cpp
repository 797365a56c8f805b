#include "runtime/checkpoint.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

#include "base/error.h"
#include "base/strings.h"
#include "helpers/criu_helper.h"
#include "os/check.h"
#include "os/file.h"
#include "os/privilege.h"
#include "runtime/checkpoint_image.h"
#include "runtime/container.h"
#include "runtime/criu_files.h"

namespace lxcri::runtime {

namespace {

using handoff::CriuAction;
using handoff::CriuRequest;

// Made by hand, and not by what `restore` is given.
void check_hot_plug(const Record& record) {
    const auto refuse = [&](std::string_view what, std::string_view path, const char* command) {
        return StateError(concat("cannot checkpoint container ", in_quotes(record.id), ": the ",
                                 what, " ", in_quotes(path), " was added while it ran (`lxcri ",
                                 command, " remove` takes it away)"));
    };
    if (!record.mounts.empty()) {
        throw refuse("mount", record.mounts.front().destination, "mounts");
    }
    if (!record.devices.empty()) {
        throw refuse("device", record.devices.front().node.path, "devices");
    }
}

void check_status(const Container& container) {
    const auto status = container.status();
    if (status == oci::Status::running || status == oci::Status::paused) return;
    throw StateError(concat("cannot checkpoint container ", in_quotes(container.record().id),
                            ": it is ", oci::status_name(status)));
}

// What CRIU would do wrong, or only in part.
void check_plan(const translate::Plan& plan) {
    if (plan.host.shared_mounts) {
        throw SpecError("/linux/namespaces",
                        "a container without a mount namespace of its own cannot be dumped");
    }
    for (const auto& entry : plan.host.namespaces) {
        if (entry.type != "user" && entry.type != "cgroup") continue;
        throw SpecError(entry.pointer, concat("a container in a ", entry.type,
                                              " namespace by its path cannot be dumped"));
    }
    for (const auto& filesystem : plan.host.filesystems) {
        throw SpecError(filesystem.pointer,
                        "shows a namespace that was joined, which cannot be dumped");
    }
    if (plan.init.process.seccomp_listener) {
        throw SpecError("/linux/seccomp/listenerPath",
                        "a filter that asks an agent cannot be dumped");
    }
    if (!plan.host.net_devices.empty()) {
        throw SpecError("/linux/netDevices",
                        "a container with devices of the host cannot be dumped");
    }
    if (plan.host.resctrl) {
        throw SpecError("/linux/intelRdt", "a container in a group of resctrl cannot be dumped");
    }
}

// criu(8): frozen as a whole, no process escapes the dump. CRIU knows one freezer; on a hybrid host
// that is the one of version 2 (PausedByV2).
std::string freezer_of(const cgroup::ContainerCgroup& group) {
    const auto* directory = group.find_v2();
    if (directory == nullptr) directory = group.find_v1("freezer");
    return directory == nullptr ? "" : directory->path;
}

// A container that is paused on a hybrid host is held by two freezers, and CRIU thaws only one of
// them while it works. What is still there afterwards is paused again.
class PausedByV2 {
  public:
    PausedByV2(const settings::Options& options, const cgroup::ContainerCgroup& group)
        : options_(options), group_(group), changed_(group.hold_with_v2_alone(deadline())) {}
    PausedByV2(const PausedByV2&) = delete;
    PausedByV2& operator=(const PausedByV2&) = delete;
    ~PausedByV2() {
        if (!changed_ || has_ended_) return;
        try {
            group_.freeze(deadline());
        } catch (const std::exception& error) {
            options_.warn(concat("cannot pause the container again: ", error.what()));
        }
    }
    void end() { has_ended_ = true; }

  private:
    os::Deadline deadline() const { return os::Clock::now() + options_.timeout; }

    const settings::Options& options_;
    const cgroup::ContainerCgroup& group_;
    bool changed_;
    bool has_ended_ = false;
};

void check_streams(const CheckpointImage& image, const CriuOptions& asked) {
    if (asked.shell_job) return;
    for (std::size_t number = 0; number < image.streams.size(); ++number) {
        if (!is_caller_terminal(image.streams[number])) continue;
        throw Error(concat("descriptor ", std::to_string(number),
                           " is a terminal of the host, and --shell-job is not given"));
    }
}

void add_externals(const CheckpointImage& image, const os::ProcessRef& init,
                   const translate::Plan& plan, CriuRequest& request) {
    request.external = external_at_dump(image);
    for (auto& name : external_streams(image)) request.external.push_back(std::move(name));
    for (const auto& entry : plan.host.namespaces) {
        const auto key = external_namespace_key(entry.type);
        if (key.empty()) continue;
        const std::string path = concat("/proc/", std::to_string(init.pid()), "/ns/", entry.type);
        struct stat status {};
        os::check(::stat(path.c_str(), &status), "stat", path);
        request.external.push_back(
            concat(entry.type, "[", std::to_string(status.st_ino), "]:", key));
    }
}

// The hierarchies in which the container is in a cgroup of others.
std::vector<std::string> shared_cgroups(const Container& container, const os::ProcessRef& init) {
    const auto& directories = container.record().cgroup.directories;
    const std::string path = concat("/proc/", std::to_string(init.pid()), "/cgroup");
    std::vector<std::string> shared;
    for (const auto& place : cgroup::parse_memberships(os::read_file_at(AT_FDCWD, path))) {
        const bool has_own =
            std::any_of(directories.begin(), directories.end(),
                        [&](const auto& directory) { return is_in_hierarchy(directory, place); });
        if (!has_own) shared.push_back(join(place.controllers, ","));
    }
    return shared;
}

// By which CRIU names its images: the last number of NSpid, proc_pid_status(5).
pid_t innermost_pid(const os::ProcessRef& init) {
    const std::string path = concat("/proc/", std::to_string(init.pid()), "/status");
    const std::string status = os::read_file_at(AT_FDCWD, path);
    const auto pids = os::find_status_value(status, "NSpid").value_or("");
    const auto pid = parse_integer<pid_t>(pids.substr(pids.rfind('\t') + 1));
    if (!pid) throw Error(concat("internal error: no NSpid in ", path));
    return *pid;
}

bool has_no_new_privs(pid_t pid) {
    try {
        const std::string path = concat("/proc/", std::to_string(pid), "/status");
        return os::find_status_value(os::read_file_at(AT_FDCWD, path), "NoNewPrivs") == "1";
    } catch (const SystemError&) {
        return false;  // it has ended
    }
}

// `exec` and the processes themselves can set it, too.
void check_no_new_privs(const settings::Options& options, const Container& container,
                        const os::ProcessRef& init) {
    std::vector<pid_t> pids{init.pid()};
    if (container.record().owns_cgroup) pids = container.cgroup().processes();
    if (std::any_of(pids.begin(), pids.end(), has_no_new_privs)) {
        check_criu_keeps_no_new_privs(options);
    }
}

CriuRequest make_request(const settings::Options& options, const CheckpointOptions& asked,
                         const Container& container, const os::ProcessRef& init) {
    CriuRequest request = common_request(options, asked.criu);
    request.action = asked.pre_dump ? CriuAction::pre_dump : CriuAction::dump;
    request.log_file = "dump.log";
    request.pid = init.pid();
    request.root = container.record().rootfs;
    request.leave_running = asked.leave_running || asked.pre_dump;
    request.tcp_skip_in_flight = asked.tcp_skip_in_flight;
    request.track_memory = asked.pre_dump || !asked.parent_path.empty();
    request.parent_images = asked.parent_path;
    request.page_server_address = asked.page_server_address;
    request.page_server_port = asked.page_server_port;
    request.has_status_fd = asked.status_fd.has_value();
    if (container.record().monitor_pid != 0 && !asked.pre_dump) {
        // It would die with the monitor; restored, it has none.
        request.pid_without_death_signal = innermost_pid(init);
    }
    if (request.cgroup_mode != handoff::CriuCgroupMode::ignore)
        request.shared_cgroups = shared_cgroups(container, init);
    if (container.record().owns_cgroup) request.freezer = freezer_of(container.cgroup());
    return request;
}

}  // namespace

void checkpoint(const settings::Options& options, const CheckpointOptions& asked) {
    if (!os::is_host_root()) throw Error("checkpoint: only root of the host can dump a container");
    Container container = Container::open_locked(options, asked.id);
    check_status(container);
    check_hot_plug(container.record());
    const auto init = container.init();
    if (!init) {
        throw StateError(
            concat("cannot checkpoint container ", in_quotes(asked.id), ": it is stopped"));
    }
    const translate::Plan plan = container.plan(options);
    check_plan(plan);
    check_no_new_privs(options, container, *init);
    CriuRequest request = make_request(options, asked, container, *init);
    const CheckpointImage image = describe_container(*init, plan);
    check_streams(image, asked.criu);
    add_externals(image, *init, plan, request);
    request.config_file = criu_config_file(plan.host.annotations);

    const CriuFiles files = CriuFiles::make(asked.criu);
    files.check_parent(asked.parent_path);
    std::vector<int> fds;
    if (asked.status_fd) fds.push_back(*asked.status_fd);
    remove_image(files.images());
    const cgroup::ContainerCgroup group = container.cgroup();
    PausedByV2 paused(options, group);
    helpers::CriuHelper helper(options, cgroup::Entrance{});
    try {
        helper.send_request(request, fds);
        helper.carry_out(request, [&](const handoff::CriuNotice& notice, const handoff::Received&) {
            // Last of the images: without it no command takes the directory for
            // a whole checkpoint. The container has not ended yet: when this fails
            // it goes on.
            if (notice.script == "post-dump" && !asked.pre_dump) write_image(files.images(), image);
        });
    } catch (Error& error) {
        // With --lazy-pages the memory comes after the images: the container goes on.
        try {
            remove_image(files.images());
        } catch (const Error& other) {
            error.add_consequence(other.what());
        }
        throw;
    }
    if (asked.pre_dump || asked.leave_running) return;
    paused.end();
    container.destroy(options);
}

}  // namespace lxcri::runtime
