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

void translate_id_mappings(const oci::Spec& spec, const Host& host, Plan& plan) {
    if (host.ordinary_user || !has_new_namespace(spec, oci::NamespaceType::user)) return;
    add('u', spec.linux_->uid_mappings, plan);
    add('g', spec.linux_->gid_mappings, plan);
}

}  // namespace lxcri::translate
