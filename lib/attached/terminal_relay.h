#pragma once
// Copies between our descriptors 0 and 1 and the master of a container's terminal, for `run` and
// `exec` in the foreground. Never blocks: even if the caller does not read its output, we must see
// that the process has ended.

#include <poll.h>

#include <array>
#include <optional>
#include <string>

#include "os/terminal.h"
#include "os/unique_fd.h"

namespace lxcri::attached {

class TerminalRelay {
  public:
    // Our terminal, where 0 is one, is in raw mode until the end.
    explicit TerminalRelay(os::UniqueFd master);

    // What poll(2) has to wait for, and what to do then.
    std::array<pollfd, 3> interest() const;
    void transfer(const std::array<pollfd, 3>& ready);

    // Our terminal has another size now (SIGWINCH).
    void follow_window_size() noexcept;

    // The process has ended: what it has written still goes out, as long as it is read.
    // Ends within seconds, also if other processes still write there.
    void drain();

  private:
    void read_input();
    void pass_end_of_input();
    void read_master();
    void write_master();
    void write_output();

    os::UniqueFd master_;
    // The other side: with one descriptor of ours it never counts as hung up. A program may close
    // all of its own for a while, and open /dev/tty again.
    os::UniqueFd slave_;
    os::UniqueFd output_;
    std::optional<os::RawTerminal> raw_;
    std::string to_master_;
    char last_input_ = '\n';
    // How the terminal was when it got the end of the input: with lines, or, as for a shell's line
    // editor, each key by itself.
    enum class End { not_yet, to_lines, to_keys } end_ = End::not_yet;
    int repeats_ = 3;  // left, of the end as a key
    std::string to_output_;
    bool input_open_ = true;
    bool master_open_ = true;
    bool output_open_ = true;
    std::size_t largest_write_;
};

}  // namespace lxcri::attached
