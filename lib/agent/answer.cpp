#include "agent/answer.h"

#include <sys/ioctl.h>

#include <cerrno>

#include "base/error.h"
#include "os/check.h"
#include "os/namespace.h"

namespace lxcri::agent {

Answer answer(const Request& request) {
    using oci::AgentCall;
    // To root of the host without a user namespace the kernel itself allows what its capabilities
    // allow. With CAP_SYS_PTRACE it could look into a process of ours in its pid namespace.
    if (family_of(request.call.which) != AgentCall::sysinfo &&
        os::is_own_namespace(request.user_namespace, "user")) {
        return Answer::to_kernel();
    }
    switch (family_of(request.call.which)) {
        case AgentCall::mknod:
            return answer_mknod(request);
        case AgentCall::setxattr:
            return answer_setxattr(request);
        case AgentCall::sysinfo:
            return answer_sysinfo(request);
        case AgentCall::sched_setscheduler:
            return answer_scheduler(request);
        case AgentCall::mount:
            return answer_mount(request);
    }
    return Answer::to_kernel();
}

bool send(int listener, std::uint64_t id, const Answer& answer) {
    seccomp_notif_resp response{};
    response.id = id;
    response.error = answer.leave_to_kernel ? 0 : -answer.error;
    response.flags = answer.leave_to_kernel ? SECCOMP_USER_NOTIF_FLAG_CONTINUE : 0;
    const int result =
        os::retry([&] { return ::ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response); });
    // Other errors: it has gone (ENOENT), or has its answer (EINPROGRESS).
    return result == 0;
}

}  // namespace lxcri::agent
