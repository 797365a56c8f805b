#pragma once
// Namespaces that config.json names by their paths: what translation has to know of them.

#include "oci/spec.h"
#include "translate/plan.h"

namespace lxcri::host {

// Gives `spec` the ID mappings that the user namespace it names really has, and takes an entry away
// that names the runtime's own, which is the same as none. Throws SpecError if its own mappings say
// something else.
void resolve_user_namespace(oci::Spec& spec);

// Those that belong to the container's user namespace: translate::Host::owned_namespaces.
std::vector<oci::NamespaceType> find_owned_namespaces(const oci::Spec& spec);

}  // namespace lxcri::host
