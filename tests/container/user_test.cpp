// An ordinary user as the caller: what asks works, what needs privilege says so.
#include <sys/stat.h>

#include <filesystem>

#include "support/catch.h"
#include "support/environment.h"
#include "support/runtime.h"

using namespace lxcri::test;
namespace fs = std::filesystem;

namespace {

constexpr uid_t kUser = 1000;

CommandOptions as_user() {
    CommandOptions options;
    options.uid = kUser;
    options.environment = Strings{"PATH=/usr/bin:/bin", "XDG_RUNTIME_DIR=/run/user/1000"};
    return options;
}

}  // namespace

TEST_CASE("user: an ordinary user can ask", "[user][vm]") {
    NEEDS(need_runtime());
    APPLIES(has_systemd());
    const std::string runtime = environment().runtime;
    const Finished version = run_command({runtime, "--version"}, as_user());
    CHECK(version.code() == 0);
    CHECK(version.out.starts_with(environment().runtime_name + " version "));
    const Finished list = run_command({runtime, "list", "--quiet"}, as_user());
    CHECK(list.code() == 0);
    CHECK(list.out == "");
    const Finished state = run_command({runtime, "state", "nobody"}, as_user());
    CHECK(state.code() == 1);
    CHECK(lines_of(state.err).size() == 1);
    CHECK(contains(state.err, "nobody"));
}

TEST_CASE("user: root's containers are none of an ordinary user's business", "[user][vm]") {
    NEEDS(need_runtime());
    APPLIES(has_systemd());
    Box box;
    box.bundle.args({"trap", "TERM", "0"});
    Container container = box.create();
    container.start();
    container.out().wait_for("ready");
    for (const Strings& arguments :
         {Strings{"state", container.id()}, Strings{"kill", container.id(), "KILL"},
          Strings{"delete", "--force", container.id()}}) {
        CAPTURE(arguments);
        const Finished finished = box.call(arguments, as_user());
        CHECK(finished.code() == 1);
        CHECK(contains(finished.err, "permission denied"));
    }
    CHECK(container.status() == "running");
}
