#include "helpers/plug_helper.h"

#include <poll.h>

#include <array>

#include "base/error.h"
#include "base/strings.h"
#include "handoff/channel.h"
#include "handoff/failure.h"
#include "helpers/helper_image.h"
#include "os/check.h"
#include "os/unix_socket.h"

namespace lxcri::helpers {

using handoff::MessageKind;

PlugHelper::PlugHelper(const settings::Options& options)
    : deadline_(os::Clock::now() + options.timeout) {
    os::Command command;
    command.path = find_helper(options, "lxcri-hook");
    const os::UniqueFd image = open_helper_image(command.path);
    auto [ours, theirs] = os::make_seqpacket_pair();
    os::accept_credentials(ours.get());
    command.image = image.get();
    command.arguments = {"lxcri-hook", "plug"};
    command.descriptors = {{theirs.get(), handoff::kChannelFd}};
    program_ = os::spawn(command);
    channel_ = std::move(ours);
}

void PlugHelper::send_sources(const PlugSources& sources) {
    for (const auto& [number, source] : sources) {
        const std::array fds{source.get()};
        handoff::send(channel_.get(), MessageKind::sources,
                      handoff::encode(handoff::SourceNumber{number}), fds);
    }
}

// A filesystem of the container can let the other side wait for ever.
handoff::Received PlugHelper::receive() {
    pollfd wanted{channel_.get(), POLLIN, 0};
    const int ready = os::retry([&] { return ::poll(&wanted, 1, os::poll_timeout(deadline_)); });
    if (os::check(ready, "poll") == 0) {
        throw Error("the container's file system does not answer in time");
    }
    auto message = handoff::receive(channel_.get());
    if (!message) {
        const auto status = program_.process().wait(deadline_);
        if (auto failure = program_.find_failure()) throw std::move(*failure);
        throw Error(concat("lxcri-hook ", status ? status->describe() : "does not end"));
    }
    if (message->kind == MessageKind::failure) handoff::throw_failure(message->body);
    if (message->kind != MessageKind::ready) {
        throw Error("internal error: an unexpected message of lxcri-hook");
    }
    return std::move(*message);
}

void PlugHelper::carry_out(
    const handoff::PlugRequest& request, std::span<const int> fds, const PlugSources& sources,
    const std::function<void(std::size_t, const handoff::PlugPlace&)>& on_place) {
    const std::size_t count =
        request.mounts.size() + request.devices.size() + request.removals.size();
    try {
        handoff::send(channel_.get(), MessageKind::join_plan, handoff::encode(request), fds);
        send_sources(sources);
        for (std::size_t i = 0; i < count; ++i) {
            on_place(i, handoff::decode<handoff::PlugPlace>(receive().body));
            handoff::send(channel_.get(), MessageKind::recorded, {});
        }
    } catch (const handoff::Disconnected&) {
        // What is received, or its absence, tells why.
    }
    (void)receive();
}

}  // namespace lxcri::helpers
