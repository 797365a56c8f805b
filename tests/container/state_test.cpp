// state: what callers read.
#include <regex>

#include "support/catch.h"
#include "support/environment.h"
#include "support/runtime.h"

using namespace lxcri::test;

namespace {

// The OCI state schema in words: required keys, their types, their values.
void check_schema(const Json& state) {
    REQUIRE(state.is_object());
    CHECK(state.at("ociVersion").is_string());
    CHECK(std::regex_match(state.at("ociVersion").get<std::string>(),
                           std::regex("[0-9]+\\.[0-9]+\\.[0-9]+.*")));
    CHECK(state.at("id").is_string());
    const std::string status = state.at("status");
    CHECK((status == "created" || status == "running" || status == "stopped"));
    if (status != "stopped") {
        REQUIRE(state.contains("pid"));
        CHECK(state.at("pid").get<int>() > 0);
    }
    if (state.contains("pid")) CHECK(state.at("pid").is_number_integer());
    CHECK(state.at("bundle").get<std::string>().starts_with("/"));
    if (state.contains("annotations") && !state.at("annotations").is_null()) {
        REQUIRE(state.at("annotations").is_object());
        for (const auto& [key, value] : state.at("annotations").items()) {
            CHECK(!key.empty());
            CHECK(value.is_string());
        }
    }
}

}  // namespace

TEST_CASE("state: is a document of the OCI schema in every status", "[state]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.args({"trap", "TERM", "0"});
    Container container = box.create();
    check_schema(container.state());
    CHECK(container.state().at("id") == container.id());
    CHECK(container.state().at("bundle") == box.bundle.path().string());
    CHECK(container.state().at("pid") == container.pid());
    container.start();
    container.out().wait_for("ready");
    check_schema(container.state());
    CHECK(container.state().at("pid") == container.pid());
    container.kill("TERM");
    CHECK(container.wait_code() == 0);
    check_schema(container.state());
    CHECK(container.state().value("pid", 0) == 0);
}

TEST_CASE("state: carries the annotations", "[state]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.config["annotations"] = {{"org.example.key", "value"},
                                        {"org.example.other", "\xc3\xa4 \"quoted\" \n line"}};
    Container container = box.create();
    CHECK(container.state().at("annotations") == box.bundle.config["annotations"]);
}

TEST_CASE("state: created is a time of RFC 3339", "[state]") {
    NEEDS(need_runtime());
    Box box;
    Container container = box.create();
    CHECK(std::regex_match(
        container.state().at("created").get<std::string>(),
        std::regex("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d+)?(Z|[+-]\\d\\d:\\d\\d)")));
}

TEST_CASE("state: one JSON object with a newline, nothing on stderr", "[state][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    Container container = box.create();
    const Finished finished = box.call({"state", container.id()});
    CHECK(finished.code() == 0);
    CHECK(finished.err == "");
    CHECK(finished.out.ends_with("}\n"));
}

TEST_CASE("state: an empty annotations object and no annotations are both fine", "[state]") {
    NEEDS(need_runtime());
    Box box;
    if (GENERATE(true, false)) box.bundle.config["annotations"] = Json::object();
    Container container = box.create();
    check_schema(container.state());
}

TEST_CASE("state: works without PATH, HOME or any other variable", "[state]") {
    NEEDS(need_runtime());
    Box box;
    Container container = box.create();
    CommandOptions options;
    options.environment = Strings{};
    CHECK(box.call({"state", container.id()}, options).code() == 0);
}

TEST_CASE("state: a second runtime root does not know the container", "[state]") {
    NEEDS(need_runtime());
    Box box;
    Container container = box.create();
    CHECK(run_command({environment().runtime, "--root", box / "other", "state", container.id()})
              .code() != 0);
}
