#include "base/strings.h"

#include <cstdint>
#include <limits>

#include "support/catch.h"

using namespace lxcri;
using Strings = std::vector<std::string>;

TEST_CASE("concat takes every kind of text") {
    CHECK(concat("a", std::string("bc"), std::string_view("d")) == "abcd");
    CHECK(concat("").empty());
    CHECK(concat(std::string("a\0b", 3), "c") == std::string("a\0bc", 4));
}

TEST_CASE("in_quotes makes any text one printable line") {
    CHECK(in_quotes("") == "\"\"");
    CHECK(in_quotes("/etc/hosts") == "\"/etc/hosts\"");
    CHECK(in_quotes("a\"b\\c") == R"("a\"b\\c")");
    CHECK(in_quotes("a\nb\tc\x1b[31m\x7f") == R"("a\x0ab\x09c\x1b[31m\x7f")");
    CHECK(in_quotes(std::string_view("\0\x01", 2)) == R"("\x00\x01")");
    CHECK(in_quotes("größe") == "\"größe\"");
}

TEST_CASE("no byte that in_quotes lets through breaks a line or ends the quotes") {
    for (int byte = 0; byte < 256; ++byte) {
        const std::string text(1, static_cast<char>(byte));
        const auto shown = in_quotes(text);
        INFO(byte);
        for (const char c : shown) CHECK((static_cast<unsigned char>(c) >= 0x20 && c != 0x7f));
        const auto inside = shown.substr(1, shown.size() - 2);
        CHECK((inside != "\"" && inside != "\\"));
    }
}

TEST_CASE("in_quotes cuts long text and says so") {
    const std::string at_limit(256, 'x');
    CHECK(in_quotes(at_limit) == "\"" + at_limit + "\"");
    CHECK(in_quotes(at_limit + "y") == "\"" + at_limit + "...\"");
}

TEST_CASE("split keeps empty parts") {
    CHECK(split("", ',') == Strings{""});
    CHECK(split("a", ',') == Strings{"a"});
    CHECK(split("a,b", ',') == Strings{"a", "b"});
    CHECK(split(",a,,b,", ',') == Strings{"", "a", "", "b", ""});
    CHECK(split("/a//b", '/') == Strings{"", "a", "", "b"});
}

TEST_CASE("join is the reverse of split") {
    CHECK(join({}, ", ").empty());
    CHECK(join({"a"}, ", ") == "a");
    CHECK(join({"a", "", "b"}, ", ") == "a, , b");
    // The same text twice is not mistaken for the first one.
    CHECK(join({"a", "a", "a"}, "/") == "a/a/a");
    for (const auto* text : {"", "/", "a/b", "/a//b/"}) CHECK(join(split(text, '/'), "/") == text);
}

TEST_CASE("parse_integer takes a decimal number and nothing else") {
    CHECK(parse_integer<int>("0") == 0);
    CHECK(parse_integer<int>("-17") == -17);
    CHECK(parse_integer<int>("007") == 7);
    CHECK(parse_integer<std::uint64_t>("18446744073709551615") ==
          std::numeric_limits<std::uint64_t>::max());
    CHECK(parse_integer<std::int64_t>("-9223372036854775808") ==
          std::numeric_limits<std::int64_t>::min());
    for (const auto* text : {"", " 1", "1 ", "+1", "1x", "x", "-", "0x10", "1.0", "1\n"}) {
        INFO(text);
        CHECK_FALSE(parse_integer<int>(text));
    }
    CHECK_FALSE(parse_integer<int>(std::string_view("1\0", 2)));
}

TEST_CASE("parse_integer refuses what does not fit") {
    CHECK(parse_integer<std::int8_t>("127") == std::int8_t{127});
    CHECK_FALSE(parse_integer<std::int8_t>("128"));
    CHECK_FALSE(parse_integer<std::uint32_t>("4294967296"));
    CHECK_FALSE(parse_integer<std::uint32_t>("-1"));
    CHECK_FALSE(parse_integer<std::uint64_t>("18446744073709551616"));
}

TEST_CASE("a path without what says nothing") {
    CHECK(normalized_path("/a/b") == "/a/b");
    CHECK(normalized_path("//a///b/./c/") == "/a/b/c");
    CHECK(normalized_path("a") == "/a");
    CHECK(normalized_path("") == "/");
    CHECK(normalized_path("/./") == "/");
    CHECK(normalized_path("/a/../b") == "/a/../b");
    CHECK(normalized_path("/a/...") == "/a/...");
}
