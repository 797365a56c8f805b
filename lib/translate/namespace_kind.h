#pragma once
// The names of the types of namespaces for liblxc and the kernel.

#include <string>

#include "oci/namespaces.h"

namespace lxcri::translate {

struct NamespaceKind {
    std::string name;  // liblxc's, and below /proc/PID/ns
    int clone_flag;    // CLONE_NEW*
};
NamespaceKind namespace_kind(oci::NamespaceType type);

}  // namespace lxcri::translate
