#pragma once
// System containers (docs/system-containers.md): config.json is changed into one in which systemd,
// Docker, Podman or k3s run, before all else is planned. So whatever it means is in the plan.

#include <string>
#include <vector>

#include "oci/spec.h"
#include "translate/plan.h"

namespace lxcri::translate {

inline constexpr const char* kSystemAnnotation = "org.linuxcontainers.lxcri.system";
inline constexpr const char* kSystemPointer = "/annotations/org.linuxcontainers.lxcri.system";

// Which containers the settings make system containers.
struct SystemRule {
    bool all = false;         // those whose annotation does not say "false"
    bool annotation = false;  // those whose annotation says "true"
};

// Throws SpecError if the annotation says what it may not say.
bool is_system_container(const oci::Spec& spec, const SystemRule& rule);

// SpecError where the container has no user namespace, or no cgroup of version 2.
oci::Spec make_system_container(oci::Spec spec, const Host& host,
                                std::vector<std::string>& warnings);

// The part of it that is about the process: capabilities, environment, system call filter.
void make_system_process(oci::Spec& spec, const Host& host);

}  // namespace lxcri::translate
