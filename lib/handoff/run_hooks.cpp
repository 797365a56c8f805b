#include "handoff/run_hooks.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/error.h"
#include "base/strings.h"
#include "os/check.h"
#include "os/file.h"
#include "os/process.h"

namespace lxcri::handoff {

namespace {

// A child that could not exec says so with the errno, through a pipe that exec closes.
struct ExecPipe {
    os::UniqueFd read;
    os::UniqueFd write;
};

ExecPipe make_exec_pipe() {
    std::array<int, 2> ends{};
    os::check(::pipe2(ends.data(), O_CLOEXEC), "pipe2");
    return {os::UniqueFd(ends[0]), os::UniqueFd(ends[1])};
}

os::UniqueFd make_output() {
    os::UniqueFd output(os::check(::memfd_create("hook output", MFD_CLOEXEC), "memfd_create"));
    os::check(::fcntl(output.get(), F_SETFL, O_APPEND), "fcntl F_SETFL");
    return output;
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
    std::vector<char*> result;
    result.reserve(texts.size() + 1);
    for (const auto& text : texts) result.push_back(const_cast<char*>(text.c_str()));
    result.push_back(nullptr);
    return result;
}

// A bundle may have gone while its container lives; its last hooks run nevertheless.
bool enter_directory(const char* directory) noexcept {
    if (*directory == '\0' || ::chdir(directory) == 0) return true;
    return errno == ENOENT && ::chdir("/") == 0;
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

// In the child, between fork and exec.
[[noreturn]] void exec_hook(const char* path, char* const* args, char* const* env,
                            const char* directory, int input, HookOutput output, int error_pipe,
                            const std::function<void()>& confine) noexcept {
    // The pipe must not be one of 0-2, which are overwritten now.
    const int report = ::fcntl(error_pipe, F_DUPFD_CLOEXEC, 3);
    os::reset_signals();
    if (::dup2(input, 0) != -1 && ::dup2(output.out, 1) != -1 && ::dup2(output.err, 2) != -1 &&
        enter_directory(directory)) {
        errno = try_to_confine(confine);
        if (errno == 0) ::execve(path, args, env);
    }
    const int code = errno;
    (void)!::write(report, &code, sizeof code);
    ::_exit(127);
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
    return concat("hook ", hook.pointer, " ", in_quotes(hook.path));
}

void run_program(const std::string& name, const Hook& program, std::string_view text,
                 const std::string& directory, HookOutput given,
                 const std::function<void()>& confine) {
    // A file in memory as stdin, not a pipe: a program that does not read it harms nobody.
    // Both beyond 0-2, which may be free here and which the child fills.
    const os::UniqueFd input = os::duplicate(os::make_sealed_memfd("input", text).get());
    const os::UniqueFd output = os::duplicate(make_output().get());
    if (given.out == -1) given.out = output.get();
    if (given.err == -1) given.err = output.get();
    ExecPipe failed = make_exec_pipe();
    const auto args = pointers(program.args);
    const auto env = pointers(program.env);
    os::close_on_exec_from(3);

    auto child = os::fork_child();
    if (!child) {
        exec_hook(program.path.c_str(), args.data(), env.data(), directory.c_str(), input.get(),
                  given, failed.write.get(), confine);
    }
    failed.write.reset();
    int code = 0;
    const ssize_t told = os::retry([&] { return ::read(failed.read.get(), &code, sizeof code); });
    if (told == sizeof code) {
        (void)child->wait();
        throw SystemError(code, name);
    }
    os::Deadline deadline;
    if (program.timeout > 0) deadline = os::Clock::now() + std::chrono::seconds(program.timeout);
    const auto status = child->wait(deadline);
    if (!status) {
        child->kill_and_reap();
        throw Error(concat(name, " exceeded its timeout of ", std::to_string(program.timeout),
                           " seconds", last_words(output.get())));
    }
    if (!status->success()) {
        throw Error(concat(name, " ", status->describe(), last_words(output.get())));
    }
}

}  // namespace

void complete_environment(std::vector<Hook>& hooks, const std::vector<std::string>& env) {
    for (auto& hook : hooks) {
        if (hook.inherits_env) hook.env = env;
    }
}

std::vector<Hook> with_own_environment(std::vector<Hook> hooks) {
    std::vector<std::string> env;
    for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
        env.emplace_back(*entry);
    }
    complete_environment(hooks, env);
    return hooks;
}

std::string fill_in(const StateTemplate& state, long pid) {
    return concat(state.before_pid, std::to_string(pid), state.after_pid);
}

void run_hook(const Hook& hook, std::string_view state, const std::string& directory,
              HookOutput given) {
    run_program(name_of(hook), hook, state, directory, given, {});
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
    for (const auto& hook : hooks) run_program(name_of(hook), hook, state, {}, given, confine);
}

}  // namespace lxcri::handoff
