// What an executed program inherits: descriptors, dispositions, the signal mask.

#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/strings.h"
#include "child.h"
#include "os/file.h"
#include "os/process.h"
#include "support/catch.h"
#include "without_call.h"

using namespace lxcri;
using namespace lxcri::test;

namespace {

// The hexadecimal number after "SigIgn:" and the like in /proc/self/status.
std::string signal_set(std::string_view name) {
    for (const auto& line : split(os::read_file_at(AT_FDCWD, "/proc/self/status"), '\n')) {
        if (line.starts_with(name)) return line.substr(name.size() + 2);
    }
    return "missing";
}

// Descriptors 3-9 open and inheritable, nothing above up to 99.
void open_some() {
    for (int fd = 3; fd < 10; ++fd) ::dup2(2, fd);
    for (int fd = 10; fd < 100; ++fd) ::close(fd);
}

std::string inheritable() {
    std::string result;
    for (int fd = 0; fd < 20; ++fd) {
        const int flags = ::fcntl(fd, F_GETFD);
        if (flags != -1 && (flags & FD_CLOEXEC) == 0) result += concat(" ", std::to_string(fd));
    }
    return result;
}

}  // namespace

TEST_CASE("reset_signals undoes what was ignored, handled and blocked", "[native]") {
    CHECK(in_child([] {
              for (const int number : {SIGPIPE, SIGHUP, SIGCHLD, SIGRTMIN + 3}) {
                  ::signal(number, SIG_IGN);
              }
              ::signal(SIGTERM, [](int) {});
              sigset_t all;
              sigfillset(&all);
              ::sigprocmask(SIG_SETMASK, &all, nullptr);
              os::reset_signals();
              return concat(signal_set("SigBlk"), " ", signal_set("SigIgn"), " ",
                            signal_set("SigCgt"));
          }) == "0000000000000000 0000000000000000 0000000000000000");
}

TEST_CASE("close_on_exec_from leaves what is below alone") {
    CHECK(in_child([] {
              open_some();
              return inheritable();
          }) == " 0 1 2 3 4 5 6 7 8 9");
    for (const int first : {3, 5, 9}) {
        INFO(first);
        std::string expected;
        for (int fd = 0; fd < first; ++fd) expected += concat(" ", std::to_string(fd));
        CHECK(in_child([&] {
                  open_some();
                  os::close_on_exec_from(first);
                  return inheritable();
              }) == expected);
    }
}

TEST_CASE("close_on_exec_from keeps the descriptors open until then") {
    CHECK(in_child([] {
              open_some();
              os::close_on_exec_from(3);
              for (int fd = 3; fd < 10; ++fd) {
                  if (::fcntl(fd, F_GETFD) != FD_CLOEXEC) return "not open any more";
              }
              return "open";
          }) == "open");
}

TEST_CASE("close_on_exec_from works where close_range does not exist", "[native]") {
    CHECK(in_child([] {
              open_some();
              if (!take_away(SYS_close_range)) return std::string("no seccomp");
              os::close_on_exec_from(4);
              return inheritable();
          }) == " 0 1 2 3");
}
