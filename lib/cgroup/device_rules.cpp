#include "cgroup/device_rules.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/strings.h"

namespace lxcri::cgroup {

namespace {

using oci::DeviceRuleType;
using Number = std::optional<std::uint32_t>;
using Entry = DeviceListV1::Entry;

struct DefaultRule {
    DeviceRuleType type;
    Number major;
    Number minor;
    unsigned access;
};

// The numbers are those of the kernel's admin-guide/devices.txt.
constexpr std::array<DefaultRule, 10> kDefaults{{
    {DeviceRuleType::all, {}, {}, kMayMake},
    {DeviceRuleType::character, 1, 3, kMayAll},     // null
    {DeviceRuleType::character, 1, 5, kMayAll},     // zero
    {DeviceRuleType::character, 1, 7, kMayAll},     // full
    {DeviceRuleType::character, 1, 8, kMayAll},     // random
    {DeviceRuleType::character, 1, 9, kMayAll},     // urandom
    {DeviceRuleType::character, 5, 0, kMayAll},     // tty
    {DeviceRuleType::character, 5, 1, kMayAll},     // console
    {DeviceRuleType::character, 5, 2, kMayAll},     // ptmx
    {DeviceRuleType::character, 136, {}, kMayAll},  // pts/*
}};

unsigned parse_access(std::string_view letters) {
    unsigned access = 0;
    for (const char letter : letters) {
        if (letter == 'r') access |= kMayRead;
        if (letter == 'w') access |= kMayWrite;
        if (letter == 'm') access |= kMayMake;
    }
    return access;
}

Number to_number(std::optional<std::int64_t> number) {
    if (!number || *number < 0) return {};
    return static_cast<std::uint32_t>(*number);
}

bool matches(const EffectiveRule& rule, DeviceRuleType type, std::uint32_t major,
             std::uint32_t minor) {
    return (rule.type == DeviceRuleType::all || rule.type == type) &&
           rule.major.value_or(major) == major && rule.minor.value_or(minor) == minor;
}

bool covers(const Number& wide, const Number& narrow) {
    return !wide || wide == narrow;
}

// Is every device of `narrow` one of `wide`?
bool covers(const Entry& wide, const Entry& narrow) {
    return wide.type == narrow.type && covers(wide.major, narrow.major) &&
           covers(wide.minor, narrow.minor);
}

bool overlaps(const Number& a, const Number& b) {
    return !a || !b || a == b;
}

bool overlaps(const Entry& a, const Entry& b) {
    return a.type == b.type && overlaps(a.major, b.major) && overlaps(a.minor, b.minor);
}

void add(std::vector<Entry>& entries, const Entry& added) {
    for (Entry& entry : entries) {
        if (!covers(entry, added) || !covers(added, entry)) continue;
        entry.access |= added.access;
        return;
    }
    entries.push_back(added);
}

// False when a part of an entry would have to go.
bool remove(std::vector<Entry>& entries, const Entry& removed) {
    for (Entry& entry : entries) {
        if (!overlaps(entry, removed) || (entry.access & removed.access) == 0) continue;
        if (!covers(removed, entry)) return false;
        entry.access &= ~removed.access;
    }
    std::erase_if(entries, [](const Entry& entry) { return entry.access == 0; });
    return true;
}

// open(2) for reading and writing needs one allowed entry with both letters; two with one each will
// not do. So what is in two of them gets an entry of its own.
void join_overlaps(std::vector<Entry>& entries) {
    constexpr unsigned kOpen = kMayRead | kMayWrite;
    const std::size_t count = entries.size();
    for (std::size_t i = 0; i < count; ++i) {
        for (std::size_t j = i + 1; j < count; ++j) {
            const Entry a = entries[i];
            const Entry b = entries[j];
            const unsigned joined = (a.access | b.access) & kOpen;
            if (!overlaps(a, b) || joined == (a.access & kOpen) || joined == (b.access & kOpen)) {
                continue;
            }
            add(entries,
                {a.type, a.major ? a.major : b.major, a.minor ? a.minor : b.minor, joined});
        }
    }
}

[[noreturn]] void refuse(const EffectiveRule& rule, std::string_view base) {
    const std::string pointer = rule.origin
                                    ? concat(base, "/devices/", std::to_string(*rule.origin))
                                    : concat(base, "/devices");
    throw SpecError(pointer, rule.origin
                                 ? "cgroup version 1 cannot make an exception from the rule "
                                   "for more devices that comes before"
                                 : "cgroup version 1 cannot deny devices and yet allow the "
                                   "defaults among them");
}

}  // namespace

std::vector<EffectiveRule> effective_rules(const std::vector<oci::DeviceRule>& spec) {
    std::vector<EffectiveRule> rules;
    rules.reserve(1 + spec.size() + kDefaults.size());
    rules.emplace_back();  // deny everything
    for (std::size_t i = 0; i < spec.size(); ++i) {
        const oci::DeviceRule& rule = spec[i];
        const unsigned access = parse_access(rule.access);
        if (access == 0) continue;
        rules.push_back(
            {rule.allow, rule.type, to_number(rule.major), to_number(rule.minor), access, i});
        if (rules.back().is_everything()) rules.erase(rules.begin(), rules.end() - 1);
    }
    for (const DefaultRule& rule : kDefaults) {
        rules.push_back({true, rule.type, rule.major, rule.minor, rule.access, {}});
    }
    return rules;
}

bool is_allowed(const std::vector<EffectiveRule>& rules, oci::DeviceRuleType type,
                std::uint32_t major, std::uint32_t minor, unsigned access) {
    for (auto rule = rules.rbegin(); rule != rules.rend(); ++rule) {
        if (!matches(*rule, type, major, minor) || (rule->access & access) == 0) continue;
        if (!rule->allow) return false;
        access &= ~rule->access;
        if (access == 0) return true;
    }
    return false;
}

bool allows_everything(const std::vector<EffectiveRule>& rules) {
    return rules.front().is_everything() &&
           std::all_of(rules.begin(), rules.end(), [](const auto& rule) { return rule.allow; });
}

DeviceListV1 device_list_v1(const std::vector<EffectiveRule>& rules, std::string_view base) {
    DeviceListV1 list;
    for (const EffectiveRule& rule : rules) {
        if (rule.is_everything()) {
            list.allow_by_default = rule.allow;
            list.exceptions.clear();
            continue;
        }
        for (const auto type : {DeviceRuleType::character, DeviceRuleType::block}) {
            if (rule.type != DeviceRuleType::all && rule.type != type) continue;
            const Entry entry{type, rule.major, rule.minor, rule.access};
            if (rule.allow != list.allow_by_default) {
                add(list.exceptions, entry);
            } else if (!remove(list.exceptions, entry)) {
                refuse(rule, base);
            }
        }
    }
    if (!list.allow_by_default) join_overlaps(list.exceptions);
    return list;
}

std::string to_text(const DeviceListV1::Entry& entry) {
    const auto number = [](const Number& value) { return value ? std::to_string(*value) : "*"; };
    return concat(entry.type == DeviceRuleType::character ? "c " : "b ", number(entry.major), ":",
                  number(entry.minor), " ", (entry.access & kMayRead) != 0 ? "r" : "",
                  (entry.access & kMayWrite) != 0 ? "w" : "",
                  (entry.access & kMayMake) != 0 ? "m" : "");
}

}  // namespace lxcri::cgroup
