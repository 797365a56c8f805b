// config.json -> the plan, or the error: tests/golden/README.md.

#include <algorithm>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/strings.h"
#include "golden_files.h"
#include "golden_host.h"
#include "oci/parse.h"
#include "oci/validate.h"
#include "seccomp/syscalls.h"
#include "support/catch.h"
#include "translate/diff.h"
#include "translate/plan.h"

namespace fs = std::filesystem;
using namespace lxcri;
using namespace lxcri::test;
using nlohmann::json;

namespace {

struct GoldenCase {
    std::string name;  // section/case
    fs::path directory;

    bool has(const char* file) const { return fs::exists(directory / file); }

    // The base document changed by the case (RFC 7396).
    json config() const {
        const fs::path base = has("base") ? kData / split(read_text(directory / "base"), '\n')[0]
                                          : kGolden / "base.json";
        auto document = json::parse(read_text(base));
        document.merge_patch(json::parse(read_text(directory / "config.json")));
        return document;
    }

    json host() const {
        auto facts = json::parse(read_text(kGolden / "host.json"));
        if (has("host.json")) facts.merge_patch(json::parse(read_text(directory / "host.json")));
        return facts;
    }
};

const std::vector<GoldenCase>& golden_cases() {
    static const auto cases = [] {
        std::vector<GoldenCase> found;
        for (const auto& section : fs::directory_iterator(kGolden / "cases")) {
            for (const auto& entry : fs::directory_iterator(section)) {
                found.push_back({concat(section.path().filename().string(), "/",
                                        entry.path().filename().string()),
                                 entry.path()});
            }
        }
        std::sort(found.begin(), found.end(),
                  [](const auto& left, const auto& right) { return left.name < right.name; });
        return found;
    }();
    return cases;
}

// What `create` and `lxcri translate` do with a document, on the machine that is described.
translate::Plan make_plan(const std::string& config, const translate::Host& host) {
    const auto spec = oci::parse_spec(config);
    const auto warnings = oci::validate(spec);
    auto plan = translate::translate(spec, host);
    plan.warnings.insert(plan.warnings.begin(), warnings.begin(), warnings.end());
    return plan;
}

// Without defaults, so that a new field touches only those cases that are about it.
std::string plan_text(const json& config, const json& host) {
    return translate::plan_json(make_plan(config.dump(), host_from(host)),
                                translate::Defaults::left_out);
}

const std::string& base_plan() {
    static const std::string plan = plan_text(json::parse(read_text(kGolden / "base.json")),
                                              json::parse(read_text(kGolden / "host.json")));
    return plan;
}

// A filter has the numbers of this machine's system calls; those in the files are x86_64's.
bool is_for_this_machine(const GoldenCase& golden) {
    return seccomp::native_arch() == oci::SeccompArch::x86_64 || !golden.has("difference") ||
           read_text(golden.directory / "difference").find("seccompProgram") == std::string::npos;
}

void run(const GoldenCase& golden) {
    if (!is_for_this_machine(golden)) return;
    std::string file = "difference";
    std::string other = "error";
    std::string text;
    try {
        const auto plan = plan_text(golden.config(), golden.host());
        for (const auto& line : translate::difference(base_plan(), plan)) text += line + "\n";
    } catch (const Error& error) {
        std::swap(file, other);
        text = concat(error.what(), "\n");
        CHECK(text.find('\n') == text.size() - 1);  // one line, whatever the document says
    }
    if (may_rewrite()) fs::remove(golden.directory / other);
    if (golden.has(other.c_str())) {
        FAIL_CHECK("instead of " << read_text(golden.directory / other).substr(0, 200) << "it is "
                                 << text.substr(0, 200));
        return;
    }
    check_golden(golden.directory / file, text);
}

}  // namespace

TEST_CASE("the plan that the golden cases differ from", "[golden]") {
    const auto plan = make_plan(read_text(kGolden / "base.json"),
                                host_from(json::parse(read_text(kGolden / "host.json"))));
    check_golden(kGolden / "base-plan.json", translate::plan_json(plan) + "\n");
}

TEST_CASE("golden cases", "[golden]") {
    for (const auto& golden : golden_cases()) {
        DYNAMIC_SECTION(golden.name) {
            run(golden);
        }
    }
}

TEST_CASE("the directories of the golden cases are in order", "[golden]") {
    const std::set<std::string> known{"config.json", "host.json", "base", "difference", "error"};
    std::map<std::string, std::string> seen;  // by what is translated
    std::size_t valid = 0;
    std::size_t invalid = 0;
    for (const auto& golden : golden_cases()) {
        INFO(golden.name);
        for (const auto& entry : fs::directory_iterator(golden.directory)) {
            INFO(entry.path().filename());
            CHECK(known.contains(entry.path().filename()));
        }
        CHECK(golden.has("difference") != golden.has("error"));
        ++(golden.has("difference") ? valid : invalid);
        const auto [other, is_new] =
            seen.emplace(golden.config().dump() + golden.host().dump(), golden.name);
        INFO("the same as " << other->second);
        CHECK(is_new);
    }
    // The table would be empty if it were not found.
    CHECK(valid >= 80);
    CHECK(invalid >= 80);
}
