#include "handoff/run_hooks.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>

#include "base/error.h"
#include "base/strings.h"
#include "handoff/failure.h"
#include "os/check.h"
#include "os/file.h"
#include "os/process.h"
#include "os/spawn.h"

namespace lxcri::handoff {

namespace {

os::UniqueFd make_output() {
    os::UniqueFd output(os::check(::memfd_create("hook output", MFD_CLOEXEC), "memfd_create"));
    os::check(::fcntl(output.get(), F_SETFL, O_APPEND), "fcntl F_SETFL");
    return output;
}

// A bundle may have gone while its container lives; its last hooks run nevertheless.
bool has_gone(const std::string& directory) {
    return !directory.empty() && ::access(directory.c_str(), F_OK) == -1 && errno == ENOENT;
}

// 0 or an errno.
int try_to_confine(const std::function<void()>& confine) noexcept {
    try {
        if (confine) confine();
        return 0;
    } catch (const SystemError& error) {
        return error.code();
    } catch (const std::exception&) {  // what is not a failed call: EPERM stands for it
        return EPERM;
    }
}

// The last lines of what the hook wrote, on one line.
std::string last_words(int output) {
    constexpr off_t kWanted = 240;  // what in_quotes() shows whole
    const off_t size = ::lseek(output, 0, SEEK_END);
    if (size <= 0) return {};
    std::string text(static_cast<std::size_t>(size < kWanted ? size : kWanted), '\0');
    const off_t from = size - static_cast<off_t>(text.size());
    const ssize_t got = ::pread(output, text.data(), text.size(), from);
    text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    while (!text.empty() && (text.back() == '\n' || text.back() == '\0')) text.pop_back();
    if (text.empty()) return {};
    return concat(", its output ends with ", in_quotes(text));
}

std::string name_of(const Hook& hook) {
    return concat("hook /hooks/", name_of(kHookKinds, hook.kind), "/", std::to_string(hook.index),
                  " ", in_quotes(hook.path));
}

// The name says which program it is.
os::Spawned start(const std::string& name, const os::Command& command,
                  const std::function<void()>& confine) {
    try {
        os::Spawned spawned = os::spawn(command, [&] { return try_to_confine(confine); });
        spawned.wait_until_executed();
        return spawned;
    } catch (os::SpawnError& error) {
        if (error.step() == os::SpawnStep::execute) throw SystemError(error.code(), name);
        error.add_context(name);
        throw;
    }
}

void run_program(const std::string& name, const Hook& program, std::string_view text,
                 const std::string& directory, HookOutput given,
                 const std::function<void()>& confine) {
    // A file in memory as stdin, not a pipe: a program that does not read it does no harm.
    const os::UniqueFd input = os::make_sealed_memfd("input", text);
    const os::UniqueFd output = make_output();
    os::Command command;
    command.path = program.path;
    command.arguments = program.args;
    command.environment = program.env;
    command.descriptors = {{input.get(), 0},
                           {given.out == -1 ? output.get() : given.out, 1},
                           {given.err == -1 ? output.get() : given.err, 2}};
    command.directory = has_gone(directory) ? "/" : directory;
    os::Spawned spawned = start(name, command, confine);
    os::Deadline deadline = os::kNoDeadline;
    if (program.timeout > 0) deadline = os::Clock::now() + std::chrono::seconds(program.timeout);
    const auto status = spawned.process().wait(deadline);
    if (!status) {
        // In the container the end of its first process, or of its cgroup, takes the rest.
        os::ChildProcess& hook = spawned.process();
        if (confine) hook.kill_and_reap();
        if (!confine) os::kill_with_descendants(hook, os::Clock::now() + os::kTimeToDie);
        throw Error(concat(name, " exceeded its timeout of ", std::to_string(program.timeout),
                           " seconds", last_words(output.get())));
    }
    if (!status->success()) {
        throw Error(concat(name, " ", status->describe(), last_words(output.get())));
    }
}

void run_one(const Hook& hook, std::string_view state, const std::string& directory,
             HookOutput given, const std::function<void()>& confine) {
    try {
        run_program(name_of(hook), hook, state, directory, given, confine);
    } catch (const SystemError& error) {
        throw HookError(hook.kind, hook.index, error.code(), error.what());
    } catch (const Error& error) {
        throw HookError(hook.kind, hook.index, 0, error.what());
    }
}

}  // namespace

void complete_environment(std::vector<Hook>& hooks, const std::vector<std::string>& env) {
    for (auto& hook : hooks) {
        if (hook.inherits_env) hook.env = env;
    }
}

std::vector<Hook> with_own_environment(std::vector<Hook> hooks) {
    complete_environment(hooks, os::own_environment());
    return hooks;
}

std::string fill_in(const StateTemplate& state, long pid) {
    return concat(state.before_pid, std::to_string(pid), state.after_pid);
}

void run_hook(const Hook& hook, std::string_view state, const std::string& directory,
              HookOutput given) {
    run_one(hook, state, directory, given, {});
}

void run_program(const std::string& name, const Hook& program, std::string_view text,
                 const std::string& directory, HookOutput given) {
    run_program(name, program, text, directory, given, {});
}

void run_hooks(const std::vector<Hook>& hooks, std::string_view state, const std::string& directory,
               HookOutput given) {
    for (const auto& hook : hooks) run_hook(hook, state, directory, given);
}

void run_confined_hooks(const std::vector<Hook>& hooks, std::string_view state,
                        const std::function<void()>& confine, HookOutput given) {
    for (const auto& hook : hooks) run_one(hook, state, {}, given, confine);
}

}  // namespace lxcri::handoff
