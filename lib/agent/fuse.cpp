#include "agent/fuse.h"

#include <fcntl.h>
#include <sys/mount.h>

#include <algorithm>
#include <array>
#include <optional>

#include "agent/path.h"
#include "agent/program.h"
#include "base/error.h"
#include "base/strings.h"
#include "os/file.h"
#include "os/mountinfo.h"
#include "os/process.h"
#include "os/spawn.h"

namespace lxcri::agent {

namespace {

struct FlagOption {
    unsigned long flag;
    const char* option;  // "": what the kernel does anyway
};
constexpr std::array<FlagOption, 8> kFlags{{
    {MS_RDONLY, "ro"},
    {MS_NOSUID, ""},
    {MS_NODEV, ""},
    {MS_NOEXEC, "noexec"},
    {MS_NOATIME, "noatime"},
    {MS_NODIRATIME, "nodiratime"},
    {MS_RELATIME, ""},
    {MS_SILENT, ""},
}};

// As a file system of the kernel would be: for all users of the container, as far as the modes of
// files let them.
std::string options_of(const MountCall& call, const Filesystem& filesystem) {
    std::string options = "nosuid,nodev,allow_other,default_permissions";
    unsigned long flags = call.flags;
    for (const FlagOption& row : kFlags) {
        if ((flags & row.flag) == 0) continue;
        flags &= ~row.flag;
        if (*row.option != '\0') options += concat(",", row.option);
    }
    if (flags != 0) throw SystemError(EPERM, "mount");
    check_options(call.data, filesystem);
    return call.data.empty() ? options : concat(options, ",", call.data);
}

// An argument that the program does not take for an option.
std::string as_argument(const std::string& path) {
    return path.starts_with('-') ? concat("./", path) : path;
}

// The ID of the mount that has this file. From procfs: statx(2) would ask the server, which need
// not answer.
int find_mount_id(int fd) {
    const std::string text =
        os::read_file_at(AT_FDCWD, concat("/proc/self/fdinfo/", std::to_string(fd)));
    const auto value = os::find_status_value(text, "mnt_id");
    const auto id = value ? parse_integer<int>(*value) : std::nullopt;
    if (!id) throw Error("/proc/self/fdinfo has an unknown format");
    return *id;
}

int find_target(const Caller& caller, const std::string& target) {
    return find_mount_id(find_existing(caller, target, LastLink::follow).get());
}

bool is_fuse(std::string_view type) {
    return type == "fuse" || type == "fuseblk" || type.starts_with("fuse.");
}

bool is_fuse_mount(const Caller& caller, int id) {
    const std::string text = caller.read_file("mountinfo");
    const auto mounts = os::parse_mount_lines(text);
    return std::any_of(mounts.begin(), mounts.end(), [&](const os::MountLine& mount) {
        return mount.id == id && is_fuse(mount.type);
    });
}

Answer failed(int error, std::string_view program, std::string_view problem) {
    return {error, false, concat("mount: ", in_quotes(program), " ", problem)};
}

}  // namespace

Answer answer_fuse_mount(const Caller& caller, const Filesystem& filesystem, const MountCall& call,
                         int held) {
    // Another user's program would lose the capability when it is executed.
    if (caller.identity().uid != 0) return Answer::to_kernel();
    const std::string& program = filesystem.fuse;
    const std::string options = options_of(call, filesystem);
    const int before = find_target(caller, call.target);
    std::optional<os::ExitStatus> status;
    try {
        status = run_as_caller(caller, program,
                               {as_argument(call.source), as_argument(call.target), "-o", options},
                               held);
    } catch (const os::SpawnError& error) {
        return {error.code(), false, concat("mount: ", error.what())};
    }
    if (!status) return failed(ENODEV, program, "is not in the container's image");
    // It goes into the background when it has mounted.
    if (!status->success()) return failed(EINVAL, program, status->describe());
    const int after = find_target(caller, call.target);
    if (after == before || !is_fuse_mount(caller, after)) {
        return failed(EINVAL, program, "has ended without a mount");
    }
    return {};
}

}  // namespace lxcri::agent
