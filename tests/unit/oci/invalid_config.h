#pragma once
// Rows of the tables of configs that have to be refused.

#include <string>

#include "base/error.h"
#include "minimal_config.h"
#include "oci/parse.h"
#include "oci/validate.h"
#include "support/catch.h"

namespace lxcri::oci::test {

struct InvalidConfig {
    const char* patch;    // of the minimal config
    const char* pointer;  // of the error
    const char* text;     // part of its message
};

inline void check_refused(const InvalidConfig& row) {
    INFO(row.patch);
    const auto text = with_patch(row.patch);
    bool refused = false;
    try {
        validate(parse_spec(text));
    } catch (const SpecError& error) {
        refused = true;
        const std::string message = error.what();
        CHECK(error.pointer() == row.pointer);
        CHECK_THAT(message, Catch::StartsWith(std::string(row.pointer) + ": "));
        CHECK_THAT(message, Catch::Contains(row.text));
        CHECK(message.find('\n') == std::string::npos);
    }
    CHECK(refused);
}

}  // namespace lxcri::oci::test
