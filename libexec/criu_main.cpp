// lxcri-criu: lets CRIU dump or restore a container, as `lxcri` asks (handoff/criu.h). A program of
// its own, because it links protobuf, and because it is the parent of what CRIU restores.
//
// Privilege: that of the caller, which is root. Descriptors it gets: 0-2 a file in memory that
// takes what CRIU and its programs print; handoff::kChannelFd.
//
// A dump goes on after lxcri was killed: a CRIU that dies leaves the processes of the container
// stopped, or with its code in them. It ends with the container, while it only offers memory to
// others. A restore ends when lxcri was killed, and kills the processes that it has made.

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/strings.h"
#include "criu_images.h"
#include "criu_rpc.pb.h"
#include "handoff/channel.h"
#include "handoff/criu.h"
#include "os/check.h"
#include "os/descriptor_limit.h"
#include "os/file.h"
#include "os/mount.h"
#include "os/process.h"
#include "os/spawn.h"
#include "os/unix_socket.h"

namespace {

using namespace lxcri;
using handoff::CriuAction;
using handoff::CriuRequest;
using handoff::MessageKind;

// What CRIU works with, by what it is for.
struct Descriptors {
    os::UniqueFd images;
    os::UniqueFd log_directory;
    os::UniqueFd status;
    os::UniqueFd stage;
    std::vector<os::UniqueFd> staged_mounts;
    std::vector<os::UniqueFd> inherited;
};

Descriptors take_descriptors(std::vector<os::UniqueFd> fds, const CriuRequest& request) {
    const std::size_t stage = request.stage.empty() ? 0 : 1;
    const std::size_t status = request.has_status_fd ? 1 : 0;
    const std::size_t mounts = request.staged_mounts.size();
    const std::size_t count = status + stage + mounts + request.inherited.size();
    while (fds.size() < count) {
        auto more = handoff::expect(handoff::kChannelFd, MessageKind::sources).fds;
        if (more.empty()) throw Error("internal error: the request came without its descriptors");
        std::move(more.begin(), more.end(), std::back_inserter(fds));
    }
    Descriptors result;
    auto next = std::move_iterator(fds.begin());
    if (request.has_status_fd) result.status = *next++;
    if (!request.stage.empty()) result.stage = *next++;
    result.staged_mounts.assign(next, next + static_cast<std::ptrdiff_t>(mounts));
    next += static_cast<std::ptrdiff_t>(mounts);
    result.inherited.assign(next, std::move_iterator(fds.end()));
    return result;
}

std::string path_of(const os::UniqueFd& fd) {
    return concat("/proc/self/fd/", std::to_string(fd.get()));
}

// In a container with a user namespace CRIU reads the images as two users that may not enter root's
// directory: root of the host without its capabilities, then root of the container. The files
// themselves are readable by all. So both get a view of the directory that all may enter, in a
// mount namespace of this process alone: an overlay has the mode of its uppermost directory.
void open_images_to_all(const std::string& images) {
    const os::UniqueFd directory = os::open_at(AT_FDCWD, images, O_PATH | O_DIRECTORY);
    os::NewFilesystem tmpfs("tmpfs");
    tmpfs.set_string("size", "4096");
    tmpfs.set_string("mode", "755");
    os::attach_mount(tmpfs.mount(MOUNT_ATTR_NOEXEC).get(), directory.get(), images);
    const os::UniqueFd empty = os::open_at(AT_FDCWD, images, O_PATH | O_DIRECTORY);
    os::NewFilesystem overlay("overlay");
    overlay.set_string("lowerdir", concat(path_of(empty), ":", path_of(directory)));
    os::attach_mount(overlay.mount(MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOEXEC).get(), empty.get(),
                     images);
}

void open_directories(const CriuRequest& request, Descriptors& fds) {
    // The log is written as root, also where it is among the images.
    fds.log_directory = os::open_at(AT_FDCWD, request.log_directory, O_RDONLY | O_DIRECTORY);
    if (request.has_user_namespace) open_images_to_all(request.images);
    fds.images = os::open_at(AT_FDCWD, request.images, O_RDONLY | O_DIRECTORY);
}

criu::RequestType type_of(CriuAction action) {
    switch (action) {
        case CriuAction::dump:
            return criu::DUMP;
        case CriuAction::pre_dump:
            return criu::PRE_DUMP;
        case CriuAction::restore:
            return criu::RESTORE;
    }
    throw Error("internal error: unknown action");
}

// What is the same for every action.
void set_common(const CriuRequest& request, const Descriptors& fds, criu::Options& options) {
    options.set_images_dir_fd(fds.images.get());
    options.set_work_dir_fd(fds.log_directory.get());
    options.set_log_file(request.log_file);
    options.set_log_level(4);
    options.set_root(request.root);
    options.set_notify_scripts(true);
    options.set_orphan_pts_master(true);
    options.set_evasive_devices(true);
    options.set_shell_job(request.shell_job);
    options.set_tcp_established(request.tcp_established);
    options.set_tcp_skip_in_flight(request.tcp_skip_in_flight);
    options.set_tcp_close(request.tcp_close);
    options.set_ext_unix_sk(request.external_unix_sockets);
    options.set_file_locks(request.file_locks);
    options.set_link_remap(request.link_remap);
    options.set_auto_dedup(request.auto_dedup);
    options.set_lazy_pages(request.lazy_pages);
    options.set_manage_cgroups(true);
    options.set_manage_cgroups_mode(static_cast<std::uint32_t>(request.cgroup_mode));
    if (request.empty_network) options.set_empty_ns(CLONE_NEWNET);
    if (!request.parent_images.empty()) options.set_parent_img(request.parent_images);
    if (fds.status.valid()) options.set_status_fd(fds.status.get());
    if (!request.config_file.empty()) options.set_config_file(request.config_file);
    for (const auto& resource : request.external) options.add_external(resource);
}

void set_dump(const CriuRequest& request, criu::Options& options) {
    options.set_pid(request.pid);
    options.set_leave_running(request.leave_running);
    options.set_track_mem(request.track_memory);
    if (!request.freezer.empty()) options.set_freeze_cgroup(request.freezer);
    if (request.page_server_port == 0) return;
    options.mutable_ps()->set_address(request.page_server_address);
    options.mutable_ps()->set_port(request.page_server_port);
}

void set_restore(const CriuRequest& request, const Descriptors& fds, criu::Options& options) {
    // The container's init becomes a child of this process, and when that ends, of the caller's
    // subreaper.
    options.set_rst_sibling(true);
    for (std::size_t i = 0; i < request.inherited.size(); ++i) {
        auto* entry = options.add_inherit_fd();
        entry->set_key(request.inherited[i]);
        entry->set_fd(fds.inherited[i].get());
    }
    for (const auto& root : request.cgroup_roots) {
        auto* entry = options.add_cg_root();
        if (!root.controllers.empty()) entry->set_ctrl(root.controllers);
        entry->set_path(root.path);
    }
    for (const auto& joined : request.joined) {
        auto* entry = options.add_join_ns();
        entry->set_ns(joined.type);
        entry->set_ns_file(joined.path);
    }
    if (!request.lsm_profile.empty()) options.set_lsm_profile(request.lsm_profile);
    if (!request.lsm_mount_context.empty()) {
        options.set_lsm_mount_context(request.lsm_mount_context);
    }
}

std::string request_text(const CriuRequest& request, const Descriptors& fds) {
    criu::Request message;
    message.set_type(type_of(request.action));
    auto* options = message.mutable_opts();
    set_common(request, fds, *options);
    if (request.action == CriuAction::restore) {
        set_restore(request, fds, *options);
    } else {
        set_dump(request, *options);
    }
    return message.SerializeAsString();
}

// CRIU needs a root that is a mount. In a mount namespace of our own no other process sees it, and
// it ends with us.
void make_root_a_mount(const std::string& root) {
    os::check(::unshare(CLONE_NEWNS), "unshare CLONE_NEWNS");
    os::check(::mount("", "/", nullptr, MS_REC | MS_SLAVE, nullptr), "mount MS_SLAVE", "/");
    os::check(::mount(root.c_str(), root.c_str(), nullptr, MS_BIND | MS_REC, nullptr),
              "mount MS_BIND", root);
    os::check(::mount("", root.c_str(), nullptr, MS_PRIVATE | MS_REC, nullptr), "mount MS_PRIVATE",
              root);
}

// `criu swrk N`: serves one request on descriptor N. All keep their numbers.
os::ChildProcess start_criu(const CriuRequest& request, const Descriptors& fds, int socket) {
    os::Command command;
    command.path = request.criu;
    command.arguments = {"criu", "swrk", std::to_string(socket)};
    // CRIU runs ip, iptables and tar by name.
    command.environment = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"};
    command.descriptors = {{socket, socket}};
    const auto keep = [&](const os::UniqueFd& fd) {
        if (fd.valid()) command.descriptors.push_back({fd.get(), fd.get()});
    };
    keep(fds.images);
    keep(fds.log_directory);
    keep(fds.status);
    for (const auto& fd : fds.inherited) keep(fd);
    command.signals = os::Signals::ours;  // a lost reader must not kill it in the middle: SIGPIPE
    if (request.action != CriuAction::restore) command.at_our_end = os::AtOurEnd::goes_on;
    os::Spawned criu = os::spawn(command);
    criu.wait_until_executed();
    return std::move(criu.process());
}

// The messages between CRIU and us.
class Criu {
  public:
    Criu(const CriuRequest& request, const Descriptors& fds)
        : request_(request), process_(start(fds)) {
        os::send_message(socket_.get(), request_text(request, fds), {});
    }

    // Until CRIU says something. False when `other` (-1: none) is readable, and CRIU still says
    // nothing in `grace`.
    bool wait_for_message(int other, std::chrono::milliseconds grace) const {
        std::array<pollfd, 2> wanted{{{socket_.get(), POLLIN, 0}, {other, POLLIN, 0}}};
        os::check(os::retry([&] { return ::poll(wanted.data(), wanted.size(), -1); }), "poll");
        if (wanted[0].revents != 0) return true;
        const int limit = static_cast<int>(grace.count());
        return os::check(os::retry([&] { return ::poll(wanted.data(), 1, limit); }), "poll") == 1;
    }

    // CRIU, and what it has restored so far: the container's init is a child of ours, and this
    // program has no others.
    void kill_all() {
        os::kill_with_descendants(process_, os::Clock::now() + kKillTime, os::OtherChildren::kill);
    }

    // Returns nullopt if CRIU has died.
    std::optional<std::pair<criu::Response, std::vector<os::UniqueFd>>> receive() {
        auto message = os::receive_message(socket_.get());
        if (!message) return {};
        criu::Response response;
        if (!response.ParseFromString(message->data))
            throw Error("criu: an answer of an unknown form");
        return {{std::move(response), std::move(message->fds)}};
    }

    void acknowledge(bool success) {
        criu::Request answer;
        answer.set_type(criu::NOTIFY);
        answer.set_notify_success(success);
        os::send_message(socket_.get(), answer.SerializeAsString(), {});
    }

    // After a pre-dump CRIU waits for a next request until we have hung up.
    os::ExitStatus wait() {
        socket_.reset();
        return process_.wait().value();
    }

  private:
    os::ChildProcess start(const Descriptors& fds) {
        auto [ours, theirs] = os::make_seqpacket_pair();
        socket_ = std::move(ours);
        return start_criu(request_, fds, theirs.get());
    }

    static constexpr std::chrono::seconds kKillTime{10};
    const CriuRequest& request_;
    os::UniqueFd socket_;
    os::ChildProcess process_;
};

std::string describe_failure(const criu::Response& response) {
    if (!response.cr_errmsg().empty()) return response.cr_errmsg();
    if (response.cr_errno() != 0) return errno_text(response.cr_errno());
    return "it failed";
}

// Tells lxcri of a step, and CRIU whether to go on.
bool ask_lxcri(const CriuRequest& request, const criu::Notify& notify,
               const std::vector<os::UniqueFd>& fds) {
    std::vector<int> numbers;
    numbers.reserve(fds.size());
    for (const auto& fd : fds) numbers.push_back(fd.get());
    try {
        handoff::send(handoff::kChannelFd, MessageKind::criu_notice,
                      handoff::encode(handoff::CriuNotice{notify.script(), notify.pid()}), numbers);
        const auto answer = handoff::receive(handoff::kChannelFd);
        if (answer) return answer->kind == MessageKind::criu_go_on;
    } catch (const handoff::Disconnected&) {
        return request.action != CriuAction::restore;
    } catch (const Error&) {
        return false;  // CRIU takes back what it has done
    }
    return request.action != CriuAction::restore;  // lxcri has been killed
}

// All images are written, and the container still stands still: what fails now leaves it as it was.
bool finish_images(const CriuRequest& request, const criu::Notify& notify, int images) {
    if (notify.script() != "post-dump" || request.action != CriuAction::dump) return true;
    try {
        if (request.pid_without_death_signal != 0)
            libexec::clear_death_signal(images, request.pid_without_death_signal);
        if (!request.shared_cgroups.empty())
            libexec::forget_cgroups(images, request.shared_cgroups);
        return true;
    } catch (const Error&) {
        return false;
    }
}

// Without which CRIU works for nothing. For a restore: lxcri. For a dump that offers its memory
// until others have fetched all of it (--lazy-pages): the container.
class Purpose {
  public:
    explicit Purpose(const CriuRequest& request) {
        if (request.action == CriuAction::restore) fd_ = handoff::kChannelFd;
        if (request.action != CriuAction::dump || !request.lazy_pages) return;
        init_ = os::ProcessRef::open(request.pid);
        fd_ = init_->pidfd();
        // A dump ends the container, and then says that it is done.
        grace_ = std::chrono::seconds(10);
    }

    void wait_for_message(const Criu& criu) const {
        if (criu.wait_for_message(fd_, grace_)) return;
        throw Error(init_ ? "the container has ended" : "the runtime has ended");
    }
    bool ends_criu() const { return fd_ != -1; }

  private:
    int fd_ = -1;
    std::optional<os::ProcessRef> init_;
    std::chrono::milliseconds grace_{0};
};

// Until CRIU has done what it was asked for. The pid of a restored init.
pid_t serve(const CriuRequest& request, const Purpose& purpose, Criu& criu, int images) {
    while (true) {
        purpose.wait_for_message(criu);
        auto answer = criu.receive();
        if (!answer) throw Error(concat("criu ", criu.wait().describe()));
        const auto& [response, received] = *answer;
        if (response.type() == criu::NOTIFY && response.has_notify()) {
            criu.acknowledge(finish_images(request, response.notify(), images) &&
                             ask_lxcri(request, response.notify(), received));
            continue;
        }
        if (!response.success()) throw Error(concat("criu: ", describe_failure(response)));
        (void)criu.wait();
        return response.has_restore() ? response.restore().pid() : 0;
    }
}

// In the mount namespace of this process.
void attach(const os::UniqueFd& mount, const std::string& path) {
    const auto place = os::open_at(AT_FDCWD, path, O_PATH);
    os::attach_mount(mount.get(), place.get(), path);
}

void set_stage(const CriuRequest& request, const Descriptors& fds) {
    if (!fds.stage.valid()) return;
    attach(fds.stage, request.stage);
    for (std::size_t i = 0; i < request.staged_mounts.size(); ++i) {
        attach(fds.staged_mounts[i], concat(request.stage, "/", request.staged_mounts[i]));
    }
}

void carry_out(const CriuRequest& request, Descriptors fds) {
    if (request.action == CriuAction::restore) make_root_a_mount(request.root);
    set_stage(request, fds);
    open_directories(request, fds);
    const Purpose purpose(request);
    Criu criu(request, fds);
    try {
        const pid_t pid = serve(request, purpose, criu, fds.images.get());
        handoff::send(handoff::kChannelFd, MessageKind::criu_done,
                      handoff::encode(handoff::CriuNotice{"", pid}));
    } catch (const Error&) {
        if (purpose.ends_criu()) criu.kill_all();
        throw;
    }
}

}  // namespace

int main() {
    try {
        os::close_on_exec_from(3);
        (void)::signal(SIGPIPE, SIG_IGN);
        // One for each bind mount, here and in CRIU, which gives each process its own limits.
        const os::ManyDescriptors many;
        auto message = handoff::expect(handoff::kChannelFd, MessageKind::criu_request);
        const auto request = handoff::decode<CriuRequest>(message.body);
        carry_out(request, take_descriptors(std::move(message.fds), request));
    } catch (const std::exception& error) {
        handoff::send_failure(handoff::kChannelFd, error);
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
