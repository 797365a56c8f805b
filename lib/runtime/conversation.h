#pragma once
// What `create` and `exec` do with what their helpers say: one handler for each kind of message.

#include <functional>
#include <map>

#include "handoff/channel.h"

namespace lxcri::runtime {

class Conversation {
  public:
    using Handler = std::function<void(handoff::Received message)>;

    void on(handoff::MessageKind kind, Handler handler);
    // Throws what a Failure says. Throws Error for a kind without a handler.
    void take(handoff::Received message) const;

  private:
    std::map<handoff::MessageKind, Handler> handlers_;
};

}  // namespace lxcri::runtime
