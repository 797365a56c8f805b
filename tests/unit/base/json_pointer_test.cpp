#include "base/json_pointer.h"

#include "support/catch.h"

using namespace lxcri;

TEST_CASE("an element of a JSON pointer") {
    CHECK(escape_pointer_token("plain") == "plain");
    CHECK(escape_pointer_token("") == "");
    CHECK(escape_pointer_token("a/b~c") == "a~1b~0c");
    CHECK(escape_pointer_token("~1") == "~01");
}
