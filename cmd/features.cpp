#include "runtime/features.h"

#include "command.h"
#include "output.h"
#include "parse.h"
#include "runtime/liblxc_version.h"

namespace lxcri::cmd {

int run_features(const Globals& globals, Arguments arguments) {
    CLI::App app("Print what config.json may contain, as JSON (features.md of the specification).",
                 "lxcri features");
    parse(app, std::move(arguments));
    const auto liblxc = runtime::ask_liblxc_version(globals.options.libexec_dir);
    show_json(runtime::features_json(liblxc.found ? liblxc.text : "unknown"));
    return EXIT_SUCCESS;
}

}  // namespace lxcri::cmd
