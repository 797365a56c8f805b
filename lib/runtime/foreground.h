#pragma once
// `run` and `exec` without --detach: we stay until the process has ended, pass signals and the
// terminal on to it, and end as it does.

#include <sys/types.h>

#include <optional>

#include "attached/notify_socket.h"
#include "attached/terminal_relay.h"
#include "os/process.h"
#include "os/unique_fd.h"

namespace lxcri::runtime {

// Made before the process: from then on every signal waits, so that none is lost.
class Foreground {
  public:
    Foreground();

    // How `child` ended. `target` gets the
    // signals; it is `child` or, where a resident monitor is our child, the container process.
    // Every other child that ends is reaped, too. `relay`: where the process has a terminal.
    os::ExitStatus follow(const os::ProcessRef& target, pid_t child, attached::TerminalRelay* relay,
                          attached::NotifySocket* notify = nullptr);

    static bool asks_to_end(int signal);
    // While there is no process: returns 0 at the deadline, or before it the number of a signal
    // that asks us to end. Other signals are lost.
    int wait_for_end(os::Deadline deadline);

  private:
    // Returns true if one of the signals says that a child has ended.
    bool take_signals(const os::ProcessRef& target, attached::TerminalRelay* relay);

    os::UniqueFd signals_;
};

}  // namespace lxcri::runtime
