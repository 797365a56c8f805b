// docs/conformance.md: every property of the specification with the file that does it and the tests
// that show it. Made from lib/oci/properties.cpp and tests/conformance/tests.txt; UPDATE_GOLDEN=1
// rewrites it.

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "base/strings.h"
#include "oci/properties.h"
#include "support/catch.h"
#include "unit/test_names.h"

namespace fs = std::filesystem;
using lxcri::concat;
using namespace lxcri::oci;
using namespace lxcri::test;

namespace {

using Strings = std::vector<std::string>;

const fs::path kDocument = kProject / "docs/conformance.md";

struct Entry {
    std::string subject;  // a property, or "> " and a sentence
    Strings tests;
    Strings differences;  // what is deliberately done in another way, and why
};

std::vector<Entry> read_entries() {
    std::vector<Entry> entries;
    std::istringstream text(read_text(kTests / "conformance/tests.txt"));
    for (std::string line; std::getline(text, line);) {
        if (line.empty() || line.starts_with('#')) continue;
        if (!line.starts_with("    ")) {
            entries.push_back({line, {}, {}});
        } else if (line.starts_with("    ! ")) {
            REQUIRE(!entries.empty());
            entries.back().differences.push_back(line.substr(6));
        } else {
            REQUIRE(!entries.empty());
            entries.back().tests.push_back(line.substr(4));
        }
    }
    return entries;
}

// Where an owner is, relative to the project; "" when it is nowhere.
std::string file_of(const std::string& owner) {
    // Owners whose file has another name.
    static const std::map<std::string, std::string> kElsewhere{
        {"annotations", "lib/oci/state.cpp"},
        {"cgroup_path", "lib/cgroup/path.cpp"},
        {"masked_paths", "hooks/hidden_paths.cpp"},
        {"readonly_paths", "hooks/hidden_paths.cpp"}};
    const auto named = kElsewhere.find(owner);
    if (named != kElsewhere.end()) return fs::exists(kProject / named->second) ? named->second : "";
    for (const char* folder : {"translate", "cgroup", "attached", "runtime", "oci"}) {
        const std::string path = concat("lib/", folder, "/", owner, ".cpp");
        if (fs::exists(kProject / path)) return path;
    }
    return {};
}

// The object or list that a property belongs to.
std::string parent_of(const std::string& path) {
    std::string parent = path.substr(0, path.rfind('/'));
    if (parent.ends_with("/*")) parent.resize(parent.size() - 2);
    return parent;
}

std::string done_by(const Property& property) {
    switch (property.treatment) {
        case Treatment::applied:
            if (property.by == "its parts") return "its parts";
            return concat("[", property.by, "](../", file_of(std::string(property.by)), ")");
        case Treatment::ignored:
            return concat("ignored: ", property.by);
        case Treatment::parent:
            return "with the above";
    }
    return {};
}

std::string cell(const Entry& entry) {
    std::string text;
    for (const auto& test : entry.tests) text += concat(text.empty() ? "" : "<br>", test);
    for (const auto& difference : entry.differences) text += concat("<br>differs: ", difference);
    return text;
}

std::string escaped(std::string text) {
    for (std::size_t at = text.find('*'); at != std::string::npos; at = text.find('*', at + 2)) {
        text.insert(at, "\\");
    }
    return text;
}

std::string make_document(const std::vector<Entry>& entries) {
    std::map<std::string, Entry> by_subject;
    for (const auto& entry : entries) by_subject[entry.subject] = entry;
    std::string text =
        "# Conformance\n\n"
        "This page lists what the OCI runtime specification 1.3 asks for, which file does it, and "
        "which tests show it.\nIt is made from `lib/oci/properties.cpp` and "
        "`tests/conformance/tests.txt`; a unit test fails if it is not up to\ndate, or if a test "
        "that it names does not exist. A `*` at the end of a test's name means all tests that "
        "begin "
        "so;\n`golden: NAME` means the cases in `tests/golden/cases/NAME`. `differs`: callers and "
        "both peers, runc and crun,\ndisagree with the specification, and lxcri does as they "
        "do.\n\n"
        "`./dev conformance` runs the validation suite of opencontainers/runtime-tools. "
        "`tests/conformance/expected-failures`\nsays what fails there, and why.\n\n"
        "## Properties of config.json\n\n"
        "| property | done by | shown by |\n| --- | --- | --- |\n";
    for (const auto& property : properties()) {
        const std::string path(property.path);
        text += concat("| `", path, "` | ", done_by(property), " | ",
                       escaped(cell(by_subject[path])), " |\n");
    }
    text += "\n## Runtime and lifecycle (runtime.md)\n\n| sentence | shown by |\n| --- | --- |\n";
    for (const auto& entry : entries) {
        if (!entry.subject.starts_with("> ")) continue;
        text += concat("| ", entry.subject.substr(2), " | ", escaped(cell(entry)), " |\n");
    }
    return text;
}

}  // namespace

TEST_CASE("conformance: every test that is named exists, and every subject is a property") {
    const auto names = names_of_tests();
    REQUIRE(names.size() > 400);
    std::set<std::string> paths;
    for (const auto& property : properties()) paths.insert(std::string(property.path));
    std::set<std::string> subjects;
    for (const auto& entry : read_entries()) {
        INFO(entry.subject);
        CHECK(subjects.insert(entry.subject).second);
        CHECK((entry.subject.starts_with("> ") || paths.contains(entry.subject)));
        CHECK(!entry.tests.empty());
        for (const auto& test : entry.tests) {
            INFO(test);
            CHECK(exists(test, names));
        }
    }
}

TEST_CASE("conformance: every property that is applied has a file and a test") {
    std::set<std::string> shown;
    for (const auto& entry : read_entries()) shown.insert(entry.subject);
    for (const auto& property : properties()) {
        if (property.treatment != Treatment::applied) continue;
        INFO(property.path);
        if (property.by != "its parts") CHECK(file_of(std::string(property.by)) != "");
        std::string path(property.path);
        while (!path.empty() && !shown.contains(path)) path = parent_of(path);
        CHECK(!path.empty());
    }
}

TEST_CASE("conformance: the document is up to date") {
    const std::string wanted = make_document(read_entries());
    if (read_text(kDocument) == wanted) return;
    if (std::getenv("UPDATE_GOLDEN") != nullptr) std::ofstream(kDocument) << wanted;
    FAIL("docs/conformance.md: out of date (UPDATE_GOLDEN=1 rewrites it)");
}
