#pragma once
// What the agent does for one call, in a process of its own, with the privilege of the host's root.

#include <linux/seccomp.h>

#include <cstdint>
#include <string>

#include "agent/call.h"
#include "agent/policy.h"

namespace lxcri::agent {

// One pending call, and what the agent may do for it.
struct Request {
    seccomp_notif notif{};
    Call call{};
    int listener = -1;
    int user_namespace = -1;       // of the container
    std::uint64_t start_time = 0;  // of the container, in clock ticks since boot; 0: unknown
    const Policy* policy = nullptr;
    int complaints = -1;  // a pipe; open in each process that is at work for this call

    std::uint64_t argument(unsigned index) const { return notif.data.args[index]; }
};

struct Answer {
    int error = 0;  // an errno
    bool leave_to_kernel = false;
    std::string complaint{};  // what the administrator should know

    static Answer to_kernel() { return {0, true, {}}; }
};

// SystemError: the errno with which the call fails. What the agent does not do itself is left to
// the kernel, which decides as if there were no agent.
Answer answer(const Request& request);

// Returns false if no process waits for it any more.
bool send(int listener, std::uint64_t id, const Answer& answer);

// The families, each in a file of its own.
Answer answer_mknod(const Request& request);
Answer answer_setxattr(const Request& request);
Answer answer_sysinfo(const Request& request);
Answer answer_scheduler(const Request& request);
Answer answer_mount(const Request& request);

}  // namespace lxcri::agent
