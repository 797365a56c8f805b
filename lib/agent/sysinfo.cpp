// sysinfo(2): memory, swap and processes of the cgroup, the time since the container has begun. The
// load is the host's: the kernel counts none for a cgroup.
#include <sys/sysinfo.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <limits>

#include "agent/answer.h"
#include "agent/caller.h"
#include "agent/memory_view.h"
#include "os/check.h"

namespace lxcri::agent {

namespace {

// Seconds.
long uptime(std::uint64_t start_time) {
    timespec now{};
    os::check(::clock_gettime(CLOCK_BOOTTIME, &now), "clock_gettime");
    const long begin = static_cast<long>(start_time) / ::sysconf(_SC_CLK_TCK);
    return std::max(0L, now.tv_sec - begin);
}

void set_memory(const MemoryView& view, struct sysinfo& info) {
    if (!view.limit) return;
    const std::uint64_t unit = std::max(1U, info.mem_unit);
    const auto units = [=](std::uint64_t bytes) {
        return static_cast<unsigned long>(bytes / unit);
    };
    info.totalram = units(*view.limit);
    info.freeram = units(*view.limit - std::min(*view.limit, view.usage));
    info.sharedram = units(view.shared);
    info.bufferram = units(view.buffers);
    info.totalhigh = 0;
    info.freehigh = 0;
    if (!view.swap_limit) return;
    const unsigned long total = std::min(info.totalswap, units(*view.swap_limit));
    info.freeswap = std::min(info.freeswap, total - std::min(total, units(view.swap_usage)));
    info.totalswap = total;
}

}  // namespace

Answer answer_sysinfo(const Request& request) {
    // The structure of another architecture looks different.
    if (request.call.is_32_bit) return Answer::to_kernel();
    const Caller caller(request.listener, request.notif);
    struct sysinfo info {};
    os::check(::sysinfo(&info), "sysinfo");
    const std::string memberships = caller.read_file("cgroup");
    const cgroup::Layout layout = cgroup::read_layout();
    set_memory(read_memory_view(layout, memberships,
                                std::uint64_t{info.totalram} * std::max(1U, info.mem_unit)),
               info);
    if (const auto count = count_processes(layout, memberships)) {
        info.procs = static_cast<unsigned short>(
            std::min<std::uint64_t>(*count, std::numeric_limits<unsigned short>::max()));
    }
    if (request.start_time != 0) info.uptime = uptime(request.start_time);
    caller.write_memory(request.argument(0), {reinterpret_cast<const char*>(&info), sizeof info});
    return {};
}

}  // namespace lxcri::agent
