#include "host/joined_namespaces.h"

#include <fcntl.h>
#include <sched.h>

#include <algorithm>
#include <cstdint>
#include <string>

#include "base/error.h"
#include "base/strings.h"
#include "os/file.h"
#include "os/namespace.h"
#include "os/user_namespace.h"
#include "translate/namespace_kind.h"

namespace lxcri::host {

namespace {

os::UniqueFd open_entry(const oci::Linux& section, const oci::Namespace& entry) {
    const auto index = &entry - section.namespaces.data();
    return in_context(concat("/linux/namespaces/", std::to_string(index), "/path"), [&] {
        return os::open_namespace(*entry.path, translate::namespace_kind(entry.type).clone_flag);
    });
}

using Mappings = std::vector<oci::IdMapping>;

Mappings to_mappings(const std::vector<os::IdRange>& ranges) {
    Mappings mappings;
    for (const auto& range : ranges) {
        mappings.push_back({range.inside, range.outside, range.size});
    }
    return mappings;
}

std::string to_text(const Mappings& mappings) {
    std::string text;
    for (const auto& mapping : mappings) {
        text += concat(text.empty() ? "" : ", ", std::to_string(mapping.container_id), " ",
                       std::to_string(mapping.host_id), " ", std::to_string(mapping.size));
    }
    return text;
}

// The kernel sorts long maps.
Mappings sorted(Mappings mappings) {
    std::sort(mappings.begin(), mappings.end(), [](const auto& left, const auto& right) {
        return left.container_id < right.container_id;
    });
    return mappings;
}

// What Podman and others write where a namespace is joined, because runc once asked for mappings.
bool is_dummy(const Mappings& mappings) {
    return to_text(mappings) == "0 0 1";
}

void take_real(Mappings& given, const std::vector<os::IdRange>& ranges, const char* pointer) {
    Mappings real = to_mappings(ranges);
    const std::string found = to_text(sorted(given));
    if (!given.empty() && !is_dummy(given) && found != to_text(sorted(real))) {
        throw SpecError(pointer, concat("got ", in_quotes(found),
                                        ", but the user namespace that is joined has ",
                                        in_quotes(to_text(real))));
    }
    given = std::move(real);
}

}  // namespace

void resolve_user_namespace(oci::Spec& spec) {
    if (!spec.linux_) return;
    oci::Linux& section = *spec.linux_;
    const auto* entry = section.find_namespace(oci::NamespaceType::user);
    if (entry == nullptr || !entry->path) return;
    const os::UniqueFd user = open_entry(section, *entry);
    if (os::is_own_namespace(user.get(), "user")) {
        // Who is in it cannot join it: setns(2). All IDs are themselves.
        const std::vector<os::IdRange> all{{0, 0, UINT32_MAX}};
        take_real(section.uid_mappings, all, "/linux/uidMappings");
        take_real(section.gid_mappings, all, "/linux/gidMappings");
        std::erase_if(section.namespaces, [](const oci::Namespace& other) {
            return other.type == oci::NamespaceType::user;
        });
        section.uid_mappings.clear();
        section.gid_mappings.clear();
        return;
    }
    const auto maps = os::read_id_maps(user.get());
    take_real(section.uid_mappings, maps.uids, "/linux/uidMappings");
    take_real(section.gid_mappings, maps.gids, "/linux/gidMappings");
}

std::vector<oci::NamespaceType> find_owned_namespaces(const oci::Spec& spec) {
    std::vector<oci::NamespaceType> owned;
    if (!spec.linux_) return owned;
    const oci::Linux& section = *spec.linux_;
    const auto* entry = section.find_namespace(oci::NamespaceType::user);
    if (entry != nullptr && !entry->path) return owned;  // what is there before it is not its own
    const os::UniqueFd user = entry != nullptr
                                  ? open_entry(section, *entry)
                                  : os::open_at(AT_FDCWD, "/proc/self/ns/user", O_RDONLY);
    for (const auto& other : section.namespaces) {
        if (!other.path || other.type == oci::NamespaceType::user) continue;
        if (os::belongs_to(open_entry(section, other).get(), user.get())) {
            owned.push_back(other.type);
        }
    }
    return owned;
}

}  // namespace lxcri::host
