// A short fuzz run in every build, with the sanitizers too: the corpus of tests/fuzz, changed at
// random but the same way each time. ./dev fuzz does it for longer, and learns which changes lead
// somewhere.

#include <algorithm>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "fuzz/entries.h"
#include "golden_files.h"
#include "support/catch.h"

namespace fs = std::filesystem;
using namespace lxcri;
using namespace lxcri::test;

namespace {

class Mutator {
  public:
    explicit Mutator(std::vector<std::string> corpus) : corpus_(std::move(corpus)) {}

    std::string next() {
        std::string input = any_input();
        for (std::size_t changes = 1 + below(4); changes > 0; --changes) change(input);
        return input;
    }

  private:
    std::size_t below(std::size_t limit) { return limit == 0 ? 0 : random_() % limit; }
    const std::string& any_input() { return corpus_[below(corpus_.size())]; }
    std::string any_part(const std::string& text) {
        const std::size_t begin = below(text.size());
        return text.substr(begin, below(32));
    }

    void change(std::string& input) {
        const std::size_t place = below(input.size());
        switch (below(6)) {
            case 0:
                if (!input.empty()) input[place] = static_cast<char>(random_());
                break;
            case 1:
                if (!input.empty())
                    input[place] = static_cast<char>(input[place] ^ (1 << below(8)));
                break;
            case 2:
                input.erase(place, below(32));
                break;
            case 3:
                input.insert(place, any_part(input));
                break;
            case 4:
                input.insert(place, any_part(any_input()));
                break;
            default:
                input.resize(place);
                input += any_part(any_input());
        }
    }

    std::vector<std::string> corpus_;
    std::mt19937 random_;  // its own first state: the same changes in each run
};

// The input on which the entry breaks a promise or throws what it may not; "" if there is none.
std::string find_breaker(const fuzz::Entry& entry, int rounds) {
    std::vector<fs::path> files;
    for (const auto& file : fs::directory_iterator(kData / "fuzz/corpus" / entry.name)) {
        files.push_back(file.path());
    }
    std::sort(files.begin(), files.end());
    std::vector<std::string> corpus(files.size());
    std::transform(files.begin(), files.end(), corpus.begin(), read_text);
    Mutator mutator(std::move(corpus));
    for (int round = 0; round < rounds; ++round) {
        std::string input = mutator.next();
        try {
            entry.run(input);
        } catch (const std::exception& error) {
            return std::string(error.what()) + ": " + input;
        }
    }
    return "";
}

}  // namespace

TEST_CASE("the corpus of the fuzzers, with random changes", "[fuzz]") {
    for (const auto& entry : fuzz::kEntries) {
        INFO(entry.name);
        CHECK(find_breaker(entry, 2000) == "");
    }
}

TEST_CASE("the random changes reach what they are to find", "[fuzz]") {
    // A parser that fails on what only a change can make of the corpus.
    const fuzz::Entry broken{"memberships", [](std::string_view input) {
                                 fuzz::promise(input.find('\xff') == input.npos, "broken");
                             }};
    CHECK_THAT(find_breaker(broken, 2000), Catch::StartsWith("broken: "));
}
