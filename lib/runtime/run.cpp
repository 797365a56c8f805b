#include <sys/prctl.h>

#include <optional>

#include "attached/terminal_relay.h"
#include "base/error.h"
#include "os/check.h"
#include "runtime/foreground.h"
#include "runtime/operations.h"

namespace lxcri::runtime {

namespace {

void start_or_remove(const settings::Options& options, const std::string& id) {
    try {
        start(options, id);
    } catch (const Error&) {
        remove(options, id, IfRunning::kill);
        throw;
    }
}

}  // namespace

int run(const settings::Options& options, RunOptions run_options) {
    run_options.create.start_now = true;
    if (run_options.detach) {
        run_options.create.start_now = false;
        Created created = create(options, run_options.create);
        if (created.monitor) created.monitor->release();
        start_or_remove(options, run_options.create.id);
        return 0;
    }
    // When the monitor ends, the container process becomes our child.
    os::check(::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), "prctl PR_SET_CHILD_SUBREAPER");
    Foreground foreground;
    run_options.create.keeps_terminal = true;
    Created created = create(options, run_options.create);
    if (!created.started) {
        settings::Options without_notify =
            options;  // in the foreground that is relayed by follow()
        without_notify.notify_socket.clear();
        start_or_remove(without_notify, run_options.create.id);
    }
    const pid_t child = created.monitor ? created.monitor->pid() : created.init.pid();
    std::optional<attached::TerminalRelay> relay;
    if (created.terminal.valid()) {
        relay.emplace(std::move(created.terminal));
    }
    options.succeeded();
    const int code = foreground.follow(created.init, child, relay ? &*relay : nullptr,
                                       created.notify_socket ? &*created.notify_socket : nullptr);
    relay.reset();
    if (created.monitor) created.monitor->release();
    if (!run_options.keep) remove(options, run_options.create.id, IfRunning::kill);
    return code;
}

}  // namespace lxcri::runtime
