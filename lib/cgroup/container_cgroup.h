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
    // While it is only planned: the first directory on the way that must be made, "" when all are
    // there. A `create` that is killed may not have come to marking what it has made. Later: the
    // first that has been made and cannot be marked.
    std::string first_missing{};
};

struct Record {
    std::vector<Directory> directories;  // empty: the container has no cgroup
};

// What ContainerCgroup::create() would record, before anything is made: no directory is identified.
Record planned_record(const Layout& layout, const std::string& path);

// Throws SystemError if there is no such directory.
std::uint64_t inode_of(const std::string& path);

// The way of a new process into the cgroup: cheaper than to move it later.
class Entrance {
  public:
    // For os::spawn(). The descriptors stay ours.
    os::CgroupEntrance borrow() const;
    // Is the process in the directory of version 2? True if there is no version 2.
    bool is_inside(pid_t pid) const;

  private:
    friend class ContainerCgroup;
    os::UniqueFd unified_;             // the directory, O_PATH
    std::vector<os::UniqueFd> tasks_;  // the tasks files of version 1
};

// A cgroup below the container's, which a process of the container has made.
struct SubCgroup {
    std::vector<std::string> controllers;  // hierarchies of version 1; empty: in every hierarchy
    std::string path;
};

// What remove() does about processes that are still in one of the directories: another program may
// have put them into one hierarchy only, where kill_all_and_wait() does not see them.
enum class Leftovers { wait, kill };

class ContainerCgroup {
  public:
    // Makes the directory `path` (from container_path()) in every hierarchy, and what is missing
    // above it. One that exists must be empty, not frozen, and no other container's: Error. Undoes
    // what it did when it fails. `owner`: for mark_owner(), "" for no mark.
    static ContainerCgroup create(const Layout& layout, const std::string& path,
                                  const std::string& owner = {});
    // One that belongs to no container: it may have processes. Made if it does not exist.
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
    // every directory above it. Throws Error with controller and directory if one is not
    // available. Does nothing for version 1.
    void enable_controllers(std::span<const std::string> controllers);

    // Version 2: gives the directory and its delegable files to the user, who may then make
    // cgroups below (config-linux.md "Cgroup ownership"). Does nothing for version 1.
    void give_to(uid_t uid) const;

    // For a new process. `below`: these cgroups instead of the container's own. Throws Error if one
    // does not exist or leads out of the container's cgroup.
    // `init`: if a directory of the container was removed, the process enters the present cgroup
    // of init; 0: then that is an error.
    Entrance entrance(std::span<const SubCgroup> below = {}, pid_t init = 0) const;
    // Version 2 lets no process into a cgroup that passes controllers on to others below (EBUSY).
    // This entrance leads to the present cgroup of `pid`, a process of the container.
    Entrance entrance_beside(pid_t pid) const;
    // The path of the cgroup in which a new process can begin: the container's, or that of `init`
    // as above.
    std::string path_for_process(pid_t init) const;
    // For a process that enters the hierarchy that counts memory later than the others: the record
    // of the others, and the file to which the process then writes "0". With version 2 the write
    // takes an RCU grace period.
    Record record_without_memory() const;
    os::UniqueFd open_memory_entrance() const;
    // Moves a process, with all its threads, to the cgroup: the slow way (an RCU grace period).
    void add_process(pid_t pid) const;

    // The processes in the cgroup and in the cgroups below it.
    std::vector<pid_t> processes() const;
    bool is_populated() const;

    // Sends the signal to every process, also to those that are forked meanwhile: freezes the
    // cgroup for that time, and thaws it again. A paused container stays paused, but SIGKILL
    // thaws it. `freezes`: false if another command freezes it at this moment.
    void signal_all(int signal, os::Deadline deadline, bool freezes = true) const;

    bool is_frozen() const;
    // Is a process that was killed kept from its end by this? Not by a cgroup of version 2 above
    // it.
    bool holds_killed() const;
    // Return when the kernel says that it is done; throws Error if the deadline passes first (and
    // then freeze() has undone itself).
    void freeze(os::Deadline deadline) const;
    // Of what is frozen on a hybrid host: only version 2 holds it then, so that one thaw there is
    // enough. Returns false if that changes nothing. freeze() takes it back.
    bool hold_with_v2_alone(os::Deadline deadline) const;
    // The other way round, for liblxc's tools, which look at version 1 alone if it is there.
    void hold_with_v1_alone(os::Deadline deadline) const;
    void thaw(os::Deadline deadline) const;

    // Frozen processes of version 1 die of a SIGKILL only after they are thawed: thaws the cgroup
    // and those that the container has made below. Does nothing for version 2.
    void let_killed_die() const;

    // Sends SIGKILL to all processes, again for new ones, until none is left. Returns false if
    // processes are left at the deadline.
    bool kill_all_and_wait(os::Deadline deadline) const;
    // Waits until no process is left. Returns false if the deadline passed first.
    bool wait_empty(os::Deadline deadline) const;

    // Removes the directories with all below them, then those above that create() has made, as far
    // as they are empty. What is gone already is success. Processes that are just exiting are
    // waited for; throws Error if some are left at the deadline.
    void remove(os::Deadline deadline, Leftovers leftovers = Leftovers::wait) const;

    // How many processes the kernel killed since the cgroup was made: out of memory.
    std::uint64_t oom_kills() const;

    // The version 1 directory with the controller, else the version 2 directory when it has the
    // controller; null: the container cannot be limited by it.
    const Directory* find_controller(std::string_view controller) const;
    const Directory* find_v1(std::string_view controller) const;
    const Directory* find_v2() const;

    // O_PATH descriptor of one of record().directories; invalid if it was removed.
    os::UniqueFd open_directory(const Directory& directory) const;

  private:
    explicit ContainerCgroup(Record record) : record_(std::move(record)) {}

    // The directory that lists the processes of the container: one is enough, all have the same.
    // Version 2 if there is one, because it reports events and kills all at once.
    const Directory* find_members() const;
    const Directory* find_memory() const;
    os::UniqueFd open_members() const;
    void signal_each(int dir_fd, int signal, os::Deadline deadline) const;
    void kill_once(int dir_fd, os::Deadline deadline) const;
    bool try_freeze(os::Deadline deadline) const;
    Record record_;
};

}  // namespace lxcri::cgroup
