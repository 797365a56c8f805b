#pragma once
// Children that put a filter on themselves and tell what became of a system call.

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "oci/seccomp.h"
#include "os/check.h"
#include "os/process.h"
#include "os/unique_fd.h"
#include "seccomp/compile.h"
#include "seccomp/load.h"
#include "unit/os/needs.h"

namespace lxcri::test {

struct Outcome {
    std::optional<long> result;  // what the child wrote; nullopt if it could not
    int signal = 0;              // that ended it
};

// Runs `action` in a child, after `prepare`; both return or throw, and what `action` returns is the
// result.
template <class Prepare, class Action>
Outcome run_child(Prepare&& prepare, Action&& action) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
    const os::UniqueFd reader(ends[0]);
    os::UniqueFd writer(ends[1]);
    auto child = os::fork_child();
    if (!child) {
        try {
            prepare();
            const long result = action();
            if (::write(writer.get(), &result, sizeof result) != sizeof result) ::_exit(98);
        } catch (...) {
            ::_exit(99);
        }
        ::_exit(0);
    }
    writer.reset();
    Outcome outcome;
    long result = 0;
    if (::read(reader.get(), &result, sizeof result) == sizeof result) outcome.result = result;
    const auto status = child->wait();
    if (status->is_signal()) outcome.signal = status->value();
    return outcome;
}

inline void put_on(const seccomp::Filter& filter) {
    os::check(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl PR_SET_NO_NEW_PRIVS");
    (void)seccomp::load(filter.program, filter.flags);
}

template <class Action>
Outcome run_confined(const seccomp::Filter& filter, Action&& action) {
    return run_child([&] { put_on(filter); }, std::forward<Action>(action));
}

// A system call as the kernel sees it: the result, or the errno with a minus.
template <class... Args>
long call(long number, Args... args) {
    const long result = ::syscall(number, static_cast<unsigned long>(args)...);
    return result == -1 ? -errno : result;
}

inline seccomp::Filter compile_profile(const oci::Seccomp& profile) {
    std::vector<std::string> warnings;
    return seccomp::compile(profile, warnings);
}

}  // namespace lxcri::test
