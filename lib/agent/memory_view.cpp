#include "agent/memory_view.h"

#include <fcntl.h>

#include <algorithm>
#include <limits>

#include "base/strings.h"
#include "cgroup/tree.h"
#include "os/file.h"

namespace lxcri::agent {

namespace {

constexpr std::uint64_t kNone = std::numeric_limits<std::uint64_t>::max();

// The files of a version; "": it has none.
struct Names {
    const char* limit;
    const char* usage;
    const char* swap_limit;  // version 1: of memory and swap together
    const char* swap_usage;
    const char* shared;  // in memory.stat
    const char* buffers;
};
constexpr Names kV1{
    "memory.limit_in_bytes",       "memory.usage_in_bytes", "memory.memsw.limit_in_bytes",
    "memory.memsw.usage_in_bytes", "total_shmem",           "total_cache"};
constexpr Names kV2{"memory.max",          "memory.current", "memory.swap.max",
                    "memory.swap.current", "shmem",          "file"};

// A cgroup in one hierarchy.
struct Place {
    const cgroup::Hierarchy* hierarchy = nullptr;
    std::string path;  // below its mount point, "/a/b"
};

std::optional<Place> find_place(const cgroup::Layout& layout, std::string_view memberships,
                                const std::string& controller) {
    const auto* v1 = layout.find_v1(controller);
    const cgroup::Hierarchy* hierarchy = v1 != nullptr ? v1 : layout.find_v2();
    if (hierarchy == nullptr) return {};
    for (const auto& membership : cgroup::parse_memberships(memberships)) {
        const bool is_v2 = membership.controllers.empty();
        const bool fits =
            v1 == nullptr ? is_v2
                          : std::find(membership.controllers.begin(), membership.controllers.end(),
                                      controller) != membership.controllers.end();
        if (fits) return Place{hierarchy, membership.path};
    }
    return {};
}

std::optional<std::string> find_text(const Place& place, const std::string& file) {
    return os::find_file_at(AT_FDCWD, concat(place.hierarchy->mount_point, place.path, "/", file));
}

std::optional<std::uint64_t> find_number(const Place& place, const std::string& file) {
    auto text = find_text(place, file);
    if (!text) return {};
    while (text->ends_with('\n')) text->pop_back();
    if (*text == "max") return kNone;
    return parse_integer<std::uint64_t>(*text);
}

// The one around it; false at the root, which has no limits.
bool go_up(Place& place) {
    const auto slash = place.path.rfind('/');
    if (slash == std::string::npos) return false;
    place.path.resize(slash);
    return !place.path.empty();
}

void read_swap(const Place& place, const Names& names, MemoryView& view) {
    const auto limit = find_number(place, names.swap_limit);
    const auto usage = find_number(place, names.swap_usage);
    if (!limit || *limit == kNone || !usage) return;
    const bool with_memory = place.hierarchy->version == 1;
    const auto without = [=](std::uint64_t sum, std::uint64_t memory) {
        return with_memory ? sum - std::min(sum, memory) : sum;
    };
    view.swap_limit = without(*limit, *view.limit);
    view.swap_usage = without(*usage, view.usage);
}

}  // namespace

MemoryView read_memory_view(const cgroup::Layout& layout, std::string_view memberships,
                            std::uint64_t host_memory) {
    auto place = find_place(layout, memberships, "memory");
    if (!place) return {};
    const Names& names = place->hierarchy->version == 1 ? kV1 : kV2;
    std::optional<Place> lowest;
    std::uint64_t limit = host_memory;
    do {
        const auto its = find_number(*place, names.limit);
        if (its && *its < limit) {
            limit = *its;
            lowest = *place;
        }
    } while (go_up(*place));
    MemoryView view;
    if (!lowest) return view;
    view.limit = limit;
    view.usage = find_number(*lowest, names.usage).value_or(0);
    const std::string stat = find_text(*lowest, "memory.stat").value_or("");
    view.shared = cgroup::find_count(stat, names.shared).value_or(0);
    view.buffers = cgroup::find_count(stat, names.buffers).value_or(0);
    read_swap(*lowest, names, view);
    return view;
}

std::optional<std::uint64_t> count_processes(const cgroup::Layout& layout,
                                             std::string_view memberships) {
    const auto place = find_place(layout, memberships, "pids");
    if (!place || place->path == "/") return {};
    return find_number(*place, "pids.current");
}

}  // namespace lxcri::agent
