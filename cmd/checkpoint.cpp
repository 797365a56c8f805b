#include "runtime/checkpoint.h"

#include <fcntl.h>

#include <array>
#include <memory>

#include "base/enum_table.h"
#include "base/error.h"
#include "base/strings.h"
#include "command.h"
#include "create_arguments.h"

namespace lxcri::cmd {

namespace {

using handoff::CriuCgroupMode;

constexpr std::array<Named<CriuCgroupMode>, 4> kCgroupModes{{
    {"soft", CriuCgroupMode::soft},
    {"full", CriuCgroupMode::full},
    {"strict", CriuCgroupMode::strict},
    {"ignore", CriuCgroupMode::ignore},
}};

struct CriuArguments {
    std::string image_path = "checkpoint";
    std::string work_path;
    std::string cgroup_mode = "soft";
    std::vector<std::string> empty_namespaces;
};

// It need not exist yet.
std::string absolute(const std::string& path) {
    if (path.empty() || path.starts_with('/')) return path;
    const std::unique_ptr<char, void (*)(void*)> here(::getcwd(nullptr, 0), ::free);
    if (!here) throw SystemError(errno, "getcwd");
    return concat(here.get(), "/", path);
}

void add_criu_options(CLI::App& app, CriuArguments& arguments, runtime::CriuOptions& options) {
    app.add_option("--image-path", arguments.image_path,
                   "directory of the images (default: checkpoint)");
    app.add_option("--work-path", arguments.work_path,
                   "directory of CRIU's log (default: that of the images)");
    app.add_flag("--tcp-established", options.tcp_established, "keep open TCP connections");
    app.add_flag("--tcp-close", options.tcp_close, "close open TCP connections");
    app.add_flag("--ext-unix-sk", options.external_unix_sockets,
                 "allow connected unix sockets whose other end is outside");
    app.add_flag("--shell-job", options.shell_job, "allow processes on the caller's terminal");
    app.add_flag("--file-locks", options.file_locks, "keep locks on files");
    app.add_flag("--link-remap", options.link_remap, "keep open files that have been removed");
    app.add_flag("--lazy-pages", options.lazy_pages, "move memory when it is needed (userfaultfd)");
    app.add_flag("--auto-dedup", options.auto_dedup, "drop memory from older images");
    app.add_option("--empty-ns", arguments.empty_namespaces,
                   "network: leave what is in the network namespace to others");
    app.add_option("--manage-cgroups-mode,--manage-cgroups", arguments.cgroup_mode,
                   "cgroups below the container's: soft, full, strict or ignore");
}

void take(const CriuArguments& arguments, runtime::CriuOptions& options) {
    if (arguments.image_path.empty()) throw Error("--image-path: expected a directory, got \"\"");
    options.image_path = absolute(arguments.image_path);
    options.work_path = absolute(arguments.work_path);
    const auto mode = value_of(kCgroupModes, arguments.cgroup_mode);
    if (!mode) {
        throw Error(concat("--manage-cgroups-mode: expected ", names_of(kCgroupModes), ", got ",
                           lxcri::in_quotes(arguments.cgroup_mode)));
    }
    options.cgroup_mode = *mode;
    for (const auto& name : arguments.empty_namespaces) {
        if (name != "network") {
            throw Error(concat("--empty-ns: expected network, got ", lxcri::in_quotes(name)));
        }
        options.empty_network = true;
    }
}

// "10.0.0.1:27", "[::1]:27".
void take_page_server(const std::string& text, runtime::CheckpointOptions& options) {
    if (text.empty()) return;
    const auto colon = text.rfind(':');
    const auto port = colon == std::string::npos
                          ? std::optional<std::uint16_t>()
                          : parse_integer<std::uint16_t>(text.substr(colon + 1));
    if (!port || *port == 0 || colon == 0) {
        throw Error(concat("--page-server: expected ADDRESS:PORT, got ", lxcri::in_quotes(text)));
    }
    options.page_server_address = text.substr(0, colon);
    options.page_server_port = *port;
}

void check_status_fd(const std::optional<int>& fd) {
    if (!fd || (*fd >= 0 && ::fcntl(*fd, F_GETFD) != -1)) return;
    throw Error(concat("--status-fd: descriptor ", std::to_string(*fd), " is not open"));
}

}  // namespace

int run_checkpoint(const Globals& globals, Arguments arguments) {
    CLI::App app("Write a running container to files with CRIU. It ends then, and is deleted.",
                 "lxcri checkpoint");
    CriuArguments values;
    runtime::CheckpointOptions options;
    std::string page_server;
    app.add_option("ID", options.id, "the container")->required();
    add_criu_options(app, values, options.criu);
    app.add_option("--parent-path", options.parent_path,
                   "images of an earlier --pre-dump, relative to --image-path");
    app.add_flag("--pre-dump", options.pre_dump, "only the memory; the container goes on");
    app.add_flag("-R,--leave-running", options.leave_running, "the container goes on");
    app.add_flag("--tcp-skip-in-flight", options.tcp_skip_in_flight,
                 "leave out TCP connections that are being made");
    app.add_option("--page-server", page_server, "ADDRESS:PORT of a CRIU that takes the memory");
    app.add_option("--status-fd", options.status_fd,
                   "descriptor that gets a zero byte when CRIU can serve pages");
    parse(app, std::move(arguments));
    take(values, options.criu);
    take_page_server(page_server, options);
    check_status_fd(options.status_fd);
    runtime::checkpoint(globals.options, options);
    return EXIT_SUCCESS;
}

int run_restore(const Globals& globals, Arguments arguments) {
    CLI::App app("Make a running container from a bundle and the files of `lxcri checkpoint`.",
                 "lxcri restore");
    CriuArguments values;
    CreateArguments create;
    runtime::RestoreOptions options;
    add_bundle_options(app, create);
    add_criu_options(app, values, options.criu);
    app.add_flag("-d,--detach", options.detach, "return when the container runs");
    app.add_flag("--keep", options.keep, "do not delete the container at the end");
    app.add_option("--lsm-profile", options.lsm_profile, "TYPE:NAME of the profile to run under");
    app.add_option("--lsm-mount-context", options.lsm_mount_context,
                   "SELinux context for mounts that have one");
    parse(app, std::move(arguments));
    take(values, options.criu);
    options.create = make_create_options(create, globals.options);
    return runtime::restore(globals.options, std::move(options));
}

}  // namespace lxcri::cmd
