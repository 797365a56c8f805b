#pragma once
// Hooks for tests. The hook program is the probe: it appends what it sees to a file outside of the
// container.
#include <array>
#include <filesystem>

#include "support/environment.h"
#include "support/runtime.h"

namespace lxcri::test {

inline Json hook(const Strings& arguments, const std::string& path = environment().probe) {
    Json args = {"hook-of-the-test"};
    for (const std::string& argument : arguments) args.push_back(argument);
    return {{"path", path}, {"args", args}};
}

// A hook that notes a word and then does more.
inline Json note(const std::filesystem::path& file, const std::string& word,
                 const Strings& more = {}) {
    Strings arguments = {"into", file, "--", "echo", word};
    if (!more.empty()) arguments.emplace_back("--");
    arguments.insert(arguments.end(), more.begin(), more.end());
    return hook(arguments);
}

inline Json failing_hook(const std::string& text, const std::string& path = environment().probe) {
    return hook({"error", text, "--", "exit", "3"}, path);
}

inline constexpr std::array kCreateHooks{"prestart", "createRuntime", "createContainer"};
inline constexpr std::array kHostHooks{"prestart", "createRuntime", "poststart", "poststop"};
// Those whose path is one of the runtime's namespace.
inline constexpr std::array kOutsideHooks{"prestart", "createRuntime", "createContainer",
                                          "poststart", "poststop"};

}  // namespace lxcri::test
