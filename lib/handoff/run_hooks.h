#pragma once
// Runs OCI hooks (runtime-spec config.md "POSIX-platform Hooks"): in `lxcri` those of the runtime
// namespace, in lxcri-hook createContainer, in lxcri-init startContainer.

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "handoff/plan.h"

namespace lxcri::handoff {

// Hooks without `env` get this environment.
void complete_environment(std::vector<Hook>& hooks, const std::vector<std::string>& env);
// The same with the environment of this process.
std::vector<Hook> with_own_environment(std::vector<Hook> hooks);

// The state document with the pid filled in.
std::string fill_in(const StateTemplate& state, long pid);

// Descriptors to which programs write instead of into the error text: borrowed, -1 for none.
struct HookOutput {
    int out = -1;
    int err = -1;
};

// Runs one hook to its end: the state on stdin; stdout and stderr kept for the error text; default
// signal dispositions; no descriptor but 0-2; exactly the hook's environment. `directory`: where
// it starts ("/" when that has gone), "" for where we are. Throws HookError, which names hook,
// path, status and the last lines it wrote, when it cannot run, fails, or exceeds its timeout (it
// is then killed).
void run_hook(const Hook& hook, std::string_view state, const std::string& directory = {},
              HookOutput given = {});

// The same for any program: errors begin with `name`.
void run_program(const std::string& name, const Hook& program, std::string_view input,
                 const std::string& directory = {}, HookOutput given = {});

// In order; the first failure ends the list.
void run_hooks(const std::vector<Hook>& hooks, std::string_view state,
               const std::string& directory = {}, HookOutput given = {});

// The same where we are, for hooks that must be confined as the container process is: each calls
// `confine` in its own process, as the last thing before its program.
void run_confined_hooks(const std::vector<Hook>& hooks, std::string_view state,
                        const std::function<void()>& confine, HookOutput given = {});

}  // namespace lxcri::handoff
