#include "runtime/operations.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "base/error.h"
#include "base/strings.h"
#include "handoff/run_hooks.h"
#include "handoff/start_signal.h"
#include "runtime/container.h"
#include "runtime/notify_socket.h"
#include "translate/hooks.h"

namespace lxcri::runtime {

namespace {

StateError wrong_status(const Container& container, std::string_view operation,
                        oci::Status status) {
    return StateError(concat("cannot ", operation, " container ", quoted(container.record().id),
                             ": it is ", oci::status_name(status)));
}

// A hook of start that fails ends the container: config.md "Lifecycle", 12 and 13.
void run_start_hooks_or_destroy(Container& container, const Options& options,
                                const os::ProcessRef& init) {
    try {
        handoff::start_and_wait(container.dir().fd(), init);
        if (!container.record().has_poststart) return;
        const oci::Spec spec = container.spec();
        oci::State state = container.state();
        state.status = oci::Status::running;
        state.pid = container.record().pid;
        handoff::run_hooks(translate::make_hooks(spec.hooks.poststart, "poststart"),
                           oci::to_json(state, oci::JsonStyle::one_line),
                           container.record().bundle);
    } catch (const StateError&) {
        throw;  // somebody else has started it: it is not ours to end
    } catch (const Error& error) {
        if (std::string_view(error.what()).starts_with("hook /hooks/")) container.destroy(options);
        throw;
    }
}

}  // namespace

void start(const Options& options, const std::string& id) {
    Container container = Container::open(options, id);
    container.lock();
    const auto status = container.status();
    if (!oci::may_start(status)) throw wrong_status(container, "start", status);
    if (!container.record().has_process) {
        throw SpecError("/process", "missing: there is nothing to start");
    }
    const auto init = container.init();
    if (!init) throw wrong_status(container, "start", oci::Status::stopped);
    const auto notify_socket = NotifySocket::listen(container.dir().fd(), options.notify_socket);
    run_start_hooks_or_destroy(container, options, *init);
    if (notify_socket) {
        // That takes as long as the service takes; others may look and kill meanwhile.
        container.unlock();
        notify_socket->relay_until_ready(*init);
    }
}

oci::State state(const Options& options, const std::string& id) {
    return Container::open(options, id).state();
}

void kill(const Options& options, const std::string& id, int signal, bool all) {
    const Container container = Container::open(options, id);
    const auto deadline = os::Clock::now() + options.timeout;
    const auto init = container.init();
    const bool owns_cgroup = container.record().owns_cgroup;
    if (all && owns_cgroup) {
        // What a stopped container has left behind in a shared pid namespace, too.
        return container.cgroup().signal_all(signal, deadline);
    }
    // The words that callers take for "it has gone".
    if (!init) throw StateError(concat("container ", quoted(id), ": container not running"));
    if (signal == SIGKILL && !container.record().own_pid_namespace && owns_cgroup) {
        // No init that takes the others with it.
        return container.cgroup().signal_all(signal, deadline);
    }
    if (!init->signal(signal)) {
        throw StateError(concat("container ", quoted(id), ": container not running"));
    }
    // In a frozen cgroup of version 1 even SIGKILL waits for the thaw.
    if (signal == SIGKILL && owns_cgroup && container.cgroup().is_frozen()) {
        container.cgroup().thaw(deadline);
    }
}

void remove(const Options& options, const std::string& id, bool force) {
    try {
        Container container = Container::open(options, id);
        container.lock();
        const auto status = container.status();
        if (!oci::may_delete(status, force)) throw wrong_status(container, "delete", status);
        container.destroy(options);
    } catch (const NotFoundError&) {
        if (!force) throw;
    }
}

std::vector<oci::State> list(const Options& options) {
    std::vector<oci::State> states;
    if (options.root_is_default && ::access(options.root.c_str(), F_OK) == -1) return states;
    for (const auto& id : list_ids(options.root)) {
        try {
            states.push_back(state(options, id));
        } catch (const NotFoundError&) {
            continue;  // deleted while we looked
        } catch (const Error& error) {
            options.warn(concat("container ", quoted(id), " is left out: ", error.what()));
        }
    }
    return states;
}

}  // namespace lxcri::runtime
