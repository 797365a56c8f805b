#include "seccomp/load.h"

#include <linux/filter.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "os/check.h"

namespace lxcri::seccomp {

namespace {

long set_filter(std::uint32_t flags, const sock_fprog* program) {
    return ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, program);
}

}  // namespace

os::UniqueFd load(std::string_view program, std::uint32_t flags) {
    if (program.size() % sizeof(sock_filter) != 0 ||
        program.size() > BPF_MAXINSNS * sizeof(sock_filter)) {
        throw Error("not a seccomp filter");
    }
    sock_fprog code{};
    code.len = static_cast<unsigned short>(program.size() / sizeof(sock_filter));
    // The kernel reads it, whatever its alignment.
    code.filter = reinterpret_cast<sock_filter*>(const_cast<char*>(program.data()));
    // Otherwise a thread that cannot follow would be told by its id, as if that were a listener.
    if ((flags & SECCOMP_FILTER_FLAG_TSYNC) != 0) flags |= SECCOMP_FILTER_FLAG_TSYNC_ESRCH;
    const long result = os::check(set_filter(flags, &code), "seccomp");
    if ((flags & SECCOMP_FILTER_FLAG_NEW_LISTENER) == 0) return {};
    return os::UniqueFd(static_cast<int>(result));
}

bool kernel_knows(std::uint32_t flag) {
    // One flag makes sense only together with another one.
    if (flag == SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV) flag |= SECCOMP_FILTER_FLAG_NEW_LISTENER;
    // The flags are looked at first, then the program, which is not there: EFAULT. Whatever else
    // it says (a filter of our own may forbid the call) is no answer to the question.
    return set_filter(flag, nullptr) == -1 && errno != EINVAL;
}

}  // namespace lxcri::seccomp
