#pragma once
// Commands run at points of the lifecycle: runtime-spec config.md "POSIX-platform Hooks".

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace lxcri::oci {

struct Hook {
    std::string path;                             // absolute
    std::vector<std::string> args;                // with argv[0], as for execv; empty: path alone
    std::optional<std::vector<std::string>> env;  // the whole environment, "NAME=value"
    std::optional<std::int64_t> timeout;          // seconds, above zero
};

struct Hooks {
    std::vector<Hook> prestart;
    std::vector<Hook> create_runtime;
    std::vector<Hook> create_container;
    std::vector<Hook> start_container;  // the only ones whose path is in the container
    std::vector<Hook> poststart;
    std::vector<Hook> poststop;
};

}  // namespace lxcri::oci
