#pragma once
// Terminals of the tests: one that a user types at.

#include <array>
#include <string>
#include <string_view>

#include "os/unique_fd.h"
#include "support/stream.h"

namespace lxcri::test {

// The master of a terminal, in the part of the person or the engine: types, reads, resizes.
class Keyboard {
  public:
    explicit Keyboard(UniqueFd master);

    int fd() const { return master_.get(); }
    const std::string& text() const { return text_; }
    bool ended() const { return ended_; }

    void type(std::string_view text);
    void resize(unsigned short rows, unsigned short columns);
    // Waits until `what` shows; throws at the end of the terminal or of the time.
    void wait_for(std::string_view what, milliseconds timeout = kDeadline);
    // Waits until no process has the other side any more.
    const std::string& wait_for_end(milliseconds timeout = kDeadline);

  private:
    void take();

    UniqueFd master_;
    std::string text_;
    bool ended_ = false;
};

// A terminal of this machine. The slave is what a program gets as 0, 1 and 2.
struct Terminal {
    Terminal();
    UniqueFd slave;
    Keyboard keyboard;
};

}  // namespace lxcri::test
