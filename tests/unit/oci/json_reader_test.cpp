#include "oci/json_reader.h"

#include <algorithm>

#include "base/error.h"
#include "base/strings.h"
#include "support/catch.h"

using namespace lxcri;
using namespace lxcri::oci;

namespace {

std::string error_of(std::string_view text) {
    try {
        const JsonDocument document(text);
    } catch (const SpecError& error) {
        return error.what();
    }
    return "";
}

// The error of reading member "x" of the document as a T.
template <class T>
std::string error_of_x(std::string_view text) {
    const JsonDocument document(text);
    try {
        T value{};
        JsonObject(document.root()).required("x", value);
    } catch (const SpecError& error) {
        return error.what();
    }
    return "";
}

template <class T>
T x_of(std::string_view text) {
    const JsonDocument document(text);
    T value{};
    JsonObject(document.root()).required("x", value);
    return value;
}

std::string nested(std::size_t levels) {
    return R"({"x": )" + std::string(levels - 1, '[') + std::string(levels - 1, ']') + "}";
}

}  // namespace

TEST_CASE("syntax errors name line and column and stay on one line") {
    struct Row {
        std::string text;
        std::string expected;
    };
    const auto row = GENERATE(values<Row>({
        {"", "the document: empty"},
        {" \n\t\r\n ", "the document: empty"},
        {"[]", "the document: expected an object, got an array"},
        {"null", "the document: expected an object, got null"},
        {"\"text\"", "the document: expected an object, got \"text\""},
        {"{", "line 1, column 2: syntax error"},
        {"{\"a\": 1,\n  \"b\": }", "line 2, column 8: syntax error"},
        {"{\"a\": 1,}", "line 1, column 9: syntax error"},
        {"{} {}", "line 1, column 4: syntax error"},
        {"{\"a\": tru\n}", "line 2, column 0: syntax error"},
        {"{'a': 1}", "line 1, column 2: syntax error"},
        {"{\"a\": 01}", "line 1, column 8: syntax error"},
        {"{\"a\": NaN}", "line 1, column 7: syntax error"},
        {"{\"a\": \"\n\"}", "must be escaped"},
        {"{\"a\": \"\xff\"}", "ill-formed UTF-8"},
        {"{\"a\": \"\xc0\x80\"}", "ill-formed UTF-8"},
        {"{\"a\": \"\\ud800\"}", "surrogate"},
        {"{\"a\": 1} // text", "line 1, column 10: syntax error"},
        {std::string("{}\0", 3), "the document: contains a NUL byte at offset 2"},
        {std::string("{\"a\0\": 1}", 9), "the document: contains a NUL byte at offset 3"},
        {"{\"a\": 1e999}", "the document: cannot be read near \"1e999\""},
    }));
    CAPTURE(row.text);
    const auto message = error_of(row.text);
    CHECK_THAT(message, Catch::Contains(row.expected));
    const auto is_printable = [](char c) { return c >= 0x20 && c <= 0x7e; };
    CHECK(std::all_of(message.begin(), message.end(), is_printable));
}

TEST_CASE("a duplicate key is an error with its pointer") {
    CHECK(error_of(R"({"a": 1, "a": 1})") == "/a: duplicate key");
    CHECK(error_of(R"({"l": [{}, {"x": {"k": 1, "j": 2, "k": null}}]})") ==
          "/l/1/x/k: duplicate key");
    CHECK(error_of(R"({"a/b~c": {"": 1, "": 2}})") == "/a~1b~0c/: duplicate key");
    CHECK(error_of(R"({"a": 1, "\u0061": 1})") == "/a: duplicate key");
    CHECK(error_of(R"({"a": {"a": {"a": 1}}, "A": 1})").empty());
}

TEST_CASE("nesting is limited and a bomb does no harm") {
    CHECK(error_of(nested(64)).empty());
    const auto pointer = [] {
        std::string zeros = "/x";
        for (int i = 0; i < 63; ++i) zeros += "/0";
        return zeros;
    };
    CHECK(error_of(nested(65)) == pointer() + ": nested deeper than 64 levels");
    CHECK_THAT(error_of("{\"x\":" + std::string(1'000'000, '[')),
               Catch::Contains("deeper than 64"));
    std::string objects;
    for (int i = 0; i < 100'000; ++i) objects += "{\"a\":";
    CHECK_THAT(error_of(objects), Catch::Contains("deeper than 64"));
}

TEST_CASE("a document is limited in size") {
    const std::string text = "{\"x\": \"" + std::string(16U << 20U, 'a') + "\"}";
    CHECK(error_of(text) == "the document: larger than 16 MiB");
}

TEST_CASE("integers are whole numbers within their type") {
    CHECK(x_of<std::uint32_t>(R"({"x": 4294967295})") == 4294967295U);
    CHECK(x_of<std::uint64_t>(R"({"x": 18446744073709551615})") == 18446744073709551615U);
    CHECK(x_of<std::int64_t>(R"({"x": -9223372036854775808})") == INT64_MIN);
    CHECK(x_of<std::int64_t>(R"({"x": 9223372036854775807})") == INT64_MAX);
    CHECK(x_of<std::int32_t>(R"({"x": -0})") == 0);
    CHECK(error_of_x<std::uint32_t>(R"({"x": -1})") ==
          "/x: expected a whole number from 0 to 4294967295, got -1");
    CHECK(error_of_x<std::uint32_t>(R"({"x": 4294967296})") ==
          "/x: expected a whole number from 0 to 4294967295, got 4294967296");
    CHECK(error_of_x<std::uint16_t>(R"({"x": 65536})") ==
          "/x: expected a whole number from 0 to 65535, got 65536");
    CHECK(error_of_x<std::uint64_t>(R"({"x": 18446744073709551616})") ==
          "/x: expected a whole number from 0 to "
          "18446744073709551615, got 18446744073709551616");
    CHECK(error_of_x<std::int64_t>(R"({"x": 9223372036854775808})") ==
          "/x: expected a whole number from -9223372036854775808 to "
          "9223372036854775807, got 9223372036854775808");
    CHECK(error_of_x<std::int64_t>(R"({"x": 18446744073709551615})") ==
          "/x: expected a whole number from -9223372036854775808 "
          "to 9223372036854775807, got 18446744073709551615");
    CHECK_THAT(error_of_x<std::int64_t>(R"({"x": -9223372036854775809})"),
               Catch::EndsWith(", got -9223372036854775809"));
    CHECK_THAT(error_of_x<std::int32_t>(R"({"x": -2147483649})"),
               Catch::EndsWith(", got -2147483649"));
    CHECK_THAT(error_of_x<std::int32_t>(R"({"x": 1.0})"), Catch::EndsWith(", got 1.0"));
    CHECK_THAT(error_of_x<std::int32_t>(R"({"x": 1e2})"), Catch::EndsWith(", got 1e2"));
    CHECK_THAT(error_of_x<std::int32_t>(R"({"x": "1"})"), Catch::EndsWith(", got \"1\""));
    CHECK_THAT(error_of_x<std::int32_t>(R"({"x": true})"), Catch::EndsWith(", got true"));
}

TEST_CASE("a wrong type is named") {
    CHECK(error_of_x<bool>(R"({"x": 1})") == "/x: expected true or false, got 1");
    CHECK(error_of_x<bool>(R"({"x": "true"})") == "/x: expected true or false, got \"true\"");
    CHECK(error_of_x<std::string>(R"({"x": {}})") == "/x: expected a string, got an object");
    CHECK(error_of_x<std::string>(R"({"x": []})") == "/x: expected a string, got an array");
    CHECK(error_of_x<std::vector<std::string>>(R"({"x": "a"})") ==
          "/x: expected an array, got \"a\"");
    CHECK(error_of_x<std::vector<std::string>>(R"({"x": ["a", null]})") ==
          "/x/1: expected a string, got null");
    CHECK(error_of_x<std::map<std::string, std::string>>(R"({"x": []})") ==
          "/x: expected an object, got an array");
    CHECK(error_of_x<std::map<std::string, std::string>>(R"({"x": {"k": 1}})") ==
          "/x/k: expected a string, got 1");
}

TEST_CASE("absent and null are the same") {
    CHECK(error_of_x<std::string>("{}") == "/x: missing, it is required");
    CHECK(error_of_x<std::string>(R"({"x": null})") == "/x: missing, it is required");
    const JsonDocument document(R"({"x": null, "empty": ""})");
    std::optional<std::string> value = "before";
    JsonObject(document.root()).optional("x", value);
    CHECK(value == "before");
    value.reset();
    JsonObject(document.root()).optional("empty", value);
    CHECK_FALSE(value);
}

TEST_CASE("NUL bytes are refused where a string is read") {
    CHECK(error_of_x<std::string>(R"({"x": "a\u0000b"})") == "/x: contains a NUL byte");
    CHECK(error_of_x<std::vector<std::string>>(R"({"x": ["a", "\u0000"]})") ==
          "/x/1: contains a NUL byte");
    CHECK(error_of_x<std::map<std::string, std::string>>(R"({"x": {"a\u0000": "b"}})") ==
          "/x/a\\x00: the key contains a NUL byte");
    // In an unknown property it does not matter.
    CHECK(x_of<std::string>(R"({"unknown\u0000": "\u0000", "x": "a"})") == "a");
}

TEST_CASE("hostile keys and values cannot break the line") {
    const auto message =
        error_of_x<std::map<std::string, std::string>>(R"({"x": {"a\nb\u001b[31m\"/~": 1}})");
    CHECK(message == "/x/a\\x0ab\\x1b[31m\\\"~1~0: expected a string, got 1");
    const auto text = error_of_x<bool>(R"({"x": "\n\r\u007f"})");
    CHECK(text == "/x: expected true or false, got \"\\x0a\\x0d\\x7f\"");
    const std::string name(100'000, 'k');
    CHECK(error_of_x<std::map<std::string, std::string>>("{\"x\": {\"" + name + "\": 1}}").size() <
          400);
    CHECK(error_of_x<bool>("{\"x\": 1." + std::string(10'000, '1') + "}").size() < 200);
}

TEST_CASE("strings are decoded and many of them stay valid") {
    CHECK(x_of<std::string>(R"({"x": "\u00e9\ud83d\ude00\n\/"})") == "é😀\n/");
    std::string text = R"({"x": [)";
    for (int i = 0; i < 5000; ++i) text += concat("\"element ", std::to_string(i), "\",");
    text.back() = ']';
    text += "}";
    const auto values = x_of<std::vector<std::string>>(text);
    REQUIRE(values.size() == 5000);
    for (std::size_t i = 0; i < values.size(); ++i) {
        REQUIRE(values[i] == concat("element ", std::to_string(i)));
    }
}

TEST_CASE("is_set tells what asks for something") {
    const auto is_set = [](const std::string& value) {
        const JsonDocument document(R"({"x": )" + value + "}");
        const auto member = document.root().find("x");
        return member && member->is_set();
    };
    for (const auto* value :
         {"null", "false", "0", "\"\"", "[]", "{}", "[0, \"\"]", R"({"a": {"b": [false]}})"}) {
        CAPTURE(value);
        CHECK_FALSE(is_set(value));
    }
    for (const auto* value : {"true", "1", "-1", "1.5", "\"a\"", "[[1]]", R"({"a": "b"})"}) {
        CAPTURE(value);
        CHECK(is_set(value));
    }
}
