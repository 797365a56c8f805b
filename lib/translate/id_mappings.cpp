// Owns:  /linux/uidMappings, /linux/gidMappings
// Emits: lxc.idmap
#include <string>

#include "base/strings.h"
#include "translate/translators.h"

namespace lxcri::translate {

namespace {

void add(char kind, const std::vector<oci::IdMapping>& mappings, Plan& plan) {
    for (const auto& mapping : mappings) {
        plan.start.items.push_back(
            {"lxc.idmap",
             concat(std::string(1, kind), " ", std::to_string(mapping.container_id), " ",
                    std::to_string(mapping.host_id), " ", std::to_string(mapping.size))});
    }
}

}  // namespace

std::optional<std::uint32_t> find_host_id(const std::vector<oci::IdMapping>& mappings,
                                          std::uint32_t id) {
    for (const auto& mapping : mappings) {
        if (id >= mapping.container_id && id - mapping.container_id < mapping.size) {
            return id - mapping.container_id + mapping.host_id;
        }
    }
    return {};
}

void translate_id_mappings(const oci::Spec& spec, const Host& host, Plan& plan) {
    // An ordinary user's lxcri-start is in the user namespace before liblxc begins. In a joined one
    // the mappings tell liblxc that it has to become root there.
    if (host.ordinary_user || !has_user_namespace(spec)) return;
    add('u', spec.linux_->uid_mappings, plan);
    add('g', spec.linux_->gid_mappings, plan);
}

}  // namespace lxcri::translate
