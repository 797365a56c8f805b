#pragma once
// What an ordinary user has instead of root: the container's user namespace. It is there before
// anything is made that needs privilege, because its owner has every capability in it, and in the
// mount namespaces that belong to it (user_namespaces(7)).

#include <functional>
#include <vector>

#include "os/unique_fd.h"
#include "translate/plan.h"

namespace lxcri::runtime {

class RootlessSetup {
  public:
    // The user namespace that the plan asks for, new with its mappings or joined by its path. The
    // caller's own uid and gid alone are mapped without help, all else by newuidmap(1) and
    // newgidmap(1), which decide what the user may map. SpecError for what is not to be had.
    static RootlessSetup make(const translate::HostPlan& plan);

    // Of a container that exists.
    static RootlessSetup of(pid_t init);

    int user_namespace() const noexcept { return user_namespace_.get(); }

    // Calls `open` as root of the user namespace, in a process of its own and in a mount namespace
    // of its own with all that is mounted here, and returns what it has opened. Throws what it
    // throws (as Error).
    std::vector<os::UniqueFd> open_inside(
        const std::function<std::vector<os::UniqueFd>()>& open) const;

  private:
    explicit RootlessSetup(os::UniqueFd user_namespace)
        : user_namespace_(std::move(user_namespace)) {}

    os::UniqueFd user_namespace_;
};

}  // namespace lxcri::runtime
