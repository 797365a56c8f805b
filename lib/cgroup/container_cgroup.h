#pragma once
// The cgroup of one container: one directory in each hierarchy of the host.
//
// `lxcri create` makes it before the first process of the container exists; kill, pause, delete
// and update open it again from the record in the state.

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cgroup/layout.h"
#include "os/process.h"
#include "os/spawn.h"
#include "os/unique_fd.h"

namespace lxcri::cgroup {

// One directory of the container's cgroup, as the state keeps it.
struct Directory {
    int version = 2;
    std::vector<std::string> controllers;  // version 1 only
    std::string mount_point;
    std::string path;         // absolute
    std::uint64_t inode = 0;  // tells it from a later cgroup of the same name; 0: not checked
    // While it is only planned: the first directory on the way that has to be made, "" when all are
    // there. A `create` that is killed may not have come to marking what it has made.
    std::string first_missing{};
};

struct Record {
    std::vector<Directory> directories;  // empty: the container has no cgroup
};

// What ContainerCgroup::create() would record, before anything is made: no directory is identified.
Record planned_record(const Layout& layout, const std::string& path);

// SystemError when there is no such directory.
std::uint64_t inode_of(const std::string& path);

// How a new process comes into the cgroup, more cheaply than by being moved later.
class Entrance {
  public:
    // For os::spawn(); what it refers to is ours.
    os::CgroupEntrance borrow() const;
    // Is the process where version 2 has been entered? True without version 2.
    bool is_inside(pid_t pid) const;

  private:
    friend class ContainerCgroup;
    os::UniqueFd unified_;             // the directory, O_PATH
    std::vector<os::UniqueFd> tasks_;  // the tasks files of version 1
};

// A cgroup below the container's, which somebody in the container has made.
struct SubCgroup {
    std::vector<std::string> controllers;  // hierarchies of version 1; empty: in every hierarchy
    std::string path;
};

// What remove() does about processes that are still in one of the directories: somebody may have
// put them into one hierarchy only, where kill_all_and_wait() does not see them.
enum class Leftovers { wait, kill };

class ContainerCgroup {
  public:
    // Makes the directory `path` (from container_path()) in every hierarchy, and what is missing
    // above it. One that exists must be empty, not frozen, and no other container's: Error. Undoes
    // what it did when it fails. `owner`: for mark_owner(), "" for no mark.
    static ContainerCgroup create(const Layout& layout, const std::string& path,
                                  const std::string& owner = {});
    // One that is nobody's own: made where it does not exist, whoever is in it otherwise.
    static ContainerCgroup open_or_make(const Layout& layout, const std::string& path);
    // Version 2: one below, for the container's own use.
    ContainerCgroup make_below(const std::string& path) const;
    // Opens nothing yet: each function opens the directories that it needs.
    static ContainerCgroup open(Record record);

    ContainerCgroup(ContainerCgroup&&) noexcept = default;
    ContainerCgroup& operator=(ContainerCgroup&&) noexcept = default;
    ContainerCgroup(const ContainerCgroup&) = delete;
    ContainerCgroup& operator=(const ContainerCgroup&) = delete;
    ~ContainerCgroup() = default;

    const Record& record() const noexcept { return record_; }

    // Version 2: makes the controllers available to the container's cgroup by enabling them in
    // every directory above it. Nothing for version 1. Error naming the controller and the
    // directory when one cannot be had.
    void enable_controllers(std::span<const std::string> controllers);

    // Version 2: the directory, and the files that may be given away with it, become the user's,
    // who may then make cgroups below (config-linux.md "Cgroup ownership"). Nothing for version 1.
    void give_to(uid_t uid) const;

    // For a new process. `below`: not into the container's cgroup itself, but into these. Error
    // when one is not there or leads out.
    // `init`: where a directory of the container has gone, its own present cgroup serves, which it
    // may have been moved to; 0: then it is an error.
    Entrance entrance(std::span<const SubCgroup> below = {}, pid_t init = 0) const;
    // Version 2 lets no process into a cgroup that passes controllers on to others below (EBUSY):
    // then to where this process of the container is now.
    Entrance entrance_beside(pid_t pid) const;
    // For those who enter the hierarchy that counts memory later than the others: the others, and
    // the file to which the process itself then writes "0". With version 2 that takes an RCU grace
    // period.
    Record record_without_memory() const;
    os::UniqueFd open_memory_entrance() const;
    // Moves a process, with all its threads, to the cgroup: the slow way (an RCU grace period).
    void add_process(pid_t pid) const;

    // The processes in the cgroup and in the cgroups below it.
    std::vector<pid_t> processes() const;
    bool is_populated() const;

    // The signal to every process, those too that are forked meanwhile: the cgroup is frozen
    // while that is done, and never stays so because of us. A paused container stays paused,
    // except that SIGKILL thaws it.
    void signal_all(int signal, os::Clock::time_point deadline) const;

    bool is_frozen() const;
    // Return when the kernel says that it is done; Error when the deadline passes first (and then
    // freeze() has undone itself).
    void freeze(os::Clock::time_point deadline) const;
    // Of what is frozen on a hybrid host: only version 2 holds it then, so that one thaw there is
    // enough. False where that changes nothing. freeze() takes it back.
    bool hold_with_v2_alone(os::Clock::time_point deadline) const;
    void thaw(os::Clock::time_point deadline) const;

    // Frozen processes of version 1 die of a SIGKILL only when they are thawed: thaws the cgroup
    // and those that the container has made below. Nothing for version 2.
    void let_killed_die() const;

    // SIGKILL to all, again and again for those that come, until none is left. False when
    // processes are left at the deadline.
    bool kill_all_and_wait(os::Clock::time_point deadline) const;
    // Waits until no process is left. False when the deadline passed first.
    bool wait_empty(os::Clock::time_point deadline) const;

    // Removes the directories with all below them, then those above that create() has made, as far
    // as they are empty. What is gone already is success. Processes that are just exiting are
    // waited for; Error when some are left at the deadline.
    void remove(os::Clock::time_point deadline, Leftovers leftovers = Leftovers::wait) const;

    // How many processes the kernel killed for want of memory since the cgroup was made.
    std::uint64_t oom_kills() const;

    // The version 1 directory with the controller, else the version 2 directory when it has the
    // controller; null: the container cannot be limited by it.
    const Directory* find_controller(std::string_view controller) const;
    const Directory* find_v1(std::string_view controller) const;
    const Directory* find_v2() const;

    // O_PATH descriptor of one of record().directories; invalid when it has gone.
    os::UniqueFd open_directory(const Directory& directory) const;

  private:
    explicit ContainerCgroup(Record record) : record_(std::move(record)) {}

    // The directory that says who is in the container: one is enough, they all have the same
    // processes. Version 2 when there is one, because it tells what happens and kills at a stroke.
    const Directory* find_members() const;
    const Directory* find_memory() const;
    os::UniqueFd open_members() const;
    void signal_each(int dir_fd, int signal, os::Clock::time_point deadline) const;
    void kill_once(int dir_fd, os::Clock::time_point deadline) const;
    bool try_freeze(os::Clock::time_point deadline) const;
    Record record_;
};

}  // namespace lxcri::cgroup
