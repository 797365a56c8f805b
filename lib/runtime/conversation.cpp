#include "runtime/conversation.h"

#include "base/error.h"
#include "base/strings.h"
#include "handoff/failure.h"

namespace lxcri::runtime {

void Conversation::on(handoff::MessageKind kind, Handler handler) {
    handlers_[kind] = std::move(handler);
}

void Conversation::take(handoff::Received message) const {
    if (message.kind == handoff::MessageKind::failure) handoff::throw_failure(message.body);
    const auto found = handlers_.find(message.kind);
    if (found == handlers_.end()) {
        throw Error(concat("internal error: message ",
                           in_quotes(std::string(1, static_cast<char>(message.kind))),
                           " out of turn"));
    }
    found->second(std::move(message));
}

}  // namespace lxcri::runtime
