#include "command.h"
#include "parse.h"
#include "runtime/operations.h"

namespace lxcri::cmd {

int run_pause(const settings::Options& common, Arguments arguments) {
    Parser parser("Stop all processes of a container, until `lxcri resume ID`.", "lxcri pause");
    OnlyId values;
    parser.add(kOnlyId, values);
    parser.parse(std::move(arguments));
    runtime::pause(common, values.id);
    return EXIT_SUCCESS;
}

}  // namespace lxcri::cmd
