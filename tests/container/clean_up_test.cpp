// A create that fails removes what it has made, and where one step of that fails the others are
// done all the same.
#include <fcntl.h>
#include <sys/syscall.h>

#include <cerrno>
#include <filesystem>
#include <set>

#include "hooks.h"
#include "support/catch.h"
#include "support/environment.h"
#include "support/runtime.h"
#include "support/tracer.h"

using namespace lxcri::test;
namespace fs = std::filesystem;

namespace {

#ifdef SYS_rmdir
constexpr long kRemoveDirectory = SYS_rmdir;
#else
constexpr long kRemoveDirectory = SYS_unlinkat;
#endif

// More than a command makes.
constexpr long kAll = 1'000'000;

// A create that fails when all is there that create makes: cgroups with one above, and init.
class FailingCreate {
  public:
    FailingCreate() {
        Bundle& bundle = box.bundle;
        bundle.linux()["cgroupsPath"] = "/" + box.name() + "-pod/" + box.name();
        bundle.config["hooks"]["createRuntime"] = Json::array({failing_hook("on purpose")});
        bundle.config["hooks"]["poststop"] = Json::array({note(box / "notes", "poststop")});
        bundle.write();
        id = box.new_id();
        line = box.command_line({"--log", box / "log", "--log-level", "warn", "create", "--bundle",
                                 bundle.path(), "--pid-file", box / "pid", id});
        options.fds = {{null_.get(), 1}};
    }

    // What the log says of steps that have failed.
    Strings complaints() const {
        Strings found;
        for (const std::string& entry : lines_of(read_file(box / "log"))) {
            if (contains(entry, "cannot clean up: ")) found.push_back(entry);
        }
        return found;
    }

    void check_force_removes() {
        const Finished removed = box.call({"delete", "--force", id});
        INFO("delete said: " << removed.err);
        CHECK(removed.code() == 0);
        CHECK(box.leftovers() == Strings{});
    }

    Box box;
    std::string id;
    Strings line;
    CommandOptions options;

  private:
    lxcri::os::UniqueFd null_{open("/dev/null", O_RDWR | O_CLOEXEC)};
};

}  // namespace

TEST_CASE("clean-up: a cgroup that cannot be removed keeps nothing else but its record",
          "[interrupted][cgroup][lxcri]") {
    NEEDS(need_runtime());
    FailingCreate scene;
    // The first directory is tried twice.
    const Traced traced =
        run_and_fail_calls(scene.line, scene.options, kRemoveDirectory, 1, 2, EIO);
    REQUIRE(traced.killed);
    CHECK(traced.command.code() == 1);
    INFO(traced.command.err);
    CHECK(contains(traced.command.err, "on purpose"));
    CHECK(lines_of(traced.command.err).size() == 1);

    const std::string pod = "/" + scene.box.name() + "-pod";
    std::set<std::string> hierarchies;
    for (const std::string& found : scene.box.leftovers()) {
        INFO(found);
        if (found == "file " + (scene.box.root() / scene.id).string()) continue;
        REQUIRE(found.starts_with("cgroup "));
        hierarchies.insert(found.substr(0, found.find(pod)));
    }
    CHECK(hierarchies.size() == 1);
    CHECK(read_file(scene.box / "notes") == "poststop\n");
    CHECK_FALSE(fs::exists(scene.box / "pid"));
    const Strings complaints = scene.complaints();
    REQUIRE(complaints.size() == 1);
    CHECK(contains(complaints[0], "rmdir"));

    scene.check_force_removes();
}

TEST_CASE("clean-up: a process that cannot be killed at once keeps nothing back",
          "[interrupted][lxcri]") {
    NEEDS(need_runtime());
    FailingCreate scene;
    // The first step asks, and sets, who gets orphans.
    const Traced traced = run_and_fail_calls(scene.line, scene.options, SYS_prctl, 1, kAll, EIO);
    REQUIRE(traced.killed);
    CHECK(traced.command.code() == 1);
    INFO(traced.command.err);
    CHECK(lines_of(traced.command.err).size() == 1);
    CHECK(scene.box.leftovers() == Strings{});
    CHECK(scene.complaints().size() == 1);
    scene.check_force_removes();
}

TEST_CASE("clean-up: a cgroup that cannot be marked as made is not left behind",
          "[interrupted][cgroup][lxcri]") {
    NEEDS(need_runtime());
    // Of as many marks as there may be, one fails.
    for (long nth = 1; nth <= kAll; ++nth) {
        FailingCreate scene;
        scene.box.bundle.config.erase("hooks");
        scene.box.bundle.write();
        const Traced traced =
            run_and_fail_calls(scene.line, scene.options, SYS_setxattr, nth, 1, ENOMEM);
        CAPTURE(nth, traced.command.err);
        if (traced.killed) {
            CHECK(traced.command.code() == 1);
            CHECK(contains(traced.command.err, "setxattr"));
            CHECK(scene.box.leftovers() == Strings{});
        }
        scene.check_force_removes();
        if (!traced.killed) {
            CHECK(nth > 2);
            break;
        }
    }
}

TEST_CASE("clean-up: where a cgroup takes no mark, the record knows what was made",
          "[interrupted][cgroup][lxcri]") {
    NEEDS(need_runtime());
    FailingCreate scene;
    scene.box.bundle.config.erase("hooks");
    scene.box.bundle.write();
    const Traced traced =
        run_and_fail_calls(scene.line, scene.options, SYS_setxattr, 1, kAll, EOPNOTSUPP);
    REQUIRE(traced.killed);
    INFO(traced.command.err);
    CHECK(traced.command.code() == 0);
    scene.check_force_removes();
}
