#include "cgroup/stats.h"

#include <dirent.h>
#include <unistd.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <optional>

#include "base/strings.h"
#include "cgroup/tree.h"
#include "os/file.h"

namespace lxcri::cgroup {

namespace {

// The files of one directory; all absent when there is none.
class Files {
  public:
    Files(const ContainerCgroup& cgroup, const Directory* directory)
        : dir_(directory == nullptr ? os::UniqueFd() : cgroup.open_directory(*directory)) {}

    bool valid() const { return dir_.valid(); }
    int fd() const { return dir_.get(); }

    std::string text(const std::string& file) const {
        if (!dir_.valid()) return {};
        std::string content = find_file(dir_.get(), file).value_or("");
        while (content.ends_with('\n')) content.pop_back();
        return content;
    }
    std::optional<std::uint64_t> find_number(const std::string& file) const {
        const std::string content = text(file);
        if (content == "max") return std::numeric_limits<std::uint64_t>::max();
        return parse_integer<std::uint64_t>(content);
    }
    std::uint64_t number(const std::string& file) const { return find_number(file).value_or(0); }

  private:
    os::UniqueFd dir_;
};

std::uint64_t count(std::string_view text, std::string_view key) {
    return find_count(text, key).value_or(0);
}

std::vector<std::uint64_t> parse_numbers(std::string_view text) {
    std::vector<std::uint64_t> numbers;
    for (const std::string& word : split(text, ' ')) {
        if (const auto number = parse_integer<std::uint64_t>(word)) numbers.push_back(*number);
    }
    return numbers;
}

// ---- version 1 ------------------------------------------------------------------------------

void read_cpu_v1(const ContainerCgroup& cgroup, CpuStats& cpu) {
    const Files accounts(cgroup, cgroup.find_v1("cpuacct"));
    cpu.total = accounts.number("cpuacct.usage");
    cpu.per_cpu = parse_numbers(accounts.text("cpuacct.usage_percpu"));
    const long hertz = ::sysconf(_SC_CLK_TCK);
    const std::uint64_t tick = 1'000'000'000U / static_cast<std::uint64_t>(hertz);
    const std::string times = accounts.text("cpuacct.stat");
    cpu.user = count(times, "user") * tick;
    cpu.kernel = count(times, "system") * tick;
    // "cpu user system", then a line for each CPU.
    for (const std::string& line : split(accounts.text("cpuacct.usage_all"), '\n')) {
        const auto numbers = parse_numbers(line);
        if (numbers.size() != 3) continue;
        cpu.per_cpu_user.push_back(numbers[1]);
        cpu.per_cpu_kernel.push_back(numbers[2]);
    }
    const std::string throttling = Files(cgroup, cgroup.find_v1("cpu")).text("cpu.stat");
    cpu.periods = count(throttling, "nr_periods");
    cpu.throttled_periods = count(throttling, "nr_throttled");
    cpu.throttled_time = count(throttling, "throttled_time");
}

void read_cpuset_v1(const ContainerCgroup& cgroup, CpusetStats& cpuset) {
    const Files files(cgroup, cgroup.find_v1("cpuset"));
    if (!files.valid()) return;
    cpuset.cpus = parse_list(files.text("cpuset.cpus"));
    cpuset.mems = parse_list(files.text("cpuset.mems"));
    for (const char* name : {"cpu_exclusive", "mem_hardwall", "mem_exclusive", "memory_migrate",
                             "memory_spread_page", "memory_spread_slab", "memory_pressure",
                             "sched_load_balance", "sched_relax_domain_level"}) {
        const std::string text = files.text(concat("cpuset.", name));
        cpuset.flags[name] = parse_integer<std::int64_t>(text).value_or(0);
    }
}

// `prefix`: "memory.", "memory.memsw.", ...
MemoryEntry read_memory_entry_v1(const Files& files, const std::string& prefix) {
    return {files.number(prefix + "limit_in_bytes"), files.number(prefix + "usage_in_bytes"),
            files.number(prefix + "max_usage_in_bytes"), files.number(prefix + "failcnt")};
}

void read_raw(const Files& files, MemoryStats& memory) {
    for (const std::string& line : split(files.text("memory.stat"), '\n')) {
        const auto blank = line.find(' ');
        if (blank == std::string::npos) continue;
        const auto value = parse_integer<std::uint64_t>(std::string_view(line).substr(blank + 1));
        if (value) memory.raw[line.substr(0, blank)] = *value;
    }
}

std::uint64_t find_raw(const MemoryStats& memory, const std::string& name) {
    const auto found = memory.raw.find(name);
    return found == memory.raw.end() ? 0 : found->second;
}

void read_memory_v1(const Files& files, MemoryStats& memory) {
    read_raw(files, memory);
    memory.cache = find_raw(memory, "cache");
    memory.usage = read_memory_entry_v1(files, "memory.");
    memory.swap = read_memory_entry_v1(files, "memory.memsw.");
    memory.kernel = read_memory_entry_v1(files, "memory.kmem.");
    memory.kernel_tcp = read_memory_entry_v1(files, "memory.kmem.tcp.");
}

void read_block_io_v1(const Files& files, BlockIoStats& block_io) {
    // The scheduler BFQ counts what it schedules, the throttling layer everything.
    for (const char* layer : {"blkio.bfq.", "blkio.throttle."}) {
        block_io.bytes = parse_blkio(files.text(concat(layer, "io_service_bytes_recursive")));
        block_io.operations = parse_blkio(files.text(concat(layer, "io_serviced_recursive")));
        if (!block_io.bytes.empty()) return;
    }
}

// ---- version 2 ------------------------------------------------------------------------------

void read_cpu_v2(const Files& files, CpuStats& cpu) {
    constexpr std::uint64_t kMicrosecond = 1000;
    const std::string text = files.text("cpu.stat");
    cpu.total = count(text, "usage_usec") * kMicrosecond;
    cpu.user = count(text, "user_usec") * kMicrosecond;
    cpu.kernel = count(text, "system_usec") * kMicrosecond;
    cpu.periods = count(text, "nr_periods");
    cpu.throttled_periods = count(text, "nr_throttled");
    cpu.throttled_time = count(text, "throttled_usec") * kMicrosecond;
}

std::uint64_t add_limits(std::uint64_t one, std::uint64_t other) {
    const std::uint64_t sum = one + other;
    return sum < one ? std::numeric_limits<std::uint64_t>::max() : sum;
}

void read_memory_v2(const Files& files, MemoryStats& memory) {
    read_raw(files, memory);
    memory.cache = find_raw(memory, "file");
    memory.usage = {files.number("memory.max"), files.number("memory.current"),
                    files.number("memory.peak"), count(files.text("memory.events"), "max")};
    memory.swap = {add_limits(files.number("memory.swap.max"), memory.usage.limit),
                   files.number("memory.swap.current") + memory.usage.usage, 0, 0};
}

// ---- both -----------------------------------------------------------------------------------

bool is_hugepage_file(std::string_view name, std::string_view end) {
    return name.starts_with("hugetlb.") && name.ends_with(end) &&
           name.find(".rsvd.") == std::string_view::npos;
}

std::map<std::string, HugepageStats> read_hugepages(const Files& files, int version) {
    const bool is_v1 = version == 1;
    std::map<std::string, HugepageStats> result;
    if (!files.valid()) return result;
    os::UniqueFd copy = os::open_at(files.fd(), ".", O_RDONLY | O_DIRECTORY);
    const std::unique_ptr<DIR, int (*)(DIR*)> dir(::fdopendir(copy.get()), ::closedir);
    if (dir) (void)copy.release();  // closedir() closes it
    const std::string_view end = is_v1 ? ".usage_in_bytes" : ".current";
    while (const dirent* entry = dir ? ::readdir(dir.get()) : nullptr) {
        const std::string_view name = entry->d_name;
        if (!is_hugepage_file(name, end)) continue;
        const std::string prefix(name.substr(0, name.size() - end.size()));
        HugepageStats& stats = result[prefix.substr(prefix.find('.') + 1)];
        stats.usage = files.number(std::string(name));
        if (is_v1) {
            stats.max = files.number(prefix + ".max_usage_in_bytes");
            stats.failures = files.number(prefix + ".failcnt");
        } else {
            stats.failures = count(files.text(prefix + ".events"), "max");
        }
    }
    return result;
}

std::optional<BlockIoEntry> parse_device(std::string_view text) {
    const auto colon = text.find(':');
    if (colon == std::string_view::npos) return {};
    const auto major = parse_integer<std::uint64_t>(text.substr(0, colon));
    const auto minor = parse_integer<std::uint64_t>(text.substr(colon + 1));
    if (!major || !minor) return {};
    return BlockIoEntry{*major, *minor, {}, 0};
}

}  // namespace

std::vector<std::uint64_t> parse_list(std::string_view text) {
    constexpr std::uint64_t kMost = 65536;  // of a range: the kernel has fewer
    std::vector<std::uint64_t> numbers;
    for (const std::string& range : split(text, ',')) {
        const auto dash = range.find('-');
        const auto first = parse_integer<std::uint64_t>(std::string_view(range).substr(0, dash));
        const auto last =
            dash == std::string::npos
                ? first
                : parse_integer<std::uint64_t>(std::string_view(range).substr(dash + 1));
        if (!first || !last || *last < *first || *last - *first >= kMost) continue;
        for (auto number = *first; number <= *last; ++number) numbers.push_back(number);
    }
    return numbers;
}

std::vector<BlockIoEntry> parse_blkio(std::string_view text) {
    std::vector<BlockIoEntry> entries;
    for (const std::string& line : split(text, '\n')) {
        const auto words = split(line, ' ');
        if (words.size() != 3) continue;  // "Total 0"
        auto entry = parse_device(words[0]);
        const auto value = parse_integer<std::uint64_t>(words[2]);
        if (!entry || !value) continue;
        entry->operation = words[1];
        entry->value = *value;
        entries.push_back(std::move(*entry));
    }
    return entries;
}

BlockIoStats parse_io_stat(std::string_view text) {
    struct Counter {
        std::string_view key;
        const char* operation;
        std::vector<BlockIoEntry> BlockIoStats::*list;
    };
    constexpr Counter kCounters[] = {
        {"rbytes", "Read", &BlockIoStats::bytes},
        {"wbytes", "Write", &BlockIoStats::bytes},
        {"dbytes", "Discard", &BlockIoStats::bytes},
        {"rios", "Read", &BlockIoStats::operations},
        {"wios", "Write", &BlockIoStats::operations},
        {"dios", "Discard", &BlockIoStats::operations},
    };
    BlockIoStats stats;
    for (const std::string& line : split(text, '\n')) {
        const auto words = split(line, ' ');
        const auto device = parse_device(words.front());
        if (!device) continue;
        for (const std::string& word : words) {
            const auto equals = word.find('=');
            if (equals == std::string::npos) continue;
            const std::string_view key = std::string_view(word).substr(0, equals);
            const auto value =
                parse_integer<std::uint64_t>(std::string_view(word).substr(equals + 1));
            const auto* counter =
                std::find_if(std::begin(kCounters), std::end(kCounters),
                             [&](const Counter& candidate) { return candidate.key == key; });
            if (counter == std::end(kCounters) || !value) continue;
            BlockIoEntry entry = *device;
            entry.operation = counter->operation;
            entry.value = *value;
            (stats.*(counter->list)).push_back(std::move(entry));
        }
    }
    return stats;
}

Stats read_stats(const ContainerCgroup& cgroup) {
    Stats stats;
    const Files v2(cgroup, cgroup.find_v2());
    if (cgroup.find_v1("cpuacct") != nullptr || cgroup.find_v1("cpu") != nullptr) {
        read_cpu_v1(cgroup, stats.cpu);
    } else {
        read_cpu_v2(v2, stats.cpu);
    }
    read_cpuset_v1(cgroup, stats.cpuset);
    if (const Directory* memory = cgroup.find_v1("memory")) {
        read_memory_v1(Files(cgroup, memory), stats.memory);
    } else {
        read_memory_v2(v2, stats.memory);
    }
    const Directory* pids_v1 = cgroup.find_v1("pids");
    const Files pids(cgroup, pids_v1 != nullptr ? pids_v1 : cgroup.find_v2());
    stats.pids.current = pids.find_number("pids.current").value_or(cgroup.processes().size());
    if (pids.text("pids.max") != "max") stats.pids.limit = pids.number("pids.max");
    if (const Directory* blkio = cgroup.find_v1("blkio")) {
        read_block_io_v1(Files(cgroup, blkio), stats.block_io);
    } else {
        stats.block_io = parse_io_stat(v2.text("io.stat"));
    }
    if (const Directory* hugetlb = cgroup.find_v1("hugetlb")) {
        stats.hugepages = read_hugepages(Files(cgroup, hugetlb), 1);
    } else {
        stats.hugepages = read_hugepages(v2, 2);
    }
    return stats;
}

}  // namespace lxcri::cgroup
