#pragma once
// A root filesystem for the mount hook, to which no process has changed yet.

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <filesystem>
#include <string>

#include "handoff/plan.h"
#include "hooks/mounts.h"
#include "os/check.h"
#include "os/file.h"
#include "unit/os/in_namespaces.h"
#include "unit/os/temp_dir.h"

namespace lxcri::test {

namespace fs = std::filesystem;

// "rootfs" in a directory that also has "outside", with a file that must stay as it is.
class Rootfs {
  public:
    Rootfs() {
        fs::create_directories(path());
        put_file(outside() / "file", "outside");
    }
    fs::path path() const { return temp_ / "rootfs"; }
    fs::path operator/(std::string_view name) const { return path() / name; }
    fs::path outside() const { return temp_ / "outside"; }
    os::UniqueFd open() const {
        return os::open_at(AT_FDCWD, path().string(), O_PATH | O_DIRECTORY);
    }
    bool outside_is_as_it_was() const {
        return tree_of(outside()) == std::vector<std::string>{"file"} &&
               content_of(outside() / "file") == "outside" && !is_mount(outside() / "file");
    }
    // Is something else mounted there than on the directory above?
    static bool is_mount(const fs::path& path) {
        struct stat here {
        }, above{};
        os::check(::lstat(path.c_str(), &here), "lstat", path.string());
        os::check(::lstat(path.parent_path().c_str(), &above), "lstat", path.string());
        return here.st_dev != above.st_dev;
    }

  private:
    TempDir temp_;
};

inline handoff::MountAction tmpfs_on(const std::string& destination) {
    handoff::MountAction action;
    action.pointer = "/mounts/0";
    action.destination = destination;
    action.kind = handoff::MountKind::filesystem;
    action.type = "tmpfs";
    action.source = "tmpfs";
    return action;
}

// A bind of something in the root filesystem itself.
inline handoff::MountAction bind_inside(const std::string& source, const std::string& destination) {
    handoff::MountAction action;
    action.pointer = "/mounts/0";
    action.destination = destination;
    action.kind = handoff::MountKind::bind;
    action.source = source;
    action.source_inside = true;
    action.recursive = true;
    return action;
}

// What the mount hook does with one mount, in a child: with its umask, and without a source to ask
// for.
inline void make_mount(const Rootfs& rootfs, const handoff::MountAction& action) {
    ::umask(0);
    hooks::SourceReceiver no_sources(-1);
    hooks::DelayedAttributes delayed;
    hooks::make_mount(rootfs.open().get(), action, no_sources, delayed);
    delayed.apply();
}

// The same in namespaces of its own: "" or the message.
inline std::string error_of_mount(const Rootfs& rootfs, const handoff::MountAction& action) {
    return in_user_namespace([&] {
        make_mount(rootfs, action);
        return std::string();
    });
}

}  // namespace lxcri::test
