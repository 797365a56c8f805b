#include "os/unique_fd.h"

#include <fcntl.h>

#include <type_traits>

#include "os/check.h"
#include "support/catch.h"

using namespace lxcri;
using os::UniqueFd;

namespace {

int open_something() {
    return ::open("/dev/null", O_RDONLY | O_CLOEXEC);
}

bool is_open(int fd) {
    return ::fcntl(fd, F_GETFD) != -1;
}

}  // namespace

TEST_CASE("a descriptor is closed with its owner") {
    int number = -1;
    {
        const UniqueFd fd(open_something());
        number = fd.get();
        CHECK(fd.valid());
        CHECK(is_open(number));
    }
    CHECK_FALSE(is_open(number));
}

TEST_CASE("an empty owner closes nothing") {
    const UniqueFd none;
    CHECK_FALSE(none.valid());
    CHECK(none.get() == -1);
    { const UniqueFd failed(-1); }
}

TEST_CASE("a moved descriptor has one owner") {
    static_assert(!std::is_copy_constructible_v<UniqueFd>);
    static_assert(!std::is_copy_assignable_v<UniqueFd>);
    static_assert(std::is_nothrow_move_constructible_v<UniqueFd>);
    static_assert(std::is_nothrow_move_assignable_v<UniqueFd>);
    static_assert(!std::is_convertible_v<int, UniqueFd>);
    static_assert(!std::is_convertible_v<UniqueFd, int>);

    UniqueFd first(open_something());
    const int number = first.get();
    UniqueFd second(std::move(first));
    CHECK_FALSE(first.valid());  // NOLINT(bugprone-use-after-move)
    CHECK(second.get() == number);

    UniqueFd third(open_something());
    const int replaced = third.get();
    third = std::move(second);
    CHECK(third.get() == number);
    CHECK_FALSE(is_open(replaced));
    CHECK(is_open(number));
}

TEST_CASE("a descriptor survives being moved to itself") {
    UniqueFd fd(open_something());
    const int number = fd.get();
    UniqueFd& same = fd;
    fd = std::move(same);
    CHECK(fd.get() == number);
    CHECK(is_open(number));
    fd.reset(number);
    CHECK(is_open(number));
}

TEST_CASE("release gives a descriptor away") {
    UniqueFd fd(open_something());
    const int number = fd.release();
    CHECK_FALSE(fd.valid());
    CHECK(is_open(number));
    fd.reset();
    CHECK(is_open(number));
    ::close(number);
}

TEST_CASE("closing does not touch errno") {
    errno = ENOTTY;
    { const UniqueFd not_open(1000000); }  // close says EBADF
    CHECK(errno == ENOTTY);
}

TEST_CASE("check throws for -1 and for nothing else") {
    CHECK(os::check(0, "call") == 0);
    CHECK(os::check(-2, "call") == -2);
    CHECK(os::check(7L, "call") == 7L);
    errno = ENOENT;
    CHECK_THROWS_WITH(os::check(-1, "call", "operand"),
                      "call \"operand\": no such file or directory");
    errno = EPERM;
    CHECK_THROWS_WITH(os::check(-1L, "call"), "call: operation not permitted");
}

TEST_CASE("retry repeats what a signal interrupted, and only that") {
    int calls = 0;
    const auto interrupted_twice = [&] {
        errno = EINTR;
        return ++calls < 3 ? -1 : 42;
    };
    CHECK(os::retry(interrupted_twice) == 42);
    CHECK(calls == 3);
    calls = 0;
    const auto failing = [&] {
        ++calls;
        errno = EAGAIN;
        return -1;
    };
    CHECK(os::retry(failing) == -1);
    CHECK(calls == 1);
}
