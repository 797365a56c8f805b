#pragma once
// Files that say what is expected. UPDATE_GOLDEN=1 rewrites them.

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>

#include "line_diff.h"
#include "support/catch.h"

namespace lxcri::test {

inline const std::filesystem::path kData = LXCRI_TEST_DATA;
inline const std::filesystem::path kGolden = kData / "golden";

inline std::string read_text(const std::filesystem::path& path) {
    INFO(path.string());
    std::ifstream file(path);
    REQUIRE(file.good());
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

inline bool may_rewrite() {
    const char* value = std::getenv("UPDATE_GOLDEN");
    return value != nullptr && std::string_view(value) == "1";
}

// A rewritten file is a failure all the same: an UPDATE_GOLDEN that was forgotten in the
// environment cannot make a run green.
inline void check_golden(const std::filesystem::path& path, const std::string& actual) {
    const bool exists = std::filesystem::exists(path);
    const std::string expected = exists ? read_text(path) : "";
    if (exists && expected == actual) {
        SUCCEED();
    } else if (may_rewrite()) {
        std::ofstream(path) << actual;
        FAIL_CHECK("rewritten, look at it: " << path.string());
    } else if (!exists) {
        FAIL_CHECK("there is no " << path.string() << ", it would be\n" << actual);
    } else {
        FAIL_CHECK(path.string() << " (UPDATE_GOLDEN=1 rewrites)\n" << line_diff(expected, actual));
    }
}

}  // namespace lxcri::test
