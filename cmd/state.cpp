#include "command.h"
#include "output.h"
#include "parse.h"
#include "runtime/operations.h"

namespace lxcri::cmd {

int run_state(const settings::Options& common, Arguments arguments) {
    Parser parser("Print the state of a container as JSON.", "lxcri state");
    OnlyId values;
    parser.add(kOnlyId, values);
    parser.parse(std::move(arguments));
    show_json(oci::to_json(runtime::state(common, values.id)));
    return EXIT_SUCCESS;
}

}  // namespace lxcri::cmd
