#include "runtime/checkpoint.h"

#include <fcntl.h>

#include <array>

#include "base/enum_table.h"
#include "base/error.h"
#include "base/strings.h"
#include "command.h"
#include "create_options.h"
#include "os/directory.h"
#include "parse.h"

namespace lxcri::cmd {

namespace {

using handoff::CriuCgroupMode;

constexpr std::array<Named<CriuCgroupMode>, 4> kCgroupModes{{
    {"soft", CriuCgroupMode::soft},
    {"full", CriuCgroupMode::full},
    {"strict", CriuCgroupMode::strict},
    {"ignore", CriuCgroupMode::ignore},
}};

using runtime::CheckpointOptions;
using runtime::CriuOptions;
using runtime::RestoreOptions;

void leave_namespace_empty(CriuOptions& options, const std::string& name) {
    if (name != "network") reject("--empty-ns", name, "network");
    options.empty_network = true;
}

constexpr auto kCriuOptions = std::to_array<Option<CriuOptions>>({
    {"--image-path", "DIR", "directory of the images (default: checkpoint)",
     &CriuOptions::image_path},
    {"--work-path", "DIR", "directory of CRIU's log (default: that of the images)",
     &CriuOptions::work_path},
    {"--tcp-established", "", "keep open TCP connections", &CriuOptions::tcp_established},
    {"--tcp-close", "", "close open TCP connections", &CriuOptions::tcp_close},
    {"--ext-unix-sk", "", "allow unix sockets that are connected to the outside",
     &CriuOptions::external_unix_sockets},
    {"--shell-job", "", "allow processes on the caller's terminal", &CriuOptions::shell_job},
    {"--file-locks", "", "keep file locks", &CriuOptions::file_locks},
    {"--link-remap", "", "keep files that are open but have no name any more",
     &CriuOptions::link_remap},
    {"--lazy-pages", "", "move memory when it is needed (userfaultfd)", &CriuOptions::lazy_pages},
    {"--auto-dedup", "", "remove memory from older images if newer ones have it",
     &CriuOptions::auto_dedup},
    {"--empty-ns", "NAMESPACE", "network: leave out the contents of the network namespace",
     leave_namespace_empty},
    {"--manage-cgroups-mode,--manage-cgroups", "MODE",
     "cgroups below the container's: soft, full, strict or ignore (default: soft)",
     [](CriuOptions& options, const std::string& text) {
         options.cgroup_mode = choose(kCgroupModes, "--manage-cgroups-mode", text);
     }},
});

void complete(CriuOptions& options) {
    if (options.image_path.empty()) throw Error("--image-path: expected a directory, got \"\"");
    options.image_path = os::absolute_path(options.image_path);
    if (!options.work_path.empty()) options.work_path = os::absolute_path(options.work_path);
}

// "10.0.0.1:27", "[::1]:27".
void take_page_server(CheckpointOptions& options, const std::string& text) {
    if (text.empty()) return;
    const auto colon = text.rfind(':');
    const auto port = colon == std::string::npos
                          ? std::optional<std::uint16_t>()
                          : parse_integer<std::uint16_t>(text.substr(colon + 1));
    if (!port || *port == 0 || colon == 0) {
        reject("--page-server", text, "ADDRESS:PORT");
    }
    options.page_server_address = text.substr(0, colon);
    options.page_server_port = *port;
}

void check_status_fd(const std::optional<int>& fd) {
    if (!fd || (*fd >= 0 && ::fcntl(*fd, F_GETFD) != -1)) return;
    throw Error(concat("--status-fd: descriptor ", std::to_string(*fd), " is not open"));
}

constexpr auto kCheckpointOptions = std::to_array<Option<CheckpointOptions>>({
    {"ID", "", "name of the container", &CheckpointOptions::id, Need::required},
    {"--parent-path", "DIR", "images of an earlier --pre-dump, relative to --image-path",
     &CheckpointOptions::parent_path},
    {"--pre-dump", "", "only the memory; the container goes on", &CheckpointOptions::pre_dump},
    {"-R,--leave-running", "", "let the container go on", &CheckpointOptions::leave_running},
    {"--tcp-skip-in-flight", "", "leave out TCP connections that are not established yet",
     &CheckpointOptions::tcp_skip_in_flight},
    {"--page-server", "ADDRESS:PORT", "CRIU page server that gets the memory", take_page_server},
    {"--status-fd", "NUMBER", "descriptor that gets a zero byte when CRIU can serve pages",
     &CheckpointOptions::status_fd},
});

constexpr auto kRestoreOptions = std::to_array<Option<RestoreOptions>>({
    {"-d,--detach", "", "return when the container runs", &RestoreOptions::detach},
    {"--keep", "", "do not delete the container at the end", &RestoreOptions::keep},
    {"--lsm-profile", "TYPE:NAME", "profile to run under", &RestoreOptions::lsm_profile},
    {"--lsm-mount-context", "CONTEXT", "SELinux context for mounts that have one",
     &RestoreOptions::lsm_mount_context},
});

}  // namespace

int run_checkpoint(const settings::Options& common, Arguments arguments) {
    Parser parser("Write a running container to files with CRIU. Then it ends and is deleted.",
                  "lxcri checkpoint");
    CheckpointOptions options;
    parser.add(kCheckpointOptions, options);
    parser.add(kCriuOptions, options.criu);
    parser.parse(std::move(arguments));
    complete(options.criu);
    check_status_fd(options.status_fd);
    runtime::checkpoint(common, options);
    return EXIT_SUCCESS;
}

int run_restore(const settings::Options& common, Arguments arguments) {
    Parser parser("Make a running container from a bundle and the files of `lxcri checkpoint`.",
                  "lxcri restore");
    RestoreOptions options;
    parser.add(kBundleOptions, options.create);
    parser.add(kCriuOptions, options.criu);
    parser.add(kRestoreOptions, options);
    parser.parse(std::move(arguments));
    complete(options.criu);
    complete(options.create, common);
    return runtime::restore(common, std::move(options));
}

}  // namespace lxcri::cmd
