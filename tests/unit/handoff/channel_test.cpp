#include "handoff/channel.h"

#include <fcntl.h>
#include <sys/socket.h>

#include "base/error.h"
#include "handoff/failure.h"
#include "os/file.h"
#include "support/catch.h"
#include "unit/os/child.h"

using namespace lxcri;
using namespace lxcri::test;
using handoff::MessageKind;

namespace {

struct Pair {
    os::UniqueFd ours;
    os::UniqueFd theirs;
};

Pair make_pair() {
    auto [left, right] = os::make_seqpacket_pair();
    return {std::move(left), std::move(right)};
}

}  // namespace

TEST_CASE("a body of any size arrives") {
    const auto pair = make_pair();
    // Around the size that still fits into a message, and far beyond the socket's buffer.
    for (const std::size_t size : {0U, 1U, 32767U, 32768U, 32769U, 300000U, 5000000U}) {
        INFO(size);
        std::string body(size, 'b');
        if (size > 2) body[size / 2] = '\0';
        const std::vector<int> fds{2};
        REQUIRE(handoff::send(pair.ours.get(), MessageKind::hook_plan, body, fds));
        const auto received = handoff::receive(pair.theirs.get());
        REQUIRE(received);
        CHECK(received->kind == MessageKind::hook_plan);
        CHECK(received->body == body);
        CHECK(received->fds.size() == 1);  // that of the body is not among them
    }
}

TEST_CASE("a large body comes with many descriptors") {
    const auto pair = make_pair();
    const std::vector<int> fds(os::kMaxMessageFds - 1, 2);
    const std::string body(100000, 'x');
    handoff::send(pair.ours.get(), MessageKind::sources, body, fds);
    const auto received = handoff::receive(pair.theirs.get());
    CHECK(received->fds.size() == fds.size());
    CHECK(received->body == body);
}

TEST_CASE("messages leave no descriptor behind") {
    const auto pair = make_pair();
    const auto before = count_descriptors();
    for (const std::size_t size : {10U, 100000U}) {
        const std::vector<int> fds{2, 2, 2};
        handoff::send(pair.ours.get(), MessageKind::init_plan, std::string(size, 'x'), fds);
        CHECK(count_descriptors() == before);
        (void)handoff::receive(pair.theirs.get());
        CHECK(count_descriptors() == before);
    }
}

TEST_CASE("the end of a conversation") {
    auto pair = make_pair();
    handoff::send(pair.ours.get(), MessageKind::recorded, {});
    pair.ours.reset();
    CHECK(handoff::expect(pair.theirs.get(), MessageKind::recorded).body.empty());
    CHECK_FALSE(handoff::receive(pair.theirs.get()));
    CHECK_THROWS_WITH(handoff::expect(pair.theirs.get(), MessageKind::recorded),
                      "the runtime has ended");
}

TEST_CASE("a message out of turn") {
    const auto pair = make_pair();
    handoff::send(pair.ours.get(), MessageKind::sources, {});
    CHECK_THROWS_WITH(handoff::expect(pair.theirs.get(), MessageKind::hook_plan),
                      "internal error: message \"M\" instead of \"H\"");
}

TEST_CASE("messages that we never send are refused") {
    const auto pair = make_pair();
    REQUIRE(::send(pair.ours.get(), "H", 1, 0) == 1);
    CHECK_THROWS_WITH(handoff::receive(pair.theirs.get()), "internal error: an empty message");
    REQUIRE(::send(pair.ours.get(), "Hm", 2, 0) == 2);
    CHECK_THROWS_WITH(handoff::receive(pair.theirs.get()),
                      "internal error: a message without its body");
    const std::string too_long(40000, 'i');
    REQUIRE(::send(pair.ours.get(), too_long.data(), too_long.size(), 0) == 40000);
    CHECK_THROWS_AS(handoff::receive(pair.theirs.get()), SystemError);
}

TEST_CASE("a failure is told even when it is long, or the other side has gone") {
    auto pair = make_pair();
    const auto heard = [&] { return handoff::expect(pair.ours.get(), MessageKind::failure).body; };
    handoff::send_failure(pair.theirs.get(), Error("mounts[3]: no such file or directory"));
    CHECK_THROWS_WITH(handoff::throw_failure(heard()), "mounts[3]: no such file or directory");
    handoff::send_failure(pair.theirs.get(), Error(std::string(1000000, 'x')));
    CHECK_THROWS_WITH(handoff::throw_failure(heard()), Catch::Contains(std::string(32000, 'x')));
    pair.ours.reset();
    handoff::send_failure(pair.theirs.get(), Error("not heard"));  // and it is no error
}

TEST_CASE("a failure is read although our own messages were not") {
    auto pair = make_pair();
    handoff::send(pair.ours.get(), MessageKind::hook_plan, "never read");
    handoff::send_failure(pair.theirs.get(), Error("the reason"));
    pair.theirs.reset();
    const auto told = handoff::receive(pair.ours.get());
    REQUIRE(told);
    CHECK(told->kind == MessageKind::failure);
    CHECK_THROWS_WITH(handoff::throw_failure(told->body), "the reason");
}

TEST_CASE("a full channel is no error for who does not want to wait") {
    const auto pair = make_pair();
    const std::string body(30000, 'x');
    std::size_t sent = 0;
    while (sent < 10000 &&
           handoff::send(pair.ours.get(), MessageKind::sources, body, {}, os::WhenFull::give_up)) {
        ++sent;
    }
    REQUIRE(sent > 0);
    REQUIRE(sent < 10000);
    CHECK(handoff::receive(pair.theirs.get()));
    CHECK(handoff::send(pair.ours.get(), MessageKind::sources, body, {}, os::WhenFull::give_up));
}

TEST_CASE("a received body does not change any more") {
    const auto pair = make_pair();
    handoff::send(pair.ours.get(), MessageKind::hook_plan, std::string(100000, 'x'));
    const auto message = os::receive_message(pair.theirs.get());
    REQUIRE(message);
    REQUIRE(message->fds.size() == 1);
    const int seals = ::fcntl(message->fds[0].get(), F_GET_SEALS);
    CHECK((seals & F_SEAL_WRITE) != 0);
    CHECK((seals & F_SEAL_SHRINK) != 0);
    CHECK((seals & F_SEAL_SEAL) != 0);
}

TEST_CASE("a side that has gone may have said something before") {
    auto [near, far] = os::make_seqpacket_pair();
    handoff::send_failure(far.get(), Error("the reason"));
    far.reset();
    CHECK_THROWS_AS(handoff::send(near.get(), MessageKind::recorded, {}), handoff::Disconnected);
    const auto message = handoff::receive(near.get());
    REQUIRE(message);
    CHECK(message->kind == MessageKind::failure);
    CHECK_THROWS_WITH(handoff::throw_failure(message->body), "the reason");
    CHECK_FALSE(handoff::receive(near.get()));
}
