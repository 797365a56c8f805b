// The unit tests: no root, no containers, no kernel features.
#define CATCH_CONFIG_RUNNER

#include "support/catch_session.h"
#include "support/summary.h"

int main(int argc, char** argv) {
    Catch::Session session;
    if (const int wrong = session.applyCommandLine(argc, argv)) return wrong;
    lxcri::test::open_summary();
    const int result = session.run();
    const auto& asked = session.configData();
    if (asked.listTests || asked.listTags || asked.listReporters || asked.showHelp) return result;
    return lxcri::test::print_summary(result);
}
