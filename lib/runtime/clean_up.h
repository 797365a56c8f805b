#pragma once
// What a `create` or `restore` that fails has made is removed in steps that do not depend on each
// other: where one fails, the others remove what they can.

#include <exception>
#include <string_view>

#include "base/strings.h"
#include "settings/options.h"

namespace lxcri::runtime {

class CleanUp {
  public:
    // `warn` is told of each step that fails: one line. The error that is reported is another one,
    // the first.
    explicit CleanUp(const settings::Options::Tell& warn) : warn_(warn) {}

    // Did it work?
    template <class Action>
    bool step(Action&& action) {
        try {
            action();
            return true;
        } catch (const std::exception& error) {
            warn_(concat("cannot clean up: ", error.what()));
            return false;
        }
    }

  private:
    const settings::Options::Tell& warn_;
};

}  // namespace lxcri::runtime
