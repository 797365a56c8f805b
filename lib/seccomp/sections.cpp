#include "seccomp/sections.h"

#include <linux/seccomp.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <optional>
#include <string>

#include "base/error.h"
#include "base/strings.h"

namespace lxcri::seccomp {

namespace {

using oci::SeccompArch;

static_assert(kForeignArchAction == SECCOMP_RET_KILL_PROCESS);

constexpr std::uint32_t kLastNumber = 0xffffffff;
constexpr std::size_t kMostRules = 4096;  // each takes more than one of BPF_MAXINSNS

// Where a rule for a number comes from, the strongest first.
enum class Source : std::uint8_t {
    rule,            // it is for this very system call
    whole_call,      // for something that goes through it; without conditions,
    part_of_a_call,  // or with some, which cannot be seen from here
};

struct Candidate {
    Rule rule;
    Source source;
};

// Is a number that nothing names to fail with ENOSYS when it is newer than all that are named?
// The C library then does without the system call, where it would take EPERM for the last word.
// Not where all are let through, and not where a tracer asked to see them.
bool hides_newer(std::uint32_t default_action) {
    switch (default_action & SECCOMP_RET_ACTION_FULL) {
        case SECCOMP_RET_KILL_PROCESS:
        case SECCOMP_RET_KILL_THREAD:
        case SECCOMP_RET_TRAP:
        case SECCOMP_RET_ERRNO:
            return true;
        default:
            return false;
    }
}

[[noreturn]] void contradict(const Rule& rule, const Rule& other) {
    throw SpecError(concat("/linux/seccomp/syscalls/", std::to_string(rule.origin)),
                    concat("contradicts /linux/seccomp/syscalls/", std::to_string(other.origin),
                           ": another action for the same system call and arguments"));
}

// Of rules with the same conditions one stays.
void add_candidate(std::vector<Candidate>& candidates, Candidate added) {
    const auto same = std::find_if(
        candidates.begin(), candidates.end(),
        [&](const Candidate& other) { return other.rule.conditions == added.rule.conditions; });
    if (same == candidates.end()) {
        if (candidates.size() == kMostRules) {
            throw SpecError(concat("/linux/seccomp/syscalls/", std::to_string(added.rule.origin)),
                            "too many rules for one system call");
        }
        candidates.push_back(std::move(added));
    } else if (added.source < same->source) {
        *same = std::move(added);
    } else if (added.source == same->source && added.rule.action != same->rule.action) {
        if (added.source == Source::rule) contradict(added.rule, same->rule);
        const bool stricter = is_stricter(added.rule.action, same->rule.action);
        if (added.source == Source::part_of_a_call && stricter) *same = std::move(added);
    }
}

void append(std::vector<Range>& ranges, Range range) {
    if (!ranges.empty()) {
        const Range& last = ranges.back();
        if (last.action == range.action && last.rules.empty() && range.rules.empty()) return;
    }
    ranges.push_back(std::move(range));
}

// The ranges of one architecture.
class RangeBuilder {
  public:
    RangeBuilder(const Profile& profile, const ArchTraits& traits)
        : profile_(profile), traits_(traits) {
        for (const Numbered& row : traits_.numbers) {
            if (!is_private(row.number) && !profile_.rules_for(row.syscall).empty()) {
                newest_ = row.number;
            }
        }
    }

    // Appends the numbers from `first` to `last`, which are all that the architecture has.
    void append_to(std::vector<Range>& ranges, std::uint32_t first, std::uint32_t last) const {
        std::uint32_t next = first;
        for (auto row = traits_.numbers.begin(); row != traits_.numbers.end();) {
            const auto end = std::find_if(row, traits_.numbers.end(), [&](const Numbered& other) {
                return other.number != row->number;
            });
            if (auto range = find_range({row, end})) {
                append_gap(ranges, next, row->number);
                append(ranges, std::move(*range));
                next = row->number + 1;
            }
            row = end;
        }
        append_gap(ranges, next, last);
        append(ranges, without_rule(last));
    }

    // What becomes of a number that no rule names.
    Range without_rule(std::uint32_t number) const {
        const bool is_newer = newest_ && number > *newest_ && !is_private(number);
        if (is_newer && hides_newer(profile_.default_action())) {
            return {number, SECCOMP_RET_ERRNO | ENOSYS, {}, traits_.is_32_bit};
        }
        return {number, profile_.default_action(), {}, traits_.is_32_bit};
    }

  private:
    bool is_private(std::uint32_t number) const {
        return number >= traits_.private_first && number < traits_.private_end;
    }

    // The numbers from `next` on and before `end`: no rule names one of them.
    void append_gap(std::vector<Range>& ranges, std::uint32_t next, std::uint32_t end) const {
        while (next < end) {
            append(ranges, without_rule(next));
            std::uint32_t border = end;
            for (const std::uint32_t other :
                 {newest_.value_or(0) + 1, traits_.private_first, traits_.private_end}) {
                if (other > next) border = std::min(border, other);
            }
            next = border;
        }
    }

    // `rows`: one number under all its names. Returns nullopt if no rule changes it.
    std::optional<Range> find_range(std::span<const Numbered> rows) const {
        const std::uint32_t number = rows.front().number;
        std::vector<Candidate> candidates;
        for (const Numbered& row : rows) {
            for (const Rule* rule : profile_.rules_for(row.syscall)) {
                if (rule->action == profile_.default_action()) continue;
                if (rule->conditions.empty()) {
                    return Range{number, rule->action, {}, traits_.is_32_bit};
                }
                add_candidate(candidates, {*rule, Source::rule});
            }
            add_multiplexed(candidates, row.syscall);
        }
        if (candidates.empty()) return {};
        std::stable_sort(
            candidates.begin(), candidates.end(),
            [](const Candidate& a, const Candidate& b) { return is_tried_before(a.rule, b.rule); });
        Range range{number, profile_.default_action(), {}, traits_.is_32_bit};
        for (Candidate& candidate : candidates) range.rules.push_back(std::move(candidate.rule));
        return range;
    }

    // Rules for what goes through this system call. The arguments of what is meant lie in memory,
    // which a filter cannot see. So a rule about them stands for the whole call if it is stricter
    // than the default action, and for nothing if it is not: what cannot be looked at is decided
    // the strict way.
    void add_multiplexed(std::vector<Candidate>& candidates, std::size_t through) const {
        for (const Multiplexed& call : multiplexed_by(through)) {
            for (const Rule* rule : profile_.rules_for(call.syscall)) {
                if (rule->action == profile_.default_action()) continue;
                const bool whole = rule->conditions.empty();
                if (!whole && !is_stricter(rule->action, profile_.default_action())) continue;
                const Condition condition{0, oci::SeccompOperator::masked_eq, call.call,
                                          multiplexed_mask(through)};
                add_candidate(candidates, {{rule->action, {condition}, rule->origin},
                                           whole ? Source::whole_call : Source::part_of_a_call});
            }
        }
    }

    const Profile& profile_;
    ArchTraits traits_;
    std::optional<std::uint32_t> newest_;  // number that is named
};

// What this machine can use for a filter.
ArchTraits arch_traits(SeccompArch arch, const std::string& pointer) {
    const auto name = name_of(oci::kSeccompArchs, arch);
    const auto traits = find_arch(arch);
    if (!traits) {
        throw SpecError(pointer, concat(name, " is not known to the libseccomp of this build"));
    }
    if (traits->little_endian != (std::endian::native == std::endian::little)) {
        throw SpecError(pointer, concat(name, " has another byte order than this machine"));
    }
    return *traits;
}

// x86_64 and x32 share an AUDIT_ARCH.
Section make_x86_64_section(const Profile& profile, bool has_x86_64, bool has_x32) {
    const ArchTraits traits = arch_traits(SeccompArch::x86_64, {});
    const RangeBuilder x86_64(profile, traits);
    Section section{traits.audit_arch, {}};
    auto& ranges = section.ranges;
    if (has_x86_64) {
        x86_64.append_to(ranges, 0, kX32Bit - 1);
    } else {
        ranges.push_back({0, kForeignArchAction, {}, false});
    }
    if (has_x32) {
        const RangeBuilder x32(profile, arch_traits(SeccompArch::x32, {}));
        x32.append_to(ranges, kX32Bit, kLastNumber);
    } else {
        ranges.push_back({kX32Bit, kForeignArchAction, {}, false});
        // -1 is what a tracer makes of a system call that it wants skipped, and no number of x32.
        if (has_x86_64) ranges.push_back(x86_64.without_rule(kLastNumber));
    }
    return section;
}

}  // namespace

std::vector<Section> make_sections(const Profile& profile,
                                   const std::vector<SeccompArch>& architectures) {
    std::vector<SeccompArch> archs{native_arch()};
    for (std::size_t i = 0; i < architectures.size(); ++i) {
        (void)arch_traits(architectures[i],
                          concat("/linux/seccomp/architectures/", std::to_string(i)));
        archs.push_back(architectures[i]);
    }
    const auto has = [&](SeccompArch arch) {
        return std::find(archs.begin(), archs.end(), arch) != archs.end();
    };
    std::vector<Section> sections;
    for (const SeccompArch arch : archs) {
        const ArchTraits traits = arch_traits(arch, {});
        const auto same = std::find_if(
            sections.begin(), sections.end(),
            [&](const Section& section) { return section.audit_arch == traits.audit_arch; });
        if (same != sections.end()) continue;  // named twice
        if (arch == SeccompArch::x86_64 || arch == SeccompArch::x32) {
            sections.push_back(
                make_x86_64_section(profile, has(SeccompArch::x86_64), has(SeccompArch::x32)));
            continue;
        }
        Section& section = sections.emplace_back(Section{traits.audit_arch, {}});
        RangeBuilder(profile, traits).append_to(section.ranges, 0, kLastNumber);
    }
    return sections;
}

}  // namespace lxcri::seccomp
