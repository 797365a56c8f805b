#pragma once
// The smallest valid config.json, and the documents that tests make of it.

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace lxcri::oci::test {

inline constexpr std::string_view kMinimalConfig = R"({
    "ociVersion": "1.2.0",
    "root": {"path": "rootfs"},
    "process": {"cwd": "/", "args": ["true"]},
    "linux": {"namespaces": [{"type": "mount"}]}
})";

// The minimal config changed by an RFC 7396 merge patch: null removes, lists are replaced.
inline std::string with_patch(std::string_view patch) {
    auto config = nlohmann::json::parse(kMinimalConfig);
    config.merge_patch(nlohmann::json::parse(patch));
    return config.dump();
}

}  // namespace lxcri::oci::test
