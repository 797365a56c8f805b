#pragma once
// Which devices a container may use: the rules of the spec and the defaults, as one list. Pure.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "oci/devices.h"

namespace lxcri::cgroup {

// Bits of an access; the values are those of linux/bpf.h.
inline constexpr unsigned kMayMake = 1;  // mknod(2)
inline constexpr unsigned kMayRead = 2;
inline constexpr unsigned kMayWrite = 4;
inline constexpr unsigned kMayAll = kMayMake | kMayRead | kMayWrite;

struct EffectiveRule {
    bool allow = false;
    oci::DeviceRuleType type = oci::DeviceRuleType::all;
    std::optional<std::uint32_t> major;  // absent: any
    std::optional<std::uint32_t> minor;  // absent: any
    unsigned access = kMayAll;
    std::optional<std::size_t> origin;  // index in the rules of the spec, absent for the defaults

    // Every device, every access: what was before it no longer counts.
    bool is_everything() const {
        return type == oci::DeviceRuleType::all && !major && !minor && access == kMayAll;
    }
};

// First nothing is allowed; then come the rules of the spec, in their order; last what every
// container may, as with the other runtimes: making any node, and using null, zero, full, random,
// urandom, tty, console, ptmx and the pseudo terminals. For each bit of an access the last rule
// that matches decides. What a later rule makes void is left out.
std::vector<EffectiveRule> effective_rules(const std::vector<oci::DeviceRule>& spec);

// The verdict of the list: `type` is character or block, `access` one or more bits, all of which
// must be allowed.
bool is_allowed(const std::vector<EffectiveRule>& rules, oci::DeviceRuleType type,
                std::uint32_t major, std::uint32_t minor, unsigned access);

// Nothing is denied.
bool allows_everything(const std::vector<EffectiveRule>& rules);

// What devices.allow and devices.deny of version 1 can express: a default, and exceptions from it
// in which order does not count.
struct DeviceListV1 {
    struct Entry {
        oci::DeviceRuleType type;  // character or block
        std::optional<std::uint32_t> major;
        std::optional<std::uint32_t> minor;
        unsigned access;
    };
    bool allow_by_default = false;
    std::vector<Entry> exceptions;
};

// SpecError, pointing below `base`, for a list that version 1 cannot express: an exception from an
// exception.
DeviceListV1 device_list_v1(const std::vector<EffectiveRule>& rules, std::string_view base);

// "c 1:3 rwm", "b *:* m".
std::string to_text(const DeviceListV1::Entry& entry);

}  // namespace lxcri::cgroup
