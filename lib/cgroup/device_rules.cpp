#include "cgroup/device_rules.h"

#include <algorithm>
#include <array>
#include <map>
#include <tuple>

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

// The exceptions from the default, in the order in which they came. Found by their numbers: a list
// of a hundred thousand takes no longer than the kernel needs for it.
class Exceptions {
  public:
    void clear() { *this = {}; }
    void add(const Entry& added);
    // Returns false if a part of an entry would have to go.
    bool remove(const Entry& removed);
    void join_overlaps();
    std::vector<Entry> take();

  private:
    using Key = std::tuple<DeviceRuleType, Number, Number>;
    static Key key_of(const Entry& entry) { return {entry.type, entry.major, entry.minor}; }
    // The places of those that have a device in common with it, in order.
    std::vector<std::size_t> overlapping(const Entry& entry) const;
    void append_range(const Key& first, const Entry& entry, bool same_major,
                      std::vector<std::size_t>& places) const;

    std::vector<Entry> entries_;  // without access: removed
    std::map<Key, std::size_t> places_;
};

void Exceptions::add(const Entry& added) {
    const auto [known, is_new] = places_.try_emplace(key_of(added), entries_.size());
    if (is_new) {
        entries_.push_back(added);
    } else {
        entries_[known->second].access |= added.access;
    }
}

// From `first` on those of this type, or of this major number alone.
void Exceptions::append_range(const Key& first, const Entry& entry, bool same_major,
                              std::vector<std::size_t>& places) const {
    for (auto it = places_.lower_bound(first); it != places_.end(); ++it) {
        const auto& [type, major, minor] = it->first;
        if (type != entry.type || (same_major && major != std::get<1>(first))) return;
        if (overlaps(entries_[it->second], entry)) places.push_back(it->second);
    }
}

std::vector<std::size_t> Exceptions::overlapping(const Entry& entry) const {
    std::vector<std::size_t> places;
    if (!entry.major) {
        append_range({entry.type, {}, {}}, entry, false, places);
    } else {
        for (const Number& major : {Number(), entry.major}) {
            if (!entry.minor) {
                append_range({entry.type, major, {}}, entry, true, places);
                continue;
            }
            for (const Number& minor : {Number(), entry.minor}) {
                const auto found = places_.find({entry.type, major, minor});
                if (found != places_.end()) places.push_back(found->second);
            }
        }
    }
    std::sort(places.begin(), places.end());
    return places;
}

bool Exceptions::remove(const Entry& removed) {
    for (const std::size_t place : overlapping(removed)) {
        Entry& entry = entries_[place];
        if ((entry.access & removed.access) == 0) continue;
        if (!covers(removed, entry)) return false;
        entry.access &= ~removed.access;
        if (entry.access == 0) places_.erase(key_of(entry));
    }
    return true;
}

// open(2) for reading and writing needs one allowed entry with both letters; two with one each will
// not do. So what is in two of them gets an entry of its own.
void Exceptions::join_overlaps() {
    constexpr unsigned kOpen = kMayRead | kMayWrite;
    const std::size_t count = entries_.size();
    for (std::size_t i = 0; i < count; ++i) {
        if (entries_[i].access == 0) continue;
        for (const std::size_t j : overlapping(entries_[i])) {
            if (j <= i || j >= count) continue;
            const Entry a = entries_[i];
            const Entry b = entries_[j];
            const unsigned joined = (a.access | b.access) & kOpen;
            if (joined == (a.access & kOpen) || joined == (b.access & kOpen)) continue;
            add({a.type, a.major ? a.major : b.major, a.minor ? a.minor : b.minor, joined});
        }
    }
}

std::vector<Entry> Exceptions::take() {
    std::erase_if(entries_, [](const Entry& entry) { return entry.access == 0; });
    return std::move(entries_);
}

[[noreturn]] void refuse(const EffectiveRule& rule, std::string_view base) {
    const std::string pointer = rule.origin
                                    ? concat(base, "/devices/", std::to_string(*rule.origin))
                                    : concat(base, "/devices");
    throw SpecError(pointer, rule.origin
                                 ? "cgroup version 1 cannot make an exception to the earlier "
                                   "rule for more devices"
                                 : "cgroup version 1 cannot deny these devices and allow the "
                                   "default devices among them");
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
    Exceptions exceptions;
    for (const EffectiveRule& rule : rules) {
        if (rule.is_everything()) {
            list.allow_by_default = rule.allow;
            exceptions.clear();
            continue;
        }
        for (const auto type : {DeviceRuleType::character, DeviceRuleType::block}) {
            if (rule.type != DeviceRuleType::all && rule.type != type) continue;
            const Entry entry{type, rule.major, rule.minor, rule.access};
            if (rule.allow != list.allow_by_default) {
                exceptions.add(entry);
            } else if (!exceptions.remove(entry)) {
                refuse(rule, base);
            }
        }
    }
    if (!list.allow_by_default) exceptions.join_overlaps();
    list.exceptions = exceptions.take();
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
