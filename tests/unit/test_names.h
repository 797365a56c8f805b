#pragma once
// The tests that there are, for documents that name them.

#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <string_view>

namespace lxcri::test {

inline const std::filesystem::path kTests = LXCRI_TEST_DATA;
inline const std::filesystem::path kProject = kTests.parent_path();

inline std::string read_text(const std::filesystem::path& path) {
    std::ifstream file(path);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

// The names in all TEST_CASE()s; a long one is several literals.
inline std::set<std::string> names_of_tests() {
    const std::regex test_case(R"re(TEST_CASE\(\s*((?:"(?:[^"\\]|\\.)*"\s*)+))re");
    const std::regex literal(R"re("((?:[^"\\]|\\.)*)")re");
    std::set<std::string> names;
    for (const char* folder : {"unit", "container"}) {
        for (const auto& entry : std::filesystem::recursive_directory_iterator(kTests / folder)) {
            if (entry.path().extension() != ".cpp") continue;
            const std::string text = read_text(entry.path());
            for (std::sregex_iterator match(text.begin(), text.end(), test_case), end; match != end;
                 ++match) {
                const std::string literals = (*match)[1];
                std::string name;
                for (std::sregex_iterator part(literals.begin(), literals.end(), literal);
                     part != end; ++part) {
                    name += (*part)[1];
                }
                names.insert(name);
            }
        }
    }
    return names;
}

inline bool exists(const std::string& test, const std::set<std::string>& names) {
    constexpr std::string_view kGolden = "golden: ";
    if (test.starts_with(kGolden)) {
        return std::filesystem::exists(kTests / "golden/cases" / test.substr(kGolden.size()));
    }
    if (!test.ends_with('*')) return names.contains(test);
    const std::string beginning = test.substr(0, test.size() - 1);
    const auto first = names.lower_bound(beginning);
    return first != names.end() && first->starts_with(beginning);
}

}  // namespace lxcri::test
