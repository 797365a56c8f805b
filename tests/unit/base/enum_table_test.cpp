#include "base/enum_table.h"
#include "support/catch.h"

using namespace lxcri;

namespace {

enum class Color { red, green, blue };

constexpr std::array<Named<Color>, 3> kColors{{
    {"red", Color::red},
    {"rouge", Color::red},
    {"green", Color::green},
}};

}  // namespace

TEST_CASE("a table serves both directions") {
    static_assert(value_of(kColors, "green") == Color::green);
    CHECK(value_of(kColors, "red") == Color::red);
    CHECK(value_of(kColors, "rouge") == Color::red);
    CHECK(name_of(kColors, Color::red) == "red");  // the first one
    CHECK(name_of(kColors, Color::green) == "green");
}

TEST_CASE("what a table does not have") {
    CHECK_FALSE(value_of(kColors, "blue"));
    CHECK_FALSE(value_of(kColors, "Red"));
    CHECK_FALSE(value_of(kColors, ""));
    CHECK_FALSE(value_of(kColors, "red "));
    CHECK(name_of(kColors, Color::blue).empty());
}

TEST_CASE("a table lists its names") {
    CHECK(names_of(kColors) == "red, rouge or green");
    CHECK(names_of(std::array<Named<Color>, 0>{}).empty());
}
