// The tests' own tool for messages.

#include "line_diff.h"
#include "support/catch.h"

using lxcri::test::line_diff;

TEST_CASE("line_diff says nothing about equal texts", "[golden]") {
    CHECK(line_diff("", "").empty());
    CHECK(line_diff("a\nb\n", "a\nb\n").empty());
}

TEST_CASE("line_diff shows what is added, removed and changed", "[golden]") {
    CHECK(line_diff("a\nb\nc", "a\nc") == " a\n-b\n c\n");
    CHECK(line_diff("a\nc", "a\nb\nc") == " a\n+b\n c\n");
    CHECK(line_diff("a\nb\nc", "a\nx\nc") == " a\n-b\n+x\n c\n");
    CHECK(line_diff("", "a") == "-\n+a\n");
}

TEST_CASE("line_diff leaves out what is far from a change", "[golden]") {
    CHECK(line_diff("1\n2\n3\n4\n5\n6\n7\n8\n9", "1\n2\n3\n4\nx\n6\n7\n8\n9") ==
          "...\n 2\n 3\n 4\n-5\n+x\n 6\n 7\n 8\n");
    CHECK(line_diff("a\n1\n2\n3\n4\n5\n6\n7\nb", "A\n1\n2\n3\n4\n5\n6\n7\nB") ==
          "-a\n+A\n 1\n 2\n 3\n...\n 5\n 6\n 7\n-b\n+B\n");
}

TEST_CASE("line_diff sees a newline that is missing at the end", "[golden]") {
    CHECK(line_diff("a\n", "a") == " a\n-\n");
}
