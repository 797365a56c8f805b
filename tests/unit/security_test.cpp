// docs/security.md: every promise and every published attack names tests, and they exist.

#include <sstream>
#include <vector>

#include "base/strings.h"
#include "support/catch.h"
#include "unit/test_names.h"

namespace fs = std::filesystem;
using namespace lxcri;
using namespace lxcri::test;

namespace {

using Strings = std::vector<std::string>;

const fs::path kSecurity = kProject / "docs/security.md";

// A row of a table, without its first and last border.
Strings cells_of(const std::string& line) {
    Strings cells;
    for (const auto& cell : split(std::string_view(line).substr(1, line.size() - 2), '|')) {
        const auto first = cell.find_first_not_of(' ');
        const auto last = cell.find_last_not_of(' ');
        cells.push_back(first == cell.npos ? "" : cell.substr(first, last - first + 1));
    }
    return cells;
}

// The rows of all tables, without their heads.
std::vector<Strings> rows() {
    std::vector<Strings> result;
    std::istringstream text(read_text(kSecurity));
    bool is_head = true;
    for (std::string line; std::getline(text, line);) {
        if (!line.starts_with('|')) {
            is_head = true;
        } else if (is_head) {
            is_head = false;
        } else if (!line.starts_with("| ---")) {
            result.push_back(cells_of(line));
        }
    }
    return result;
}

// What stands in `backticks` in the last column.
Strings tests_of(const Strings& row) {
    Strings tests;
    const Strings parts = split(row.back(), '`');
    for (std::size_t i = 1; i < parts.size(); i += 2) tests.push_back(parts[i]);
    return tests;
}

bool is_there(const std::string& test, const std::set<std::string>& names) {
    return test.starts_with("tests/") ? fs::exists(kProject / test) : exists(test, names);
}

std::set<std::string> attacks_in(const std::string& text) {
    static const std::regex number("CVE-[0-9]{4}-[0-9]+");
    std::set<std::string> found;
    for (std::sregex_iterator match(text.begin(), text.end(), number), end; match != end; ++match) {
        found.insert(match->str());
    }
    return found;
}

}  // namespace

TEST_CASE("security: every promise and every attack has a test, or says why there is none") {
    const auto names = names_of_tests();
    int attacks = 0;
    for (const Strings& row : rows()) {
        INFO(row.front());
        const bool is_attack = row.front().starts_with("CVE-");
        attacks += is_attack ? 1 : 0;
        CHECK(row.size() == (is_attack ? 4U : 2U));
        const Strings tests = tests_of(row);
        const bool says_none = is_attack && row[2].starts_with("None: ");
        CHECK((!tests.empty() || says_none));
        for (const auto& test : tests) {
            INFO(test);
            CHECK(is_there(test, names));
        }
    }
    CHECK(attacks > 40);
}

TEST_CASE("security: an attack that a test or a comment names has a row") {
    std::string first_columns;
    for (const Strings& row : rows()) first_columns += row.front() + " ";
    const auto known = attacks_in(first_columns);
    for (const char* folder : {"cmd", "hooks", "lib", "libexec", "tests/container"}) {
        for (const auto& entry : fs::recursive_directory_iterator(kProject / folder)) {
            if (!entry.is_regular_file()) continue;
            for (const auto& attack : attacks_in(read_text(entry.path()))) {
                INFO(entry.path().string() + ": " + attack);
                CHECK(known.contains(attack));
            }
        }
    }
}

TEST_CASE("security: no attack has two rows") {
    std::set<std::string> seen;
    for (const Strings& row : rows()) {
        for (const auto& attack : attacks_in(row.front())) {
            INFO(attack);
            CHECK(seen.insert(attack).second);
        }
    }
}
