#include "handoff/channel.h"

#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/strings.h"
#include "handoff/failure.h"
#include "os/check.h"
#include "os/file.h"

namespace lxcri::handoff {

namespace {

// Well below net.core.wmem_default, which bounds one message.
constexpr std::size_t kInlineBody = 32768;
// The second byte of a message: where the body is.
constexpr char kInline = 'i';
constexpr char kInMemfd = 'm';  // the last descriptor is the body

bool send_one(int channel, std::string_view data, std::span<const int> fds,
              os::WhenFull when_full) {
    try {
        return os::send_message(channel, data, fds, when_full);
    } catch (const SystemError& error) {
        if (error.code() != EPIPE) throw;
        throw Disconnected("the other side has ended");
    }
}

}  // namespace

bool send(int channel, MessageKind kind, std::string_view body, std::span<const int> fds,
          os::WhenFull when_full) {
    std::string data{static_cast<char>(kind), kInline};
    if (body.size() <= kInlineBody) {
        data += body;
        return send_one(channel, data, fds, when_full);
    }
    data[1] = kInMemfd;
    const os::UniqueFd memfd = os::make_sealed_memfd("lxcri plan", body);
    std::vector<int> all(fds.begin(), fds.end());
    all.push_back(memfd.get());
    return send_one(channel, data, all, when_full);
}

std::optional<Received> receive(int channel) {
    auto message = os::receive_message(channel, kInlineBody + 2);
    if (!message) return {};
    if (message->data.size() < 2) throw Error("internal error: an empty message");
    Received received;
    received.kind = static_cast<MessageKind>(message->data[0]);
    received.fds = std::move(message->fds);
    received.sender = message->sender;
    if (message->data[1] == kInMemfd) {
        if (received.fds.empty()) throw Error("internal error: a message without its body");
        received.body = os::read_all(received.fds.back().get(), "plan");
        received.fds.pop_back();
    } else {
        received.body = message->data.substr(2);
    }
    return received;
}

Received expect(int channel, MessageKind kind) {
    auto received = receive(channel);
    if (!received) throw Error("the runtime has ended");
    if (received->kind != kind) {
        throw Error(concat("internal error: message ",
                           in_quotes(std::string(1, static_cast<char>(received->kind))),
                           " instead of ", in_quotes(std::string(1, static_cast<char>(kind)))));
    }
    return std::move(*received);
}

void offer_listener(int channel, int listener_fd) {
    const std::string data = concat(std::string{static_cast<char>(MessageKind::listener), kInline},
                                    std::to_string(listener_fd));
    os::write_all(channel, data, "channel");
    (void)expect(channel, MessageKind::listener_taken);
}

void send_failure(int channel, const std::exception& error) noexcept {
    static std::array<char, kInlineBody + 2> message;  // the stack may be small
    message[0] = static_cast<char>(MessageKind::failure);
    message[1] = kInline;
    const std::size_t size = write_failure(std::span(message).subspan(2), error) + 2;
    (void)!os::retry([&] { return ::write(channel, message.data(), size); });
}

}  // namespace lxcri::handoff
