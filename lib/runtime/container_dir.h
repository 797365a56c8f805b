#pragma once
// <runtime root>/<id>: everything that a container leaves on disk. Only its owner can read or
// write there.
//
//   config.json   the bundle's, as it was when `create` read it
//   state.json    the record (record.h)
//   plan          what `create` has decided (stored_plan.h)
//   notify        a directory, see notify_socket.h
//   config        for the tools of LXC, where the monitor is kept (create.cpp)
//   start.fifo, result.fifo   handoff/start_signal.h

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "os/file_lock.h"
#include "os/unique_fd.h"

namespace lxcri::runtime {

// Throws Error when it cannot be an ID: letters, digits and "_+.-", not "." or "..", at most 1024
// bytes. Every function below wants a checked ID.
void check_id(std::string_view id);

// The IDs below the runtime root, sorted. Throws SystemError if the root does not exist.
std::vector<std::string> list_ids(const std::string& root);

NotFoundError no_such_container(const std::string& root, const std::string& id);

class ContainerDir {
  public:
    // Makes it, and the runtime root where missing. Throws StateError if the ID is in use. Locked.
    static ContainerDir create(const std::string& root, const std::string& id);
    // Throws NotFoundError if there is none.
    static ContainerDir open(const std::string& root, const std::string& id);

    int fd() const noexcept { return fd_.get(); }

    // One lock orders the commands that change a container. Waits for the other command, but not
    // for ever: StateError.
    void lock(std::chrono::milliseconds patience = std::chrono::seconds(30));
    void unlock() { lock_.reset(); }
    bool is_removed() const;
    // Does another command (`create`, mostly) hold the lock now?
    bool is_locked_by_other() const;

    // Another lock, for those who freeze and thaw the container, so that none undoes what another
    // has done: `kill` does not take the first one, which is held while hooks run. Empty when
    // another command still has it after this time.
    std::optional<os::FileLock> take_freezer(std::chrono::milliseconds patience) const;

    // SIGKILL to the commands that hold the lock now: their pids.
    std::vector<pid_t> kill_lock_holders() const;

    // Removes the directory and all in it. What is gone already is success. A directory in there
    // that is not ours is a stranger.
    enum class Strangers { refuse, remove };
    void remove(Strangers strangers = Strangers::refuse);
    // Of what is in it config.json and the record stay.
    void empty_for_next_life() const;
    // Descriptors that create() has set aside: if it fails because there are none left, undoing it
    // needs some.
    void use_spare() { spare_.clear(); }

  private:
    ContainerDir(os::UniqueFd root, os::UniqueFd fd, std::string id)
        : root_(std::move(root)), fd_(std::move(fd)), id_(std::move(id)) {}
    // Gone already is success.
    void remove_entry(const std::string& name, Strangers strangers) const;

    os::UniqueFd root_;  // `list` opens many containers: only what is to be removed needs it
    os::UniqueFd fd_;
    std::string id_;
    std::vector<os::UniqueFd> spare_;
    std::optional<os::FileLock> lock_;
};

}  // namespace lxcri::runtime
