// list: tables and JSON of all containers of a runtime root.
#include <fcntl.h>

#include <algorithm>
#include <filesystem>

#include "support/catch.h"
#include "support/environment.h"
#include "support/runtime.h"

using namespace lxcri::test;

namespace {

void two_containers(Box& box) {
    box.bundle.linux().erase("cgroupsPath");
    box.bundle.args({"trap", "TERM", "0"});
    Container first = box.create({}, box.name() + "-a");
    Container second = box.create({}, box.name() + "-b");
    second.start();
    second.out().wait_for("ready");
}

}  // namespace

TEST_CASE("list: a table with a head line", "[list]") {
    NEEDS(need_runtime());
    Box box;
    two_containers(box);
    const Finished finished = box.call({"list"});
    CHECK(finished.code() == 0);
    const Strings lines = lines_of(finished.out);
    REQUIRE(lines.size() == 3);
    for (const char* word : {"PID", "STATUS", "BUNDLE"}) CHECK(contains(lines[0], word));
    CHECK(contains(lines[1] + lines[2], box.name() + "-a"));
    CHECK(contains(lines[1] + lines[2], "created"));
    CHECK(contains(lines[1] + lines[2], "running"));
    CHECK(contains(lines[1], box.bundle.path().string()));
}

TEST_CASE("list: -q gives IDs only", "[list]") {
    NEEDS(need_runtime());
    Box box;
    two_containers(box);
    const Finished finished = box.call({"list", GENERATE(as<std::string>(), "-q", "--quiet")});
    CHECK(finished.code() == 0);
    Strings lines = lines_of(finished.out);
    std::sort(lines.begin(), lines.end());
    CHECK(lines == Strings{box.name() + "-a", box.name() + "-b"});
}

TEST_CASE("list: --format json is an array of states", "[list]") {
    NEEDS(need_runtime());
    Box box;
    two_containers(box);
    const Finished finished =
        box.call({"list", GENERATE(as<std::string>(), "--format", "-f"), "json"});
    CHECK(finished.code() == 0);
    const Json list = Json::parse(finished.out);
    REQUIRE(list.size() == 2);
    for (const Json& entry : list) {
        const std::string id = entry.at("id");
        CHECK(entry.at("status") == (id.ends_with("-a") ? "created" : "running"));
        CHECK(entry.at("pid").get<int>() > 0);
        CHECK(entry.at("bundle") == box.bundle.path().string());
        CHECK(entry.at("created").is_string());
    }
}

TEST_CASE("list: an empty root gives an empty list", "[list][not-crun]") {
    NEEDS(need_runtime());
    Box box;
    std::filesystem::create_directories(box.root());
    CHECK(lines_of(box.call({"list"}).out).size() == 1);
    CHECK(box.call({"list", "-q"}).out == "");
    const Json list = Json::parse(box.call({"list", "--format", "json"}).out);
    CHECK((list.is_null() || list.empty()));
}

TEST_CASE("list, state: a damaged record is named, and left out", "[list][state][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    std::filesystem::create_directories(box.root() / "broken");
    write_file(box.root() / "broken/state.json", "{");
    CHECK(
        contains(box.call({"state", "broken"}).err, "container \"broken\": state.json is damaged"));
    CHECK(box.call({"list", "-q"}).out == "");
    std::filesystem::remove_all(box.root() / "broken");
}

TEST_CASE("list: of many containers each is told once, in the order of IDs", "[list][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    box.create({}, box.name());
    const Json record = Json::parse(read_file(box.root() / box.name() / "state.json"));
    CHECK(box.call({"delete", "--force", box.name()}).code() == 0);
    Strings whole;
    Strings damaged;
    for (int number = 100; number < 170; ++number) {
        Json copy = record;
        const std::string id = box.name() + "-" + std::to_string(number);
        copy["id"] = id;
        copy["pid"] = 0;
        (number % 7 == 0 ? damaged : whole).push_back(id);
        std::filesystem::create_directories(box.root() / id);
        write_file(box.root() / id / "state.json", number % 7 == 0 ? "{" : copy.dump());
    }
    const auto log = box / "log";
    const Finished finished =
        box.call({"--log", log.string(), "--log-level", "warning", "list", "-q"});
    CHECK(finished.code() == 0);
    CHECK(lines_of(finished.out) == whole);
    const Strings warnings = lines_of(read_file(log));
    REQUIRE(warnings.size() == damaged.size());
    for (std::size_t i = 0; i < damaged.size(); ++i) CHECK(contains(warnings[i], damaged[i]));
    for (const auto& id : whole) std::filesystem::remove_all(box.root() / id);
    for (const auto& id : damaged) std::filesystem::remove_all(box.root() / id);
}

TEST_CASE("list, state, features: what cannot be written is no success", "[list][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    two_containers(box);
    const UniqueFd full(open("/dev/full", O_WRONLY | O_CLOEXEC));
    CommandOptions options;
    options.fds = {{full.get(), 1}};
    for (const Strings& command :
         {Strings{"list"}, Strings{"features"}, Strings{"state", box.name() + "-a"}}) {
        const Finished finished = box.call(command, options);
        CHECK(finished.code() == 1);
        CHECK(contains(finished.err, "no space left on device"));
    }
}

TEST_CASE("list: an unknown format is an error", "[list]") {
    NEEDS(need_runtime());
    Box box;
    two_containers(box);
    CHECK(box.call({"list", "--format", "xml"}).code() != 0);
}

TEST_CASE("list: entries that are no containers are skipped", "[list][not-crun]") {
    NEEDS(need_runtime());
    Box box;
    two_containers(box);
    std::filesystem::create_directories(box.root() / "broken");
    write_file(box.root() / "file", "x");
    const Finished finished = box.call({"list", "-q"});
    CHECK(finished.code() == 0);
    CHECK(contains(finished.out, box.name() + "-a"));
    std::filesystem::remove_all(box.root() / "broken");
    std::filesystem::remove(box.root() / "file");
}
