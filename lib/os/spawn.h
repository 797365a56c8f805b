#pragma once
// Starts a program. Plain data says what happens between fork and exec, and one function does it;
// the caller gets the step that fails, with its errno.

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "os/process.h"
#include "os/unique_fd.h"

namespace lxcri::os {

// Descriptor `from` of this process has the number `to` in the program.
struct PassedFd {
    int from;
    int to;
};

// The cgroups in which the program begins; by default those of this process.
struct CgroupEntrance {
    int unified = -1;        // version 2: the directory
    std::vector<int> tasks;  // version 1: the files `tasks`, open for writing
};

enum class Session {
    ours,
    own,  // setsid(2): what a terminal sends to us does not reach the program
};

enum class Signals {
    reset,  // default dispositions, an empty mask
    ours,   // what is ignored or blocked stays so
};

enum class AtOurEnd {
    killed,
    goes_on,
};

enum class OtherDescriptors {
    closed_by_exec,
    // Closed before the exec: the kernel opens the interpreter that an ELF file names before it
    // closes what is to be closed, and "/proc/self/fd/N/.." must lead nowhere.
    closed_before,
};

struct Command {
    std::string path;                      // names the program in errors too
    int image = -1;                        // executed instead of `path`: execveat(2)
    std::vector<std::string> arguments;    // with argv[0]
    std::vector<std::string> environment;  // all of it
    // The program gets these and, where they are not replaced, our 0 to 2. The numbers may overlap:
    // each `from` is what it is now.
    std::vector<PassedFd> descriptors;
    Session session = Session::ours;
    std::string directory;  // where it starts; "": where we are
    CgroupEntrance cgroup;
    Signals signals = Signals::reset;
    AtOurEnd at_our_end = AtOurEnd::killed;
    OtherDescriptors others = OtherDescriptors::closed_by_exec;
};

// The environment of this process.
std::vector<std::string> own_environment();

enum class SpawnStep { cgroup, descriptors, session, directory, last_step, execute };

// The step that failed, as `execute "/bin/x": no such file or directory`.
class SpawnError : public SystemError {
  public:
    SpawnError(SpawnStep step, std::string_view operand, int code);
    SpawnStep step() const noexcept { return step_; }

  private:
    SpawnStep step_;
};

// A program that has been started. It may have failed before it was executed.
class Spawned {
  public:
    Spawned() : process_(-1, UniqueFd()) {}

    ChildProcess& process() noexcept { return process_; }

    // Waits until the program is executed. Throws SpawnError if it cannot be executed.
    void wait_until_executed() const;
    // The same without waiting, for a caller that has noticed that the process has ended. Returns
    // nullopt if the program was executed.
    std::optional<SpawnError> find_failure() const;

  private:
    friend Spawned spawn(const Command& command, const std::function<int()>& last_step);
    Spawned(ChildProcess process, UniqueFd report, const Command& command)
        : process_(std::move(process)),
          report_(std::move(report)),
          path_(command.path),
          directory_(command.directory) {}

    ChildProcess process_;
    UniqueFd report_;  // a pipe that the exec closes
    std::string path_;
    std::string directory_;
};

// Starts the program. It is executed when this returns, or a little later. `last_step` runs in the
// new process immediately before the exec, and returns 0 or an errno. Throws SystemError if there
// is no new process, and if a cgroup of version 2 refuses it (EBUSY, EACCES). This process must
// have one thread only.
Spawned spawn(const Command& command, const std::function<int()>& last_step = {});

}  // namespace lxcri::os
