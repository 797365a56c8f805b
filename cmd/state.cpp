#include "command.h"
#include "output.h"
#include "parse.h"
#include "runtime/operations.h"

namespace lxcri::cmd {

int run_state(const settings::Options& common, Arguments arguments) {
    CLI::App app("Print the state of a container as JSON.", "lxcri state");
    OnlyId values;
    add_options(app, kOnlyId, values);
    parse(app, std::move(arguments));
    show_json(oci::to_json(runtime::state(common, values.id)));
    return EXIT_SUCCESS;
}

}  // namespace lxcri::cmd
