#pragma once
// What a unit test may need after all. Missing: it is skipped and says why; with LXCRI_MUST_RUN=1,
// as in CI, that is a failure.

#include <unistd.h>

#include <cstdlib>
#include <string_view>

#include "support/catch.h"
#include "support/summary.h"

namespace lxcri::test {

inline bool must_run() {
    const auto is = [](const char* name, std::string_view wanted) {
        const char* value = std::getenv(name);
        return value != nullptr && value == wanted;
    };
    return is("LXCRI_MUST_RUN", "1") || is("CI", "true");
}

inline bool is_root() {
    return ::geteuid() == 0;
}

}  // namespace lxcri::test

#define UNIT_NEEDS(condition, reason)                    \
    do {                                                 \
        if (!(condition)) {                              \
            if (::lxcri::test::must_run()) FAIL(reason); \
            ::lxcri::test::skip_test(reason);            \
            return;                                      \
        }                                                \
    } while (false)
