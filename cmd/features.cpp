#include "runtime/features.h"

#include "command.h"
#include "output.h"
#include "parse.h"

namespace lxcri::cmd {

int run_features(const Globals& /*globals*/, Arguments arguments) {
    CLI::App app("Print what config.json may contain, as JSON (features.md of the specification).",
                 "lxcri features");
    parse(app, std::move(arguments));
    show_json(runtime::features_json());
    return EXIT_SUCCESS;
}

}  // namespace lxcri::cmd
