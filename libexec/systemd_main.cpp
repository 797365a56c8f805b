// lxcri-systemd: asks systemd for what `lxcri` wants to be done with a container's unit
// (handoff/unit.h). A program of its own, because lxcri is static and never needs D-Bus otherwise.
//
// Privilege: that of the caller. Descriptors it gets: 0-2 /dev/null; handoff::kChannelFd. It ends
// when lxcri closes the channel, or dies.

#include <cstdlib>
#include <optional>

#include "base/error.h"
#include "base/strings.h"
#include "handoff/channel.h"
#include "handoff/unit.h"
#include "systemd_bus.h"

namespace {

using namespace lxcri;
using handoff::MessageKind;
using handoff::UnitAction;
using handoff::UnitRequest;

void carry_out(libexec::SystemdBus& bus, const UnitRequest& request) {
    in_context(concat("unit ", in_quotes(request.unit)), [&] {
        switch (request.action) {
            case UnitAction::start:
                return bus.start(request);
            case UnitAction::set_properties:
                return bus.set_properties(request);
            case UnitAction::attach:
                return bus.attach(request);
            case UnitAction::stop:
                return bus.stop(request);
        }
    });
}

}  // namespace

int main() {
    std::optional<libexec::SystemdBus> bus;
    try {
        while (auto message = handoff::receive(handoff::kChannelFd)) {
            const auto request = handoff::decode<UnitRequest>(message->body);
            try {
                if (!bus) bus.emplace(request.user_manager);
                carry_out(*bus, request);
                handoff::send(handoff::kChannelFd, MessageKind::unit_done, {});
            } catch (const Error& error) {
                handoff::send_failure(handoff::kChannelFd, error);
            }
        }
    } catch (const std::exception& error) {
        handoff::send_failure(handoff::kChannelFd, error);
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
