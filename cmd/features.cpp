#include "runtime/features.h"

#include <cstdio>

#include "command.h"
#include "parse.h"

namespace lxcri::cmd {

int run_features(const Globals& /*globals*/, Arguments arguments) {
    CLI::App app("Print what config.json may contain, as JSON (features.md of the specification).",
                 "lxcri features");
    parse(app, std::move(arguments));
    std::puts(runtime::features_json().c_str());
    return EXIT_SUCCESS;
}

}  // namespace lxcri::cmd
