// The container tests: real containers of the runtime under test. tests/README.md says how to run
// them and what the environment variables mean.
#define CATCH_CONFIG_RUNNER
#include <cstdio>

#include "support/catch_session.h"
#include "support/environment.h"
#include "support/leaks.h"
#include "support/process.h"
#include "support/summary.h"

namespace {

using namespace lxcri::test;

// Each leak is a line; together they count as one failure.
int report_leaks(const Snapshot& before) {
    std::vector<std::string> leaks = remembered_leaks();
    (void)wait_for_children(milliseconds{2000});
    for (const std::string& fact : before.added_in(Snapshot::take())) leaks.push_back(fact);
    for (const std::string& leak : leaks) std::printf("left behind: %s\n", leak.c_str());
    return leaks.empty() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    Catch::Session session;
    if (const int wrong = session.applyCommandLine(argc, argv)) return wrong;
    const auto& asked = session.configData();
    if (asked.listTests || asked.listTags || asked.listReporters || asked.showHelp) {
        return session.run();
    }
    open_summary();
    if (const auto reason = make_view()) {
        std::printf("nothing to do: %s\n", reason->c_str());
        return print_summary(0);
    }
    protect_machine();
    become_subreaper();
    std::printf("runtime under test: %s\n", environment().runtime.c_str());
    const Snapshot before = Snapshot::take();
    const int result = session.run();
    return print_summary(result, report_leaks(before));
}
