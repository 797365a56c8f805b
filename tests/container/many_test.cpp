// Many containers, one after the other and at once.
#include <fcntl.h>

#include <memory>

#include "support/catch.h"
#include "support/environment.h"
#include "support/runtime.h"

using namespace lxcri::test;

namespace {

CreateOptions quiet() {
    CreateOptions options;
    options.quiet = true;
    return options;
}

}  // namespace

TEST_CASE("many: a hundred containers at once", "[many]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.linux().erase("cgroupsPath");
    box.bundle.args({"trap", "TERM", "0"});
    Strings ids;
    for (int i = 0; i < 100; ++i) {
        // Only the IDs stay: the test must work with few descriptors.
        Container container = box.create(quiet());
        container.start();
        ids.push_back(container.id());
    }
    CHECK(lines_of(box.call({"list", "-q"}).out).size() == 100);
    for (const std::string& id : ids) {
        CHECK(box.call({"delete", "--force", id}).code() == 0);
    }
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("many: create and delete a hundred times", "[many]") {
    NEEDS(need_runtime());
    Box box;
    for (int i = 0; i < 100; ++i) {
        Container container = box.create(quiet(), box.name());
        REQUIRE(box.call({"delete", "--force", container.id()}).code() == 0);
    }
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("many: create, start, delete five hundred times", "[many][slow]") {
    NEEDS(need_runtime());
    Box box;
    for (int i = 0; i < 500; ++i) {
        Container container = box.create(quiet(), box.name());
        container.start();
        REQUIRE(container.wait_code() == 0);
        container.remove();
    }
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("many: created at the same moment", "[many]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.linux().erase("cgroupsPath");
    box.bundle.write();
    const UniqueFd null(open("/dev/null", O_RDWR | O_CLOEXEC));
    CommandOptions options;
    options.fds = {{null.get(), 1}, {null.get(), 2}};
    // Four at a time: each Process has descriptors.
    for (int round = 0; round < 6; ++round) {
        std::vector<std::unique_ptr<Process>> processes;
        for (int i = 0; i < 4; ++i) {
            processes.push_back(std::make_unique<Process>(
                box.command_line({"create", "--bundle", box.bundle.path(), box.new_id()}),
                options));
        }
        for (auto& process : processes) CHECK(process->wait().code() == 0);
    }
    CHECK(lines_of(box.call({"list", "-q"}).out).size() == 24);
}

TEST_CASE("many: the same ID at the same moment, one wins", "[many][not-runc]") {
    NEEDS(need_runtime());
    for (int round = 0; round < 10; ++round) {
        Box box;
        box.bundle.linux().erase("cgroupsPath");
        box.bundle.write();
        const UniqueFd null(open("/dev/null", O_RDWR | O_CLOEXEC));
        CommandOptions options;
        options.fds = {{null.get(), 1}, {null.get(), 2}};
        const Strings line =
            box.command_line({"create", "--bundle", box.bundle.path(), box.new_id()});
        std::vector<std::unique_ptr<Process>> processes;
        for (int i = 0; i < 4; ++i) {
            processes.push_back(std::make_unique<Process>(line, options));
        }
        int winners = 0;
        for (auto& process : processes) winners += process->wait().code() == 0 ? 1 : 0;
        CHECK(winners == 1);
        const Finished state = box.call({"state", box.name()});
        REQUIRE(state.code() == 0);
        CHECK(Json::parse(state.out).at("status") == "created");
    }
}

TEST_CASE("many: delete and state at the same moment", "[many][not-crun]") {
    NEEDS(need_runtime());
    for (int round = 0; round < 10; ++round) {
        Box box;
        Container container = box.create(quiet());
        Process remove(box.command_line({"delete", "--force", container.id()}));
        Process again(box.command_line({"delete", "--force", container.id()}));
        Process state(box.command_line({"state", container.id()}));
        const Finished seen = state.wait();
        if (seen.code() == 0) CHECK(Json::parse(seen.out).contains("status"));
        CHECK(remove.wait().code() == 0);
        CHECK(again.wait().code() == 0);
        CHECK(box.leftovers() == Strings{});
    }
}
