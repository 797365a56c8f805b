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
    // A Failure is thrown as what it is. Error for a kind that nobody handles.
    void take(handoff::Received message) const;

  private:
    std::map<handoff::MessageKind, Handler> handlers_;
};

}  // namespace lxcri::runtime
