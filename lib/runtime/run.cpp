#include <optional>

#include "base/error.h"
#include "runtime/operations.h"
#include "runtime/supervisor.h"

namespace lxcri::runtime {

int run(const settings::Options& options, RunOptions run_options) {
    if (run_options.detach) {
        create_and_leave(options, run_options.create, Starts::yes);
        return 0;
    }
    run_options.create.start_now = true;
    run_options.create.keeps_terminal = true;
    Supervisor supervisor(options, run_options.create);
    (void)supervisor.create();
    supervisor.start(IfItFails::remove);
    options.succeeded();
    const auto remove_unless_kept = [&] {
        if (!run_options.keep) remove(options, run_options.create.id, IfRunning::kill);
    };
    std::optional<os::ExitStatus> status;
    try {
        status = supervisor.follow();
    } catch (const NotFoundError&) {
        throw;  // what has this ID now, if anything, is not ours
    } catch (const Error&) {
        remove_unless_kept();
        throw;
    }
    remove_unless_kept();
    return status->to_shell_code();
}

}  // namespace lxcri::runtime
