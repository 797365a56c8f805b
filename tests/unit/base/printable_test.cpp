#include "base/printable.h"

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/strings.h"
#include "support/catch.h"

using namespace lxcri;

namespace {

std::string utf8(char32_t code) {
    std::string text;
    if (code < 0x80) {
        text += static_cast<char>(code);
    } else if (code < 0x800) {
        text += static_cast<char>(0xc0U | (code >> 6U));
        text += static_cast<char>(0x80U | (code & 0x3fU));
    } else if (code < 0x10000) {
        text += static_cast<char>(0xe0U | (code >> 12U));
        text += static_cast<char>(0x80U | ((code >> 6U) & 0x3fU));
        text += static_cast<char>(0x80U | (code & 0x3fU));
    } else {
        text += static_cast<char>(0xf0U | (code >> 18U));
        text += static_cast<char>(0x80U | ((code >> 12U) & 0x3fU));
        text += static_cast<char>(0x80U | ((code >> 6U) & 0x3fU));
        text += static_cast<char>(0x80U | (code & 0x3fU));
    }
    return text;
}

}  // namespace

TEST_CASE("printable: what steers a terminal or the order of characters is shown as bytes") {
    CHECK(printable("") == "");
    CHECK(printable("a \"b\" \\x1b /etc/hosts") == "a \"b\" \\x1b /etc/hosts");
    CHECK(printable("größe 容器 🚢") == "größe 容器 🚢");
    CHECK(printable("a\nlxcri: b\x1b[2J\x7f\t") == R"(a\x0alxcri: b\x1b[2J\x7f\x09)");
    CHECK(printable(std::string_view("\0x", 2)) == R"(\x00x)");
    CHECK(printable(utf8(0x9b) + "2J") == R"(\xc2\x9b2J)");
    CHECK(printable("a" + utf8(0x202e) + "txt.exe") == R"(a\xe2\x80\xaetxt.exe)");
}

TEST_CASE("printable: of each kind the first and the last character") {
    for (const char32_t code :
         {0x00U,   0x1fU,   0x7fU,   0x80U,   0x9fU,    0xadU,    0x61cU,  0x180eU, 0x200bU,
          0x200eU, 0x200fU, 0x2028U, 0x2029U, 0x202aU,  0x202eU,  0x2060U, 0x2066U, 0x2069U,
          0x206fU, 0xfeffU, 0xfff9U, 0xfffbU, 0xe0000U, 0xe0001U, 0xe007fU}) {
        CAPTURE(static_cast<unsigned>(code));
        const std::string shown = printable(utf8(code));
        CHECK(shown.starts_with("\\x"));
        CHECK(shown.size() == 4 * utf8(code).size());
    }
    for (const char32_t code : {0x20U, 0x7eU, 0xa0U, 0xaeU, 0x61bU, 0x2010U, 0x2027U, 0x202fU,
                                0x2070U, 0xfffdU, 0x10000U, 0xdffffU, 0xe0100U, 0x10ffffU}) {
        CAPTURE(static_cast<unsigned>(code));
        CHECK(printable(utf8(code)) == utf8(code));
    }
}

TEST_CASE("printable: what is no UTF-8 is shown as bytes") {
    CHECK(printable("\x9b") == R"(\x9b)");  // a terminal with 8 bits obeys it
    CHECK(printable("\xc0\x9b") == R"(\xc0\x9b)");
    CHECK(printable("\xe0\x82\x9b") == R"(\xe0\x82\x9b)");          // not the shortest form
    CHECK(printable("\xed\xa0\x80") == R"(\xed\xa0\x80)");          // a surrogate
    CHECK(printable("\xf4\x90\x80\x80") == R"(\xf4\x90\x80\x80)");  // beyond the last one
    CHECK(printable("\xe2\x80") == R"(\xe2\x80)");                  // cut
    CHECK(printable("\xe2\x80"
                    "ab") == R"(\xe2\x80ab)");
    CHECK(printable("\xc3\xa4\xff\xc3\xa4") == "ä\\xffä");
}

TEST_CASE("printable: text that has been there does not change any more") {
    std::string all;
    for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
    for (char32_t code = 0x80; code < 0x3000; ++code) all += utf8(code);
    const std::string once = printable(all);
    CHECK(printable(once) == once);
    for (const char c : once) CHECK((static_cast<unsigned char>(c) >= 0x20 && c != 0x7f));
    // What in_quotes() has made too.
    const std::string quoted = in_quotes("a\n\"b\\" + utf8(0x202e));
    CHECK(quoted == R"("a\x0a\"b\\\xe2\x80\xae")");
    CHECK(printable(quoted) == quoted);
}

TEST_CASE("printable_json: the same document, with escapes of JSON") {
    using Json = nlohmann::json;
    const std::string text =
        "ä\n\x1b[2J\x7f" + utf8(0x9b) + utf8(0x202e) + utf8(0x2066) + utf8(0xe0041) + "容";
    const Json value{{text, {text, 1}}};
    const std::string shown = printable_json(value.dump(2));
    CHECK(Json::parse(shown) == value);
    CHECK(printable(split(shown, '\n').at(1)) == split(shown, '\n').at(1));
    CHECK(printable_json(Json(utf8(0x202e) + utf8(0xe0041) + "ä\x7f").dump()) ==
          R"("\u202e\udb40\udc41ä\u007f")");
    CHECK(printable_json("{\n  \"a\": 1\n}") == "{\n  \"a\": 1\n}");
}

TEST_CASE("the pointer of a SpecError is printable") {
    CHECK(std::string(SpecError("/a\n" + utf8(0x202e), "wrong").what()) ==
          R"(/a\x0a\xe2\x80\xae: wrong)");
}
