#include "support/summary.h"

#include <cstdio>
#include <cstdlib>

#define CATCH_CONFIG_EXTERNAL_INTERFACES
#include "support/catch_session.h"

namespace lxcri::test {
namespace {

enum class Mark { kNone, kSkipped, kNotApplicable };

struct Counts {
    int passed = 0;
    int failed = 0;
    int skipped = 0;
    int not_applicable = 0;
    Mark mark = Mark::kNone;
    std::string current;
};

Counts& counts() {
    static Counts result;
    return result;
}

using Listener = Catch::TestEventListenerBase;

struct Counter : Listener {
    using Listener::Listener;

    void testCaseStarting(const Catch::TestCaseInfo& info) override {
        counts().current = info.name;
        counts().mark = Mark::kNone;
    }

    void testCaseEnded(const Catch::TestCaseStats& stats) override {
        if (stats.totals.testCases.failed > 0) {
            ++counts().failed;
        } else if (counts().mark == Mark::kSkipped) {
            ++counts().skipped;
        } else if (counts().mark == Mark::kNotApplicable) {
            ++counts().not_applicable;
        } else {
            ++counts().passed;
        }
    }
};

CATCH_REGISTER_LISTENER(Counter)

}  // namespace

namespace {

std::FILE* summary_file = nullptr;

}  // namespace

void open_summary() {
    if (const char* path = std::getenv("LXCRI_TEST_SUMMARY")) {
        summary_file = std::fopen(path, "ae");
    }
}

const std::string& current_test() {
    return counts().current;
}

void skip_test(std::string_view reason) {
    counts().mark = Mark::kSkipped;
    std::printf("skipped: %s (%.*s)\n", counts().current.c_str(), static_cast<int>(reason.size()),
                reason.data());
}

void not_applicable(std::string_view) {
    counts().mark = Mark::kNotApplicable;
}

int print_summary(int catch_result, int more_failures) {
    const int failed = counts().failed + more_failures;
    char line[128];
    std::snprintf(line, sizeof line, "%d passed, %d failed, %d skipped\n", counts().passed, failed,
                  counts().skipped);
    if (counts().not_applicable > 0) {
        std::printf("%d tests do not apply here\n", counts().not_applicable);
    }
    std::fputs(line, stdout);
    std::fflush(stdout);
    if (summary_file) {
        std::fputs(line, summary_file);
        std::fclose(summary_file);
    }
    return failed > 0 || catch_result != 0 ? 1 : 0;
}

}  // namespace lxcri::test
