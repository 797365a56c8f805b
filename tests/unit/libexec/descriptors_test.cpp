// The descriptors that a process keeps: 0 to 2, and those of --preserve-fds.

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

#include "base/strings.h"
#include "handoff/channel.h"
#include "libexec/process_steps.h"
#include "os/check.h"
#include "os/file.h"
#include "support/catch.h"
#include "unit/os/child.h"
#include "unit/os/temp_dir.h"

using namespace lxcri;
using namespace lxcri::test;

namespace {

os::UniqueFd open_file(const TempDir& temp, const std::string& name) {
    put_file(temp / name, name);
    return os::open_at(AT_FDCWD, (temp / name).string(), O_RDONLY);
}

std::string read_from(int fd) {
    std::array<char, 16> buffer{};
    const ssize_t got = ::pread(fd, buffer.data(), buffer.size(), 0);
    return got < 0 ? "closed" : std::string(buffer.data(), static_cast<std::size_t>(got));
}

bool is_inherited(int fd) {
    return (::fcntl(fd, F_GETFD) & FD_CLOEXEC) == 0;
}

}  // namespace

TEST_CASE("descriptors: the preserved ones get their numbers, from as many messages as it takes") {
    const TempDir temp;
    CHECK(in_child([&]() -> std::string {
              std::array<int, 2> ends{};
              os::check(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()),
                        "socketpair");
              const os::UniqueFd here(ends[0]);
              const os::UniqueFd there(ends[1]);
              const os::UniqueFd second = open_file(temp, "second");
              const os::UniqueFd third = open_file(temp, "third");
              handoff::send(there.get(), handoff::MessageKind::sources, {},
                            std::array{second.get(), third.get()});
              std::vector<os::UniqueFd> with_plan;
              with_plan.push_back(open_file(temp, "not one of them"));
              with_plan.push_back(open_file(temp, "first"));
              const auto preserved =
                  libexec::take_preserved(std::move(with_plan), 1, 3, here.get());
              libexec::place_preserved(preserved);
              const bool inherited = is_inherited(3) && is_inherited(4) && is_inherited(5);
              return concat(read_from(3), " ", read_from(4), " ", read_from(5), " ",
                            inherited ? "inherited" : "closed by exec");
          }) == "first second third inherited");
}

TEST_CASE("descriptors: a message without the descriptors that it promises is an error") {
    CHECK(in_child([&]() -> std::string {
              std::array<int, 2> ends{};
              os::check(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()),
                        "socketpair");
              handoff::send(ends[1], handoff::MessageKind::sources, {});
              (void)libexec::take_preserved({}, 0, 1, ends[0]);
              return "";
          }) == "exception: internal error: a message without its descriptors");
}

TEST_CASE("descriptors: /dev/null of the host becomes the container's, nothing else does") {
    const TempDir temp;
    CHECK(in_child([&]() -> std::string {
              const os::UniqueFd null = os::open_at(AT_FDCWD, "/dev/null", O_RDONLY);
              const os::UniqueFd file = open_file(temp, "file");
              os::check(::dup2(null.get(), 0), "dup2");
              os::check(::dup2(file.get(), 1), "dup2");
              ::close(2);
              libexec::reopen_dev_null();
              const bool writable = (::fcntl(0, F_GETFL) & O_ACCMODE) == O_RDWR;
              return concat(libexec::is_dev_null(0) ? "null " : "other ",
                            writable ? "read-write " : "read-only ", read_from(1), " ",
                            read_from(2));
          }) == "null read-write file closed");
}

TEST_CASE("descriptors: what is moved up leaves room below") {
    CHECK(in_child([&] {
              const os::UniqueFd moved =
                  libexec::move_up(os::open_at(AT_FDCWD, "/dev/null", O_RDONLY), 100);
              return std::string(moved.get() > 102 && !is_inherited(moved.get()) ? "high" : "low");
          }) == "high");
}
