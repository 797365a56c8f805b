#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <optional>

#include "attached/bind_mount.h"
#include "attached/caller_socket.h"
#include "attached/made_devices.h"
#include "base/error.h"
#include "base/strings.h"
#include "handoff/run_hooks.h"
#include "helpers/criu_helper.h"
#include "os/check.h"
#include "os/descriptor_limit.h"
#include "os/file.h"
#include "os/namespace.h"
#include "os/privilege.h"
#include "os/rooted_path.h"
#include "runtime/checkpoint.h"
#include "runtime/checkpoint_image.h"
#include "runtime/clean_up.h"
#include "runtime/container.h"
#include "runtime/container_dir.h"
#include "runtime/criu_files.h"
#include "runtime/foreground.h"
#include "runtime/hook_files.h"
#include "runtime/new_cgroup.h"
#include "runtime/new_container.h"
#include "runtime/operations.h"
#include "runtime/pid_file.h"
#include "runtime/process_messages.h"
#include "runtime/stored_plan.h"
#include "runtime/translation.h"

namespace lxcri::runtime {

namespace {

using handoff::CriuAction;
using handoff::CriuRequest;
using handoff::MountAction;
using handoff::MountKind;

// CRIU mounts where something is. What the image lacks is made, as `create` makes it: in the root
// filesystem alone, and never behind a link.
void make_mount_points(const std::string& rootfs, const translate::Plan& plan,
                       const CheckpointImage& image) {
    const os::UniqueFd root = os::open_at(AT_FDCWD, rootfs, O_PATH | O_DIRECTORY);
    const os::RootedDir rooted(root.get(), os::Links::refuse);
    const os::RootedDir following(root.get());
    std::vector<std::string> covered;
    const auto is_covered = [&](const std::string& path) {
        for (const auto& above : covered) {
            if (os::is_same_or_below(path, above)) return true;
        }
        return false;
    };
    const auto is_file = [&](const MountAction& mount) {
        struct stat status {};
        const std::string source =
            mount.source_inside ? concat(rootfs, mount.source) : mount.source;
        return mount.kind == MountKind::bind && ::stat(source.c_str(), &status) == 0 &&
               !S_ISDIR(status.st_mode);
    };
    for (const MountAction& mount : plan.hook.mounts) {
        if (mount.kind != MountKind::bind && mount.kind != MountKind::filesystem) continue;
        std::string path = mount.destination;
        for (const ExternalMount& external : image.mounts) {
            if (external.destination == mount.destination && external.below.empty()) {
                path = external.mount_point;  // what a link led to when it was dumped
            }
        }
        if (is_covered(path) || path == "/") continue;
        in_context(mount.pointer, [&] {
            if (is_file(mount)) {
                (void)rooted.make_file(path, 0644);
            } else {
                // A filesystem was mounted where a link of the image leads, and will be again.
                const bool follows = mount.kind == MountKind::filesystem;
                (void)(follows ? following : rooted).make_directories(path, 0755);
            }
        });
        covered.push_back(path);
    }
}

// Where CRIU puts the processes: into the container's cgroup, and in hierarchies in which it has
// none (they may not even be mounted here) to where we are.
std::vector<handoff::CriuCgroupRoot> cgroup_roots(const cgroup::Record& record) {
    std::vector<handoff::CriuCgroupRoot> roots;
    for (const auto& own :
         cgroup::parse_memberships(os::read_file_at(AT_FDCWD, "/proc/self/cgroup"))) {
        std::string path = own.path;
        for (const auto& directory : record.directories) {
            if (is_in_hierarchy(directory, own)) {
                path = directory.path.substr(directory.mount_point.size());
            }
        }
        roots.push_back({join(own.controllers, ","), std::move(path)});
    }
    return roots;
}

// For the mount to be attached on: a directory or a file, as that one is.
void make_place(int directory, const std::string& name, int mount) {
    struct stat status {};
    os::check(::fstat(mount, &status), "stat", name);
    if (S_ISDIR(status.st_mode)) {
        os::check(::mkdirat(directory, name.c_str(), 0700), "mkdir", name);
    } else {
        os::check(::mknodat(directory, name.c_str(), S_IFREG | 0600, 0), "mknod", name);
    }
}

// One restoration, from the directory to the record. What has been made when an exception passes is
// unmade by the destructor.
class Restoration {
  public:
    Restoration(const settings::Options& options, const RestoreOptions& asked)
        : options_(options), asked_(asked), call_(asked.create) {
        call_.is_restored = true;
    }
    Restoration(const Restoration&) = delete;
    Restoration& operator=(const Restoration&) = delete;
    ~Restoration() {
        if (!committed_) undo();
    }

    Created run();

  private:
    void read_bundle();
    void check_plan() const;
    void start_helper();
    void carry_out();
    CriuRequest send_request();
    CriuRequest make_request();
    void set_stage(CriuRequest& request);
    void add_inherited(CriuRequest& request);
    void add_namespaces(CriuRequest& request);
    void take_notice(const handoff::CriuNotice& notice, handoff::Received message);
    void run_hooks(pid_t pid);
    void finish(pid_t pid);
    void undo() noexcept;
    const translate::Plan& plan() const { return *plan_; }

    const settings::Options& options_;
    const RestoreOptions& asked_;
    CreateOptions call_;
    CheckpointImage image_;
    std::optional<ContainerDir> dir_;
    std::optional<const translate::Plan> plan_;
    Record record_;
    std::optional<NewCgroup> cgroup_;
    std::optional<helpers::CriuHelper> helper_;
    std::optional<attached::CallerSocket> console_socket_;
    std::optional<attached::CallerSocket> pidfd_socket_;
    HookFiles hook_files_;
    std::optional<os::ProcessRef> init_;
    os::UniqueFd terminal_;
    std::vector<os::UniqueFd> opened_;  // for CRIU: devices, mounts, namespaces
    std::vector<int> fds_;              // of the request, in its order
    bool hooks_have_run_ = false;
    bool has_pid_file_ = false;
    bool committed_ = false;
};

void Restoration::read_bundle() {
    const std::string text = copy_config(call_, *dir_);
    in_context(config_path(call_), [&] {
        plan_.emplace(translate_config(options_, call_, text));
        check_plan();
        check_bundle(image_, plan());
    });
    for (const auto& warning : plan().warnings) options_.warn(warning);
    console_socket_ = attached::CallerSocket::connect(call_.console_socket, "--console-socket");
    pidfd_socket_ = attached::CallerSocket::connect(call_.pidfd_socket, "--pidfd-socket");
    hook_files_ = HookFiles::open(plan().host.hook_files, call_.bundle);
    write_plan(dir_->fd(), plan());
    record_ = first_record(plan());
    cgroup_.emplace(options_, plan(), record_, dir_->fd());
    write_record(dir_->fd(), record_);
}

void Restoration::check_plan() const {
    if (plan().init.process.no_new_privileges) check_criu_keeps_no_new_privs(options_);
    if (plan().host.shared_mounts) {
        throw SpecError("/linux/namespaces",
                        "a container without a mount namespace of its own cannot be restored");
    }
    if (plan().host.resctrl) {
        throw SpecError("/linux/intelRdt", "a container in a group of resctrl cannot be restored");
    }
    if (!plan().init.process.terminal && !call_.console_socket.empty()) {
        throw Error("--console-socket is given, but /process/terminal is not true");
    }
    if (plan().init.process.terminal && call_.console_socket.empty() && !call_.keeps_terminal) {
        throw SpecError("/process/terminal", "got true, but --console-socket is missing");
    }
}

// It is outside of the container's cgroup: CRIU puts what it restores into it, and its own memory
// is not for the container's limit. systemd wants a process to begin with.
void Restoration::start_helper() {
    if (plan().host.cgroup.unit) {
        helper_.emplace(options_, cgroup::Entrance{});
        cgroup_->make_with_unit(helper_->process().pid());
    } else {
        cgroup_->make();
        const bool enters = asked_.criu.cgroup_mode == handoff::CriuCgroupMode::ignore;
        helper_.emplace(options_, enters ? cgroup_->entrance() : cgroup::Entrance{});
    }
    cgroup_->apply_early();
}

// The devices of a user namespace, and the sources of bind mounts: CRIU's copies have the ID
// mappings and the attributes of a source, and it forgets to set the attributes itself where an
// earlier mount of the same filesystem has the same ones. lxcri-criu mounts them in its own mount
// namespace, on the container directory, which it does not need.
void Restoration::set_stage(CriuRequest& request) {
    const auto mounts = mounts_to_stage(plan());
    if (!plan().hook.made_devices && mounts.empty()) return;
    request.stage = concat(options_.root, "/", call_.id);
    const os::UniqueFd& stage = opened_.emplace_back(attached::make_devices(
        plan().hook.made_devices ? plan().host.devices : std::vector<translate::OuterDevice>()));
    fds_.push_back(stage.get());
    std::vector<os::UniqueFd> copies;
    for (const auto& staged : mounts) {
        in_context(staged.mount->pointer, [&] {
            copies.push_back(attached::clone_bind(*staged.mount));
            for (const auto* change : staged.changes) {
                attached::apply_attributes(copies.back().get(), *change);
            }
            make_place(stage.get(), staged.name, copies.back().get());
        });
        request.staged_mounts.push_back(staged.name);
        fds_.push_back(copies.back().get());
    }
    std::move(copies.begin(), copies.end(), std::back_inserter(opened_));
}

// CRIU would seek in it, or set the modes of a terminal.
void check_kind(std::size_t number, const std::string& name, bool shell_job) {
    struct stat status {};
    const std::string what = concat("descriptor ", std::to_string(number));
    os::check(::fstat(static_cast<int>(number), &status), "stat", what);
    if (is_caller_terminal(name)) {
        constexpr std::string_view kThen = "the container was dumped with a terminal there";
        if (!shell_job) throw Error(concat(what, ": ", kThen, ", and --shell-job is not given"));
        if (::isatty(static_cast<int>(number)) == 1) return;
        throw Error(concat(what, ": expected a terminal; ", kThen));
    }
    if (!name.starts_with("file[") || !(S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode)))
        return;
    throw Error(concat(what, ": expected a file, got a ",
                       S_ISFIFO(status.st_mode) ? "pipe" : "socket",
                       "; the container was dumped with a file there"));
}

// What came from the caller then is now what this caller has.
void Restoration::add_inherited(CriuRequest& request) {
    const std::size_t have = 3 + std::size_t{call_.preserve_fds};
    for (std::size_t number = 0; number < image_.streams.size(); ++number) {
        const std::string& name = image_.streams[number];
        if (name.empty()) continue;
        if (number >= have) {
            throw Error(concat("--preserve-fds: the container was created with ",
                               std::to_string(image_.streams.size() - 3), ", got ",
                               std::to_string(call_.preserve_fds)));
        }
        check_kind(number, name, asked_.criu.shell_job);
        request.inherited.push_back(name);
        fds_.push_back(static_cast<int>(number));
    }
    for (auto& name : external_streams(image_)) request.external.push_back(std::move(name));
}

void Restoration::add_namespaces(CriuRequest& request) {
    for (const auto& entry : plan().host.namespaces) {
        const auto key = external_namespace_key(entry.type);
        if (key.empty()) {
            request.joined.push_back({entry.type, entry.path});
            continue;
        }
        opened_.push_back(in_context(concat(entry.pointer, "/path"), [&] {
            return os::open_namespace(entry.path, entry.clone_flag);
        }));
        request.inherited.emplace_back(key);
        fds_.push_back(opened_.back().get());
    }
}

CriuRequest Restoration::make_request() {
    CriuRequest request = common_request(options_, asked_.criu);
    request.action = CriuAction::restore;
    request.log_file = "restore.log";
    request.root = record_.rootfs;
    request.lsm_profile = asked_.lsm_profile;
    request.lsm_mount_context = asked_.lsm_mount_context;
    request.config_file = criu_config_file(plan().host.annotations);
    set_stage(request);
    request.external = external_at_restore(image_, plan(), request.stage);
    request.has_user_namespace = plan().host.find_namespace(oci::NamespaceType::user) != nullptr;
    request.cgroup_roots = cgroup_roots(record_.cgroup);
    add_inherited(request);
    add_namespaces(request);
    return request;
}

// Until lxcri-criu has them there is a descriptor for each bind mount.
CriuRequest Restoration::send_request() {
    const os::ManyDescriptors many;
    CriuRequest request = make_request();
    helper_->send_request(request, fds_);
    opened_.clear();
    return request;
}

void Restoration::carry_out() {
    const CriuRequest request = send_request();
    const pid_t pid = helper_->carry_out(
        request, [&](const handoff::CriuNotice& notice, handoff::Received message) {
            take_notice(notice, std::move(message));
        });
    if (!init_ || init_->pid() != pid)
        throw Error("criu: it has not restored the container's init");
}

void Restoration::take_notice(const handoff::CriuNotice& notice, handoff::Received message) {
    if (notice.script == "setup-namespaces") return run_hooks(notice.pid);
    if (notice.script == "orphan-pts-master") {
        terminal_ = take_terminal(std::move(message), console_socket_,
                                  plan().init.process.terminal_size.height != 0);
        return;
    }
    if (notice.script == "post-restore") finish(notice.pid);
}

// Those of the runtime namespace, as when it was created: they give it its network.
void Restoration::run_hooks(pid_t pid) {
    if (plan().host.prestart.empty() && plan().host.create_runtime.empty()) return;
    hooks_have_run_ = true;
    const std::string text =
        oci::to_json(state_for_hooks(plan().host, record_, pid, oci::Status::creating),
                     oci::JsonStyle::one_line);
    for (const auto& hooks : {plan().host.prestart, plan().host.create_runtime}) {
        handoff::run_hooks(handoff::with_own_environment(hooks), text, call_.bundle,
                           hook_files_.output());
    }
}

// All processes are there, and stand still until CRIU has our answer.
void Restoration::finish(pid_t pid) {
    init_ = os::ProcessRef::open(pid);
    cgroup_->apply_limits();
    record_.pid = init_->pid();
    record_.start_time = init_->start_time();
    write_record(dir_->fd(), record_);
    if (pidfd_socket_) pidfd_socket_->send("standard", init_->pidfd());
    if (call_.pid_file.empty()) return;
    write_pid_file(call_.pid_file, record_.pid);
    has_pid_file_ = true;
}

void Restoration::undo() noexcept {
    if (dir_) dir_->use_spare();
    CleanUp clean_up(options_.warn);
    const auto limit = os::Clock::now() + std::chrono::seconds(10);
    if (helper_) clean_up.step([&] { os::kill_with_descendants(helper_->process(), limit); });
    if (init_) {
        clean_up.step([&] {
            init_->signal(SIGKILL);
            init_->wait_exit(limit);
        });
    }
    bool all = true;
    if (cgroup_) {
        all = cgroup_->remove(limit, clean_up);
        all = clean_up.step([&] { cgroup_->stop_unit(); }) && all;
    }
    if (has_pid_file_) (void)::unlink(call_.pid_file.c_str());
    // What is left `delete --force` finds by the record.
    if (dir_ && all) clean_up.step([&] { dir_->remove(); });
    if (hooks_have_run_) {
        clean_up.step([&] {
            run_poststop_hooks(plan().host,
                               translate::make_state(plan().host, oci::Status::stopped),
                               options_.warn);
        });
    }
}

Created Restoration::run() {
    const CriuFiles files = CriuFiles::open(asked_.criu);
    image_ = read_image(files.images());
    (void)helpers::find_criu(options_);
    dir_ = ContainerDir::create(options_.root, call_.id);
    read_bundle();
    make_mount_points(record_.rootfs, plan(), image_);
    start_helper();
    carry_out();
    committed_ = true;
    return {std::move(*init_), {}, true, false, std::move(terminal_), {}};
}

}  // namespace

int restore(const settings::Options& options, RestoreOptions asked) {
    if (!os::is_host_root()) throw Error("restore: only root of the host can restore a container");
    check_id(asked.create.id);
    if (asked.detach) {
        (void)Restoration(options, asked).run();
        return 0;
    }
    os::check(::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), "prctl PR_SET_CHILD_SUBREAPER");
    Foreground foreground;
    asked.create.keeps_terminal = true;
    Created restored = Restoration(options, asked).run();
    std::optional<attached::TerminalRelay> relay;
    if (restored.terminal.valid()) relay.emplace(std::move(restored.terminal));
    options.succeeded();
    const os::ExitStatus status =
        foreground.follow(restored.init, restored.init.pid(), relay ? &*relay : nullptr);
    relay.reset();
    if (!asked.keep) remove(options, asked.create.id, IfRunning::kill);
    return status.to_shell_code();
}

}  // namespace lxcri::runtime
