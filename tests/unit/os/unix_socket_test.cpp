#include "os/unix_socket.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <functional>

#include "base/error.h"
#include "child.h"
#include "os/file.h"
#include "support/catch.h"

using namespace lxcri;
using namespace lxcri::test;
using os::UniqueFd;

namespace {

std::vector<UniqueFd> open_many(std::size_t count) {
    std::vector<UniqueFd> fds;
    for (std::size_t i = 0; i < count; ++i) {
        fds.push_back(os::open_at(AT_FDCWD, "/dev/null", O_RDONLY));
    }
    return fds;
}

std::vector<int> numbers(const std::vector<UniqueFd>& fds) {
    std::vector<int> result;
    for (const auto& fd : fds) result.push_back(fd.get());
    return result;
}

int code_of(const std::function<void()>& action) {
    try {
        action();
    } catch (const SystemError& error) {
        return error.code();
    }
    return 0;
}

bool same_file(int left, int right) {
    struct stat a {};
    struct stat b {};
    return ::fstat(left, &a) == 0 && ::fstat(right, &b) == 0 && a.st_dev == b.st_dev &&
           a.st_ino == b.st_ino;
}

}  // namespace

TEST_CASE("messages keep their boundaries") {
    const auto [left, right] = os::make_seqpacket_pair();
    CHECK(os::send_message(left.get(), "one", {}));
    CHECK(os::send_message(left.get(), std::string_view("t\0o", 3), {}));
    const auto first = os::receive_message(right.get());
    REQUIRE(first);
    CHECK(first->data == "one");
    CHECK(first->fds.empty());
    CHECK(first->sender == 0);  // it was not asked for
    CHECK(os::receive_message(right.get())->data == std::string("t\0o", 3));
}

TEST_CASE("descriptors arrive in order and close on exec") {
    const auto [left, right] = os::make_seqpacket_pair();
    const auto memfd = os::make_sealed_memfd("m", "x");
    const auto null = os::open_at(AT_FDCWD, "/dev/null", O_RDONLY);
    const std::vector<int> sent{memfd.get(), null.get(), memfd.get()};
    os::send_message(left.get(), "fds", sent);
    const auto message = os::receive_message(right.get());
    REQUIRE(message);
    REQUIRE(message->fds.size() == 3);
    for (std::size_t i = 0; i < 3; ++i) {
        CHECK(message->fds[i].get() != sent[i]);
        CHECK(same_file(message->fds[i].get(), sent[i]));
        CHECK((::fcntl(message->fds[i].get(), F_GETFD) & FD_CLOEXEC) != 0);
    }
}

TEST_CASE("as many descriptors as a message may have, and one more") {
    const auto [left, right] = os::make_seqpacket_pair();
    auto fds = open_many(os::kMaxMessageFds);
    os::send_message(left.get(), "full", numbers(fds));
    CHECK(os::receive_message(right.get())->fds.size() == os::kMaxMessageFds);
    // With the sender's pid beside them, too.
    os::accept_credentials(right.get());
    os::send_message(left.get(), "full", numbers(fds));
    const auto message = os::receive_message(right.get());
    CHECK(message->fds.size() == os::kMaxMessageFds);
    CHECK(message->sender == ::getpid());
    fds.push_back(os::duplicate(2));
    CHECK_THROWS_WITH(os::send_message(left.get(), "more", numbers(fds)),
                      "too many descriptors in one message");
}

TEST_CASE("a closed peer is the end") {
    auto [left, right] = os::make_seqpacket_pair();
    os::send_message(left.get(), "last", {});
    left.reset();
    CHECK(os::receive_message(right.get())->data == "last");
    CHECK_FALSE(os::receive_message(right.get()));
    CHECK_FALSE(os::receive_message(right.get()));
}

TEST_CASE("sending to a closed peer is an error, and no SIGPIPE") {
    CHECK(in_child([] {
              ::signal(SIGPIPE, SIG_DFL);
              auto [left, right] = os::make_seqpacket_pair();
              right.reset();
              return std::to_string(
                  code_of([&left = left] { os::send_message(left.get(), "x", {}); }));
          }) == std::to_string(EPIPE));
}

TEST_CASE("what a peer has said before it left us with its unread messages") {
    auto [ours, theirs] = os::make_seqpacket_pair();
    os::send_message(ours.get(), "they never read this", {});
    const auto null = os::open_at(AT_FDCWD, "/dev/null", O_RDONLY);
    const std::vector<int> fds{null.get()};
    os::send_message(theirs.get(), "the reason", fds);
    os::send_message(theirs.get(), "and another", {});
    theirs.reset();  // the kernel answers the next call with ECONNRESET
    const auto message = os::receive_message(ours.get());
    REQUIRE(message);
    CHECK(message->data == "the reason");
    CHECK(message->fds.size() == 1);
    CHECK(os::receive_message(ours.get())->data == "and another");
    CHECK_FALSE(os::receive_message(ours.get()));
}

TEST_CASE("a peer that left us with its unread messages and said nothing") {
    auto [ours, theirs] = os::make_seqpacket_pair();
    os::send_message(ours.get(), "they never read this", {});
    theirs.reset();
    CHECK_FALSE(os::receive_message(ours.get()));
}

TEST_CASE("a full queue is no error for who does not want to wait") {
    const auto [left, right] = os::make_seqpacket_pair();
    const std::string data(1000, 'x');
    std::size_t sent = 0;
    while (sent < 100000 && os::send_message(left.get(), data, {}, os::WhenFull::give_up)) ++sent;
    REQUIRE(sent > 0);
    REQUIRE(sent < 100000);
    CHECK_FALSE(os::send_message(left.get(), data, {}, os::WhenFull::give_up));
    for (std::size_t i = 0; i < sent; ++i) {
        REQUIRE(os::receive_message(right.get())->data == data);
    }
    CHECK(os::send_message(left.get(), data, {}, os::WhenFull::give_up));
}

TEST_CASE("a message that is longer than expected is refused with its descriptors") {
    const auto [left, right] = os::make_seqpacket_pair();
    const auto before = count_descriptors();
    const std::vector<int> fds{2, 2};
    os::send_message(left.get(), "12345", fds);
    CHECK(code_of([&right = right] { (void)os::receive_message(right.get(), 4); }) == EMSGSIZE);
    CHECK(count_descriptors() == before);
    os::send_message(left.get(), "12345", {});
    CHECK(os::receive_message(right.get(), 5)->data == "12345");
}

TEST_CASE("the sender's pid is the kernel's word") {
    const auto [left, right] = os::make_seqpacket_pair();
    os::accept_credentials(right.get());
    const auto pid = in_child([&left = left] {
        os::send_message(left.get(), "from the child", {});
        return std::to_string(::getpid());
    });
    const auto message = os::receive_message(right.get());
    REQUIRE(message);
    CHECK(std::to_string(message->sender) == pid);
}

TEST_CASE("descriptors beyond the limit on open files") {
    const auto result = in_child([] {
        const auto [left, right] = os::make_seqpacket_pair();
        const auto fds = open_many(8);
        os::send_message(left.get(), "too many", numbers(fds));
        os::send_message(left.get(), "next", {});
        // Room for three more.
        const int next_free = ::dup(2);
        ::close(next_free);
        const rlimit low{static_cast<rlim_t>(next_free) + 3, static_cast<rlim_t>(next_free) + 3};
        if (::setrlimit(RLIMIT_NOFILE, &low) != 0) return std::string("setrlimit");
        const int code = code_of([&right = right] { (void)os::receive_message(right.get()); });
        if (code != EMFILE) return "code " + std::to_string(code);
        // None of those that did fit is left open, and the conversation can go on.
        const int free_now = ::dup(2);
        if (free_now != next_free) return std::string("a descriptor leaked");
        return os::receive_message(right.get())->data;
    });
    CHECK(result == "next");
}

TEST_CASE("the ends of a pair close on exec") {
    const auto [left, right] = os::make_seqpacket_pair();
    CHECK((::fcntl(left.get(), F_GETFD) & FD_CLOEXEC) != 0);
    CHECK((::fcntl(right.get(), F_GETFD) & FD_CLOEXEC) != 0);
}
