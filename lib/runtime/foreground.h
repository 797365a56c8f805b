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

    // The exit code: that of `child`, or 128 and the signal that killed it. `target` gets the
    // signals; it is `child` or, where a resident monitor is our child, the container process.
    // Every other child that ends is reaped, too. `relay`: where the process has a terminal.
    int follow(const os::ProcessRef& target, pid_t child, attached::TerminalRelay* relay,
               attached::NotifySocket* notify = nullptr);

  private:
    // Returns true if one of the signals says that a child has ended.
    bool take_signals(const os::ProcessRef& target, attached::TerminalRelay* relay);

    os::UniqueFd signals_;
};

}  // namespace lxcri::runtime
