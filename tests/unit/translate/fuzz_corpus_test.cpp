// Replays the corpus of the fuzzers: tests/fuzz.

#include <filesystem>
#include <map>
#include <set>
#include <string>

#include "fuzz/entries.h"
#include "golden_files.h"
#include "handoff/codec.h"
#include "support/catch.h"
#include "unit/handoff/random_plan.h"

namespace fs = std::filesystem;
using namespace lxcri;
using namespace lxcri::test;

TEST_CASE("the corpus of the fuzzers", "[fuzz]") {
    std::set<std::string> known;
    for (const auto& entry : fuzz::kEntries) {
        known.emplace(entry.name);
        std::size_t count = 0;
        for (const auto& file : fs::directory_iterator(kData / "fuzz/corpus" / entry.name)) {
            INFO(file.path().string());
            const auto input = read_text(file);
            CHECK_NOTHROW(entry.run(input));
            ++count;
        }
        INFO(entry.name);
        CHECK(count >= 5);
    }
    for (const auto& directory : fs::directory_iterator(kData / "fuzz/corpus")) {
        INFO(directory.path().string());
        CHECK(known.contains(directory.path().filename()));
    }
}

TEST_CASE("plans of today through the fuzzers' entry", "[fuzz]") {
    for (unsigned seed = 0; seed < 50; ++seed) {
        INFO(seed);
        CHECK_NOTHROW(
            fuzz::plan(std::string(1, 0) + handoff::encode(random_plan<handoff::StartPlan>(seed))));
        CHECK_NOTHROW(
            fuzz::plan(std::string(1, 1) + handoff::encode(random_plan<handoff::HookPlan>(seed))));
        CHECK_NOTHROW(
            fuzz::plan(std::string(1, 2) + handoff::encode(random_plan<handoff::InitPlan>(seed))));
    }
}

TEST_CASE("the fuzzers' entries notice a broken promise", "[fuzz]") {
    CHECK_THROWS_AS(fuzz::check_line("a\nb"), std::logic_error);
    CHECK_THROWS_AS(fuzz::promise(false, "x"), std::logic_error);
    CHECK_THROWS_AS(fuzz::expect_errors([] { throw Error("two\nlines"); }), std::logic_error);
    CHECK_THROWS_AS(fuzz::expect_errors([] { throw std::out_of_range("x"); }), std::out_of_range);
    CHECK_NOTHROW(fuzz::expect_errors([] { throw Error("one line"); }));
}
