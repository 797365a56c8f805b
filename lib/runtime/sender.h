#pragma once
// What `create` says to its helpers, one message at a time, made when there is room for it: so
// neither the socket's buffer nor the limit on open files bounds how many mounts there are.

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "handoff/channel.h"
#include "os/unique_fd.h"
#include "runtime/hook_files.h"
#include "runtime/mount_source.h"
#include "runtime/rootless.h"
#include "translate/plan.h"

namespace lxcri::runtime {

class Sender {
  public:
    // Borrowed for its life: the channel, the plan, the container directory, the files of the
    // hooks, and, for an ordinary user, the user namespace (else null). `memory_entrance`: for an
    // init that enters its memory cgroup by itself; else invalid.
    Sender(int channel, const translate::Plan& plan, int directory_fd, const HookFiles& hook_files,
           os::UniqueFd memory_entrance = {}, const RootlessSetup* rootless = nullptr);

    // Something to send now? While the other side waits for an answer there is not.
    bool has_next() const noexcept;
    // Sends it, unless the other side is not ready to take it.
    void send_next();
    // What lxcri-hook has waited for is done: it goes on. Error unless it is this that it waits
    // for.
    void answer(handoff::MessageKind kind);
    // lxcri-hook has come to this source, which is made when it is asked for.
    void want_source(std::uint32_t number);
    // The root in the mount namespace that is shared with others, for lxcri-init.
    void take_root(os::UniqueFd root) { root_ = std::move(root); }

  private:
    enum class Step {
        start_plan,
        hook_plan,
        root_mount,
        net_devices,
        sources,
        runtime_hooks,
        init_plan,
        preserved,
        done
    };

    void skip_empty_steps();
    // Each returns true if it was sent, false if there was no room.
    bool send_start_plan();
    bool send_hook_plan();
    void prepare_hook_plan();
    bool send_sources();
    bool send_init_plan();
    bool send_preserved();
    bool send(handoff::MessageKind kind, std::string_view body,
              const std::vector<os::UniqueFd>& fds);

    const std::vector<translate::MountSource>& sources() const { return sources_.list(); }
    // With the privilege to mount.
    std::vector<os::UniqueFd> open_privileged(
        const std::function<std::vector<os::UniqueFd>()>& open) const;
    void prepare_hook_files(bool wanted);
    os::UniqueFd open_namespace(const translate::NamespaceToJoin& entry) const;

    int channel_;
    const translate::Plan& plan_;
    MountSources sources_;
    int directory_fd_;
    const HookFiles& hook_files_;
    const RootlessSetup* rootless_;
    os::UniqueFd memory_entrance_;
    os::UniqueFd shared_mounts_;  // the mount namespace, where it is shared with others
    os::UniqueFd root_;           // and the container's root in it
    Step step_ = Step::start_plan;
    std::size_t next_source_ = 0;
    bool source_is_wanted_ = false;
    std::vector<os::UniqueFd> prepared_;  // of the next message, which may have to wait for room
    std::uint32_t next_preserved_ = 0;
};

}  // namespace lxcri::runtime
