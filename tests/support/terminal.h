#pragma once
// Terminals of the tests: one that a user types at, and the socket that gets a container's.

#include <array>
#include <filesystem>
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

// What an engine gives as --console-socket (or --pidfd-socket).
class ReceivingSocket {
  public:
    explicit ReceivingSocket(std::filesystem::path path);
    const std::filesystem::path& path() const { return path_; }

    struct Message {
        std::string text;
        UniqueFd fd;
    };
    // The one message of the one connection; throws when there is no such.
    Message receive(milliseconds timeout = kDeadline);
    bool was_called();

  private:
    std::filesystem::path path_;
    UniqueFd socket_;
};

}  // namespace lxcri::test
