#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <limits>
#include <vector>

#include "base/error.h"
#include "base/strings.h"
#include "byte_size.h"
#include "command.h"
#include "oci/parse.h"
#include "oci/validate.h"
#include "os/file.h"
#include "parse.h"
#include "runtime/operations.h"

namespace lxcri::cmd {

namespace {

// What stands behind an option.
struct Value {
    std::string_view option;
    std::string text;

    template <class Integer>
    Integer number() const {
        if (const auto value = parse_integer<Integer>(text)) return *value;
        constexpr bool kSigned = std::numeric_limits<Integer>::min() < 0;
        reject(option, text, kSigned ? "a whole number" : "a whole number, 0 or more");
    }
    std::int64_t bytes() const {
        if (const auto value = parse_byte_size(text)) return *value;
        reject(option, text, "a number of bytes as in 67108864, 64m, 1.5g, or -1 (no limit)");
    }
};

struct Values {
    std::string id;
    std::string file;
};

constexpr auto kOptions = std::to_array<Option<Values>>({
    {"ID", "", "name of the container", &Values::id, Need::required},
    {"-r,--resources", "FILE",
     "file with linux.resources as JSON, - for stdin; other options override it", &Values::file},
});

constexpr auto kRdtOptions = std::to_array<Option<oci::IntelRdt>>({
    {"--l3-cache-schema", "TEXT", "line for its group of resctrl, as in L3:0=f;1=f",
     [](oci::IntelRdt& rdt, const std::string& text) { rdt.l3_cache_schema = text; }},
    {"--mem-bw-schema", "TEXT", "line for its group of resctrl, as in MB:0=20;1=70",
     [](oci::IntelRdt& rdt, const std::string& text) { rdt.mem_bw_schema = text; }},
});

// A limit, which an option overrides in the file.
struct Setting {
    std::string_view option;
    std::string_view value;    // what the help text calls it
    std::string_view pointer;  // the property of the resources
    std::string_view help;
    void (*set)(oci::Resources& resources, const Value& value);
};

using oci::Resources;

constexpr std::array kSettings = std::to_array<Setting>({
    {"--blkio-weight", "N", "/blockIO/weight", "weight of its block IO, 10 to 1000",
     [](Resources& r, const Value& v) { r.block_io.weight = v.number<std::uint16_t>(); }},
    {"--cpu-period", "US", "/cpu/period", "microseconds of a CFS period",
     [](Resources& r, const Value& v) { r.cpu.period = v.number<std::uint64_t>(); }},
    {"--cpu-quota", "US", "/cpu/quota", "microseconds of CPU time in a period; -1: no limit",
     [](Resources& r, const Value& v) { r.cpu.quota = v.number<std::int64_t>(); }},
    {"--cpu-burst", "US", "/cpu/burst", "microseconds that may be saved up for later periods",
     [](Resources& r, const Value& v) { r.cpu.burst = v.number<std::uint64_t>(); }},
    {"--cpu-share", "N", "/cpu/shares", "weight of its CPU time, 2 to 262144",
     [](Resources& r, const Value& v) { r.cpu.shares = v.number<std::uint64_t>(); }},
    {"--cpu-rt-period", "US", "/cpu/realtimePeriod", "microseconds of a realtime period",
     [](Resources& r, const Value& v) { r.cpu.realtime_period = v.number<std::uint64_t>(); }},
    {"--cpu-rt-runtime", "US", "/cpu/realtimeRuntime", "microseconds of realtime in a period",
     [](Resources& r, const Value& v) { r.cpu.realtime_runtime = v.number<std::int64_t>(); }},
    {"--cpu-idle", "N", "/cpu/idle", "1: runs only when the CPU is idle; 0: as usual",
     [](Resources& r, const Value& v) { r.cpu.idle = v.number<std::int64_t>(); }},
    {"--cpuset-cpus", "LIST", "/cpu/cpus", "CPUs, as in 0-3,7",
     [](Resources& r, const Value& v) { r.cpu.cpus = v.text; }},
    {"--cpuset-mems", "LIST", "/cpu/mems", "memory nodes, as in 0-1",
     [](Resources& r, const Value& v) { r.cpu.mems = v.text; }},
    {"--memory", "BYTES", "/memory/limit", "bytes, also as in 64m; -1: no limit",
     [](Resources& r, const Value& v) { r.memory.limit = v.bytes(); }},
    {"--memory-reservation", "BYTES", "/memory/reservation",
     "bytes that it keeps when memory is short",
     [](Resources& r, const Value& v) { r.memory.reservation = v.bytes(); }},
    {"--memory-swap", "BYTES", "/memory/swap", "bytes of memory and swap together; -1: no limit",
     [](Resources& r, const Value& v) { r.memory.swap = v.bytes(); }},
    {"--kernel-memory", "BYTES", "/memory/kernel",
     "obsolete, the kernel has no such limit any more",
     [](Resources& r, const Value& v) { r.memory.kernel = v.bytes(); }},
    {"--kernel-memory-tcp", "BYTES", "/memory/kernelTCP",
     "bytes of socket buffers, cgroup version 1 only",
     [](Resources& r, const Value& v) { r.memory.kernel_tcp = v.bytes(); }},
    {"--pids-limit", "N", "/pids/limit", "how many processes and threads; -1: no limit",
     [](Resources& r, const Value& v) { r.pids.limit = v.number<std::int64_t>(); }},
});

// config.md "Extensibility": what is not known is ignored. But not what is known at another place:
// then all of the document would be.
void judge_unknown(const std::vector<std::string>& pointers, const settings::Options& options) {
    for (const auto& pointer : pointers) {
        if (pointer == "/linux") {
            throw Error("expected what config.json has at /linux/resources, got /linux");
        }
        options.always_warn(concat("--resources: ", pointer, " is not known, and ignored"));
    }
}

// As with runc, letters that mean nothing count for nothing here. Where none is left it is an
// error.
void drop_unknown_access(Resources& resources, const settings::Options& options) {
    for (auto& rule : resources.devices) {
        const std::string found = rule.access;
        std::erase_if(rule.access, [](char letter) {
            return std::string_view("rwm").find(letter) == std::string_view::npos;
        });
        if (rule.access.empty()) rule.access = found;
        if (rule.access == found) continue;
        options.warn(concat("--resources: access: takes ", lxcri::in_quotes(found), " for ",
                            lxcri::in_quotes(rule.access)));
    }
}

Resources read_resources(const std::string& file, const settings::Options& options) {
    constexpr std::size_t kLongest = 16U << 20U;
    const os::UniqueFd opened =
        file == "-" ? os::UniqueFd() : os::open_at(AT_FDCWD, file, O_RDONLY);
    const std::string text =
        os::read_all(file == "-" ? STDIN_FILENO : opened.get(), file, kLongest);
    std::vector<std::string> unknown;
    Resources resources = oci::parse_resources(text, &unknown);
    judge_unknown(unknown, options);
    drop_unknown_access(resources, options);
    return resources;
}

// Errors point into a document: for an option this says which one it was.
const Setting* find_setting(std::string_view pointer) {
    for (const Setting& setting : kSettings) {
        if (setting.pointer == pointer) return &setting;
    }
    return nullptr;
}

}  // namespace

int run_update(const settings::Options& common, Arguments arguments) {
    Parser parser(
        "Change the limits of a container. A limit that is not given, or is given as 0, stays as\n"
        "it is: callers write 0 for a limit that they do not set. --cpu-idle 0 and --cpu-burst 0\n"
        "end what was set before.",
        "lxcri update");
    Values values;
    oci::IntelRdt rdt;
    std::array<std::string, kSettings.size()> texts;
    parser.add(kOptions, values);
    for (std::size_t i = 0; i < kSettings.size(); ++i) {
        const Setting& setting = kSettings[i];
        parser.add(setting.option, setting.value, setting.help, Need::optional, &texts[i]);
    }
    parser.add(kRdtOptions, rdt);
    parser.parse(std::move(arguments));

    Resources resources;
    if (!values.file.empty()) {
        in_context("--resources", [&] { resources = read_resources(values.file, common); });
    }
    std::vector<std::string_view> from_options;
    for (std::size_t i = 0; i < kSettings.size(); ++i) {
        if (texts[i].empty()) continue;
        kSettings[i].set(resources, {kSettings[i].option, texts[i]});
        from_options.push_back(kSettings[i].pointer);
    }
    try {
        for (const auto& warning : oci::validate(resources)) common.warn(warning);
        runtime::update(common, values.id, std::move(resources), rdt);
    } catch (const SpecError& error) {
        const Setting* setting = find_setting(error.pointer());
        const bool is_option =
            setting != nullptr && std::find(from_options.begin(), from_options.end(),
                                            setting->pointer) != from_options.end();
        if (!is_option) throw;
        const std::string_view message = error.what();
        throw Error(concat(setting->option, message.substr(setting->pointer.size())));
    }
    return EXIT_SUCCESS;
}

}  // namespace lxcri::cmd
