#pragma once
// What the files validate*.cpp share. A rule looks at a structure that stands at the JSON pointer
// `base`; it throws SpecError or adds warnings. Pointers are only put together on failure.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "oci/id_mapping.h"
#include "oci/spec.h"

namespace lxcri::oci {

using Warnings = std::vector<std::string>;

// at("/mounts", 3, "/type") is "/mounts/3/type".
std::string at(std::string_view list, std::size_t index, std::string_view rest = {});
// The pointer of a member of a map.
std::string at_key(std::string_view map, std::string_view key);

// "expected X, got Y".
[[noreturn]] void reject(std::string pointer, std::string_view found, std::string_view expected);
void warn(Warnings& warnings, std::string_view pointer, std::string_view text);

inline bool is_absolute(std::string_view path) {
    return path.starts_with('/');
}
// ".." as a whole component.
bool has_parent_component(std::string_view path);

// Environment entries at `base` ("/process/env"): each "NAME=value".
void check_environment(const std::vector<std::string>& env, std::string_view base);
// The mappings of a user namespace or a mount: user_namespaces(7).
void check_mappings(const std::vector<IdMapping>& mappings, std::string_view base);

void check_process(const Process& process, std::string_view base, Warnings& warnings);
void check_linux(const Linux& section, std::string_view base, Warnings& warnings);
void check_resources(const Resources& resources, std::string_view base);
void check_seccomp(const Seccomp& seccomp, std::string_view base);

}  // namespace lxcri::oci
