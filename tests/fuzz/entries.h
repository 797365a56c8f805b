#pragma once
// What the fuzzers call, and the unit test that replays their corpus. An entry takes any bytes. The
// only exception that may leave the code under test is lxcri::Error, which the entry swallows;
// std::logic_error is the entry's own, when a promise is broken.

#include <algorithm>
#include <array>
#include <stdexcept>
#include <string>
#include <string_view>

#include "base/error.h"
#include "cgroup/layout.h"
#include "handoff/codec.h"
#include "handoff/plan.h"
#include "oci/parse.h"
#include "oci/validate.h"
#include "os/process.h"
#include "translate/plan.h"

namespace lxcri::fuzz {

inline void promise(bool kept, std::string_view what) {
    if (!kept) throw std::logic_error(std::string(what));
}

// Errors and warnings are one line each, whatever the input says: callers parse them, terminals
// show them.
inline void check_line(std::string_view line) {
    promise(std::none_of(line.begin(), line.end(),
                         [](unsigned char c) { return c < 0x20 || c == 0x7f; }),
            "a control character in a message");
}

template <class Action>
void expect_errors(Action&& action) {
    try {
        action();
    } catch (const SpecError& error) {
        promise(error.pointer().empty() || error.pointer().front() == '/', "no JSON pointer");
        check_line(error.what());
    } catch (const Error& error) {
        check_line(error.what());
    }
}

inline translate::Host host(bool unified) {
    translate::Host host;
    host.call.id = "c1";
    host.call.bundle = "/bundle";
    host.rootfs = "/bundle/rootfs";
    host.options.root = "/run/lxcri";
    host.options.libexec_dir = "/usr/libexec/lxcri";
    host.bounding_capabilities = 0x1fffff7ffffU;
    host.unified_cgroups = unified;
    if (unified) {
        host.cgroups = {{"unified", "/sys/fs/cgroup", "/sys/fs/cgroup/c1"}};
    } else {
        host.cgroups = {{"unified", "/sys/fs/cgroup/unified", "/sys/fs/cgroup/unified/c1"},
                        {"cpu,cpuacct", "/sys/fs/cgroup/cpu", "/sys/fs/cgroup/cpu/c1"},
                        {"memory", "/sys/fs/cgroup/memory", "/sys/fs/cgroup/memory/c1"}};
        host.call.listen_fds = 2;
        host.options.monitor = settings::MonitorMode::keep;
    }
    return host;
}

template <class Plan>
void check_sent(const Plan& plan) {
    const std::string bytes = handoff::encode(plan);
    promise(handoff::encode(handoff::decode<Plan>(bytes)) == bytes, "a plan changes on its way");
}

// config.json: read, judged, translated, printed, sent.
inline void config(std::string_view input) {
    expect_errors([&] {
        const auto spec = oci::parse_spec(input);
        for (const auto& warning : oci::validate(spec)) check_line(warning);
        for (const bool unified : {false, true}) {
            const auto plan = translate::translate(spec, host(unified));
            for (const auto& warning : plan.warnings) check_line(warning);
            (void)translate::plan_json(plan);
            const auto text = translate::lxc_config_text(plan.start);
            promise(std::count(text.begin(), text.end(), '\n') ==
                        static_cast<std::ptrdiff_t>(plan.start.items.size()),
                    "a liblxc item of more than one line");
            check_sent(plan.start);
            check_sent(plan.hook);
            check_sent(plan.init);
        }
    });
    expect_errors([&] { (void)oci::validate(oci::parse_process(input)); });
    std::vector<std::string> unknown;
    expect_errors([&] { (void)oci::validate(oci::parse_resources(input, &unknown)); });
    for (const auto& pointer : unknown) check_line(pointer);
}

// The first byte chooses the plan, the rest is one.
inline void plan(std::string_view input) {
    if (input.empty()) return;
    const auto kind = static_cast<unsigned char>(input.front()) % 3;
    input.remove_prefix(1);
    const auto decode = [&](auto empty) {
        using Plan = decltype(empty);
        const auto decoded = handoff::decode<Plan>(input);
        promise(handoff::encode(decoded) == input, "two encodings of one plan");
    };
    expect_errors([&] {
        if (kind == 0) decode(handoff::StartPlan{});
        if (kind == 1) decode(handoff::HookPlan{});
        if (kind == 2) decode(handoff::InitPlan{});
    });
}

inline void mountinfo(std::string_view input) {
    const auto layout = cgroup::parse_mountinfo(input);
    promise((layout.mode == cgroup::Mode::none) == layout.hierarchies.empty(), "mode none");
    bool v1_seen = false;
    for (const auto& hierarchy : layout.hierarchies) {
        promise(hierarchy.version == 1 || hierarchy.version == 2, "version");
        promise(hierarchy.version == 1 || !v1_seen, "version 2 comes first");
        promise((hierarchy.version == 2) == hierarchy.controllers.empty(), "controllers");
        v1_seen = v1_seen || hierarchy.version == 1;
    }
    (void)layout.find_v1("memory");
    promise((layout.find_v2() != nullptr) ==
                (layout.mode == cgroup::Mode::hybrid || layout.mode == cgroup::Mode::unified),
            "mode and hierarchies");
}

inline void memberships(std::string_view input) {
    for (const auto& membership : cgroup::parse_memberships(input)) {
        promise(membership.path.find('\n') == std::string::npos, "a line is one membership");
    }
}

inline void process_stat(std::string_view input) {
    expect_errors([&] { (void)os::parse_process_stat(input); });
}

struct Entry {
    std::string_view name;  // also of the directory below corpus/
    void (*run)(std::string_view input);
};

inline constexpr std::array<Entry, 5> kEntries{{
    {"config", config},
    {"plan", plan},
    {"mountinfo", mountinfo},
    {"memberships", memberships},
    {"process_stat", process_stat},
}};

}  // namespace lxcri::fuzz
