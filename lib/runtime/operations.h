#pragma once
// The operations on a container that exists. Each looks at the facts, refuses what the lifecycle
// does not allow (runtime.md "Operations"), and then has no effect.

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

#include "oci/linux.h"
#include "oci/resources.h"
#include "oci/state.h"
#include "os/process.h"
#include "runtime/create.h"
#include "settings/options.h"

namespace lxcri::runtime {

// `process`: only if this is its container process still; else NotFoundError.
void start(const settings::Options& options, const std::string& id,
           const os::ProcessRef* process = nullptr);

oci::State state(const settings::Options& options, const std::string& id);

// To the container process; with `all` to every process of the container. Between two lives of one
// that starts again what asks it to end goes to the process that would start it.
void kill(const settings::Options& options, const std::string& id, int signal, bool all);

// Freezes all processes of the container, until resume().
void pause(const settings::Options& options, const std::string& id);
void resume(const settings::Options& options, const std::string& id);

// Changes what is present and leaves the rest. `resources` come from a document in which they are
// at the top. Either all of it is applied, or an Error says what has become of the rest.
// `rdt`: schemata for the container's group of resctrl.
void update(const settings::Options& options, const std::string& id, oci::Resources resources,
            const oci::IntelRdt& rdt = {});

// The processes of the container, as the host numbers them, in ascending order; also what a
// stopped container has left.
std::vector<pid_t> processes(const settings::Options& options, const std::string& id);

// Does it for every container whose ID the extended regular expression (regex(7)) matches, also
// after one has failed: then the Error of the first, with the number of the others.
void for_each_match(const settings::Options& options, const std::string& pattern,
                    const std::function<void(const std::string& id)>& operation);

enum class IfRunning { refuse, kill };
void remove(const settings::Options& options, const std::string& id, IfRunning if_running);

// All that is known about the container, as JSON on several lines: {Spec, Container, State}.
std::string inspect(const settings::Options& options, const std::string& id);

// Broken entries are left out, with a warning.
std::vector<oci::State> list(const settings::Options& options);

// Creates and starts; then, unless `detach`, passes signals on until the container process has
// ended, and removes the container. The exit code of the container process (128 + signal).
struct RunOptions {
    CreateOptions create;
    bool detach = false;
    bool keep = false;  // do not remove it afterwards
};
int run(const settings::Options& options, RunOptions run_options);

}  // namespace lxcri::runtime
