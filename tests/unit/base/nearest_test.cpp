#include "base/nearest.h"

#include <string>

#include "support/catch.h"

using namespace lxcri;

TEST_CASE("edit distance: letters put in, taken out, replaced, swapped", "[nearest]") {
    CHECK(edit_distance("", "") == 0);
    CHECK(edit_distance("", "abc") == 3);
    CHECK(edit_distance("state", "state") == 0);
    CHECK(edit_distance("stat", "state") == 1);
    CHECK(edit_distance("statee", "state") == 1);
    CHECK(edit_distance("stute", "state") == 1);
    CHECK(edit_distance("satte", "state") == 1);
    CHECK(edit_distance("kitten", "sitting") == 3);
    CHECK(edit_distance("ab", "ba") == 1);
}

TEST_CASE("nearest: the most similar name", "[nearest]") {
    const std::vector<std::string_view> names{"create", "start", "state", "kill", "list", "ps"};
    CHECK(nearest("craete", names) == "create");
    CHECK(nearest("stat", names) == "start");  // as near as "state", and the first
    CHECK(nearest("sate", names) == "state");
    CHECK(nearest("lst", names) == "list");
    CHECK(nearest("kill", names) == "kill");
    CHECK(nearest("p", names) == "ps");
}

TEST_CASE("nearest: none where nothing is alike", "[nearest]") {
    const std::vector<std::string_view> names{"create", "start", "ps"};
    CHECK(nearest("", names).empty());
    CHECK(nearest("frobnicate", names).empty());
    CHECK(nearest("xy", names).empty());
    CHECK(nearest(std::string(100000, 'x'), names).empty());
    CHECK(nearest("start", {}).empty());
    CHECK(did_you_mean("frobnicate", names).empty());
    CHECK(did_you_mean("strat", names) == ", did you mean \"start\"?");
}
