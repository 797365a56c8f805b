#include "host/features.h"

#include "command.h"
#include "host/liblxc_version.h"
#include "output.h"
#include "parse.h"

namespace lxcri::cmd {

int run_features(const settings::Options& common, Arguments arguments) {
    Parser parser("Print what config.json may contain, as JSON (features.md of the specification).",
                  "lxcri features");
    parser.parse(std::move(arguments));
    const auto liblxc = host::ask_liblxc_version(common.libexec_dir);
    show_json(host::features_json(liblxc.found ? liblxc.text : "unknown"));
    return EXIT_SUCCESS;
}

}  // namespace lxcri::cmd
