#include "host/kernel_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/strings.h"

namespace lxcri::host {

namespace {

// What stands behind the last `name`, and is cut off with it.
std::optional<std::string_view> take_last(std::string_view& text, std::string_view name) {
    const auto at = text.rfind(name);
    if (at == std::string_view::npos) return {};
    const auto value = text.substr(at + name.size());
    text = text.substr(0, at);
    return value;
}

// Those that a process has written to /dev/kmsg are of a facility, which are the bits from 3 on.
bool is_kernels(std::string_view record) {
    constexpr unsigned kFirstOfOthers = 8;
    const auto level = parse_integer<unsigned>(record.substr(0, record.find(',')));
    return level && *level < kFirstOfOthers;
}

}  // namespace

// "LEVEL,NUMBER,TIME,FLAGS;oom-kill:constraint=...,task_memcg=PATH,task=NAME,pid=N,uid=N". A name
// may be anything, commas too: so it is read from the end. The names of cgroups may be, too: with
// "x,task_memcg=" as one of them a container could tell of another one.
std::optional<OomKill> parse_oom_kill(std::string_view record) {
    record = record.substr(0, record.find('\n'));
    const auto start = record.find(';');
    if (start == std::string_view::npos) return {};
    std::string_view text = record.substr(start + 1);
    if (!text.starts_with("oom-kill:") || !is_kernels(record)) return {};
    if (!take_last(text, ",uid=")) return {};
    const auto pid = take_last(text, ",pid=");
    const auto name = take_last(text, ",task=");
    const auto cgroup = take_last(text, ",task_memcg=");
    if (!pid || !name || !cgroup) return {};
    if (text.find(",task_memcg=") != std::string_view::npos) return {};
    const auto number = parse_integer<pid_t>(*pid);
    if (!number) return {};
    return OomKill{std::string(*name), *number, std::string(*cgroup)};
}

KernelLog::KernelLog() {
    os::UniqueFd log(::open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    if (log.valid() && ::lseek(log.get(), 0, SEEK_END) == 0) fd_ = std::move(log);
}

std::vector<OomKill> KernelLog::take() {
    std::vector<OomKill> kills;
    std::array<char, 8192> record{};
    while (fd_.valid()) {
        const ssize_t size = ::read(fd_.get(), record.data(), record.size());
        // EPIPE: records that were not read have been written over.
        if (size == -1 && (errno == EPIPE || errno == EINTR)) continue;
        if (size <= 0) break;
        const std::string_view text(record.data(), static_cast<std::size_t>(size));
        if (auto kill = parse_oom_kill(text)) kills.push_back(std::move(*kill));
    }
    return kills;
}

}  // namespace lxcri::host
