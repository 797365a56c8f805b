#include "translate/diff.h"

#include <nlohmann/json.hpp>

#include "support/catch.h"

using namespace lxcri;
using Lines = std::vector<std::string>;

TEST_CASE("difference: none", "[diff]") {
    CHECK(translate::difference(R"({"a": [1, {"b": 2}]})", R"({"a":[1,{"b":2}]})") == Lines{});
}

TEST_CASE("difference: members that are other, gone and new", "[diff]") {
    CHECK(translate::difference(R"({"same": 1, "other": "x", "gone": [1]})",
                                R"({"same": 1, "other": "y", "new": {"a": 1}})") ==
          Lines{R"(~ /other: "x" -> "y")", R"(- /gone: [1])", R"(+ /new: {"a":1})"});
}

TEST_CASE("difference: a new first element does not make the others different", "[diff]") {
    CHECK(translate::difference(R"({"l": ["b", "c"]})", R"({"l": ["a", "b", "c"]})") ==
          Lines{R"(+ /l/0: "a")"});
    CHECK(translate::difference(R"({"l": ["a", "b", "c"]})", R"({"l": ["b", "c"]})") ==
          Lines{R"(- /l/0: "a")"});
    CHECK(translate::difference(R"({"l": ["a", "b"]})", R"({"l": ["b", "a"]})").size() == 2);
}

TEST_CASE("difference: an element that has changed is looked into", "[diff]") {
    CHECK(translate::difference(R"({"m": [{"t": "/a", "f": 1}, {"t": "/b", "f": 1}]})",
                                R"({"m": [{"t": "/a", "f": 1}, {"t": "/b", "f": 2}]})") ==
          Lines{"~ /m/1/f: 1 -> 2"});
}

TEST_CASE("difference: names that need it are escaped, types may change", "[diff]") {
    CHECK(translate::difference(R"({"a/b~": 1})", R"({"a/b~": [1]})") ==
          Lines{"~ /a~1b~0: 1 -> [1]"});
    CHECK(translate::difference(R"({"a": null})", R"({"a": {}})") == Lines{"~ /a: null -> {}"});
}

TEST_CASE("difference: as a JSON patch that makes one of the other", "[diff]") {
    const std::string before = R"({"l": ["b", "c"], "x": 1})";
    const std::string after = R"({"l": ["a", "b"], "y": {"z": 2}})";
    const auto patch = nlohmann::json::parse(translate::json_patch(before, after));
    CHECK(nlohmann::json::parse(before).patch(patch) == nlohmann::json::parse(after));
}
