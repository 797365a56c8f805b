#pragma once
// The reading end of a pipe that a program or a container writes to.

#include <chrono>
#include <string>
#include <string_view>

#include "os/unique_fd.h"

namespace lxcri::test {

using os::UniqueFd;
using std::chrono::milliseconds;

// Long enough for a loaded machine, short enough that a hang ends the test and not the patience.
inline constexpr milliseconds kDeadline{20'000};

class Stream {
  public:
    Stream();

    // For the writer. Closed here once the writer was started, so that the end can be seen.
    int write_end() const { return write_end_.get(); }
    void close_write_end() { write_end_.reset(); }

    int fd() const { return read_end_.get(); }
    bool ended() const { return ended_; }
    const std::string& text() const { return text_; }

    // Takes what is there without waiting.
    void take();
    // Waits until `what` shows; throws at the end of the stream or of the time.
    void wait_for(std::string_view what, milliseconds timeout = kDeadline);
    // Waits for the end and returns everything; throws when the time is over.
    const std::string& wait_for_end(milliseconds timeout = kDeadline);

  private:
    os::UniqueFd read_end_;
    os::UniqueFd write_end_;
    std::string text_;
    bool ended_ = false;
};

// How much of `timeout` is left, measured from `begin`; never negative.
int milliseconds_left(std::chrono::steady_clock::time_point begin, milliseconds timeout);

// Has it something to read, or an end, within this time?
bool wait_readable(int fd, int timeout_ms);

}  // namespace lxcri::test
