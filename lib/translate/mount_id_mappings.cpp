// Owns:  /mounts/*/{uidMappings,gidMappings}, the mount options idmap and ridmap
// Emits: MountAction::{uid_map,gid_map,recursive_map}
#include "translate/mount_id_mappings.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "base/error.h"
#include "base/strings.h"
#include "oci/validate_rules.h"
#include "translate/translators.h"

namespace lxcri::translate {

namespace {

using Mappings = std::vector<oci::IdMapping>;

struct BothMappings {
    Mappings uids;
    Mappings gids;
};

// In user_namespaces(7) terms: the IDs of the filesystem inside, those that are shown outside.
std::string id_map(const Mappings& mappings) {
    std::string text;
    for (const auto& mapping : mappings) {
        text += concat(std::to_string(mapping.container_id), " ", std::to_string(mapping.host_id),
                       " ", std::to_string(mapping.size), "\n");
    }
    return text;
}

// The last one counts.
std::optional<std::size_t> find_option(const oci::Mount& mount) {
    for (std::size_t i = mount.options.size(); i > 0; --i) {
        if (is_id_map_option(mount.options[i - 1])) return i - 1;
    }
    return {};
}

// What root of the container's user namespace calls `id`, as the host calls it.
std::uint32_t host_id(const oci::IdMapping& range, const Mappings& container, std::string_view text,
                      const std::string& pointer) {
    const std::uint64_t end = std::uint64_t{range.host_id} + range.size;
    for (const auto& mapping : container) {
        const std::uint64_t mapped_end = std::uint64_t{mapping.container_id} + mapping.size;
        if (range.host_id < mapping.container_id || end > mapped_end) continue;
        return mapping.host_id + (range.host_id - mapping.container_id);
    }
    throw SpecError(pointer, concat("got ", in_quotes(text),
                                    ", which is in no range of the container's user namespace"));
}

// "0-1000-10": the IDs from 0 of the filesystem are shown as those from 1000 of the host, 10 of
// them; "@0-1000-10": from 1000 of the container.
oci::IdMapping parse_range(std::string_view text, const Mappings& container,
                           const std::string& pointer) {
    const bool relative = text.starts_with('@');
    const auto numbers = split(relative ? text.substr(1) : text, '-');
    std::vector<std::uint32_t> parsed;
    for (const auto& number : numbers) {
        const auto value = parse_integer<std::uint32_t>(number);
        if (value) parsed.push_back(*value);
    }
    if (numbers.size() != 3 || parsed.size() != 3 || parsed[2] == 0) {
        oci::reject(pointer, in_quotes(text), "FIRST-SHOWN-COUNT or @FIRST-SHOWN-COUNT");
    }
    oci::IdMapping range{parsed[0], parsed[1], parsed[2]};
    if (relative) range.host_id = host_id(range, container, text, pointer);
    return range;
}

Mappings parse_ranges(std::string_view text, std::string_view name, const Mappings& container,
                      const std::string& pointer) {
    Mappings ranges;
    for (const auto& part : split(text, '#')) {
        ranges.push_back(parse_range(part, container, pointer));
    }
    oci::check_mappings(ranges, concat(pointer, ": ", name));
    return ranges;
}

// "uids=0-1000-10#10-2000-1;gids=0-1000-11"
BothMappings parse_option(std::string_view text, const BothMappings& container,
                          const std::string& pointer) {
    BothMappings result;
    for (const std::string_view part : split(text, ';')) {
        if (part.empty()) continue;
        constexpr std::string_view kUids = "uids=";
        constexpr std::string_view kGids = "gids=";
        if (part.starts_with(kUids)) {
            result.uids = parse_ranges(part.substr(kUids.size()), "uids", container.uids, pointer);
        } else if (part.starts_with(kGids)) {
            result.gids = parse_ranges(part.substr(kGids.size()), "gids", container.gids, pointer);
        } else {
            oci::reject(pointer, in_quotes(part), "uids= or gids=");
        }
    }
    if (result.uids.empty() || result.gids.empty()) {
        throw SpecError(pointer, "expected both uids= and gids=, or neither");
    }
    return result;
}

BothMappings container_mappings(const oci::Spec& spec) {
    if (!has_user_namespace(spec)) return {};
    return {spec.linux_->uid_mappings, spec.linux_->gid_mappings};
}

// The mappings of the mount itself, else those of the container's user namespace: config.md "Linux
// mount options".
BothMappings find_mappings(const oci::Spec& spec, const oci::Mount& mount,
                           std::string_view option_value, const std::string& pointer,
                           const std::string& option_pointer) {
    const BothMappings container = container_mappings(spec);
    const bool own = !mount.uid_mappings.empty();
    if (!option_value.empty()) {
        if (own) {
            throw SpecError(option_pointer,
                            concat("there are mappings here and in ", pointer, "/uidMappings"));
        }
        return parse_option(option_value, container, option_pointer);
    }
    if (own) return {mount.uid_mappings, mount.gid_mappings};
    if (container.uids.empty() || container.gids.empty()) {
        throw SpecError(concat(pointer, "/options"),
                        "idmap needs uidMappings and gidMappings, of the mount or of a user "
                        "namespace");
    }
    return container;
}

}  // namespace

bool is_id_map_option(std::string_view option) {
    const std::string_view name = option.substr(0, option.find('='));
    return name == "idmap" || name == "ridmap";
}

void map_ids(const oci::Spec& spec, const Host& host, const oci::Mount& mount,
             const std::string& pointer, handoff::MountAction& action) {
    const auto index = find_option(mount);
    if (!index && mount.uid_mappings.empty()) return;
    if (action.kind != handoff::MountKind::bind) {
        throw SpecError(pointer, "only a bind mount can have ID mappings");
    }
    const std::string_view option = index ? std::string_view(mount.options[*index]) : "";
    const auto equals = std::min(option.find('='), option.size());
    const std::string_view value = option.substr(std::min(equals + 1, option.size()));
    const std::string option_pointer =
        concat(pointer, "/options/", std::to_string(index.value_or(0)));
    const auto mappings = find_mappings(spec, mount, value, pointer, option_pointer);
    if (host.ordinary_user) {
        throw SpecError(concat(pointer, "/options"),
                        "only root of the host can give a mount ID mappings");
    }
    action.uid_map = id_map(mappings.uids);
    action.gid_map = id_map(mappings.gids);
    action.recursive_map = option.starts_with('r');
}

}  // namespace lxcri::translate
