#include "command.h"
#include "parse.h"
#include "runtime/operations.h"

namespace lxcri::cmd {

int run_pause(const settings::Options& common, Arguments arguments) {
    CLI::App app("Stop all processes of a container, until `lxcri resume ID`.", "lxcri pause");
    OnlyId values;
    add_options(app, kOnlyId, values);
    parse(app, std::move(arguments));
    runtime::pause(common, values.id);
    return EXIT_SUCCESS;
}

}  // namespace lxcri::cmd
