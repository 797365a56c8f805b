#include "command.h"
#include "parse.h"
#include "runtime/operations.h"

namespace lxcri::cmd {

int run_resume(const settings::Options& common, Arguments arguments) {
    Parser parser("Let the processes of a paused container go on.", "lxcri resume");
    OnlyId values;
    parser.add(kOnlyId, values);
    parser.parse(std::move(arguments));
    runtime::resume(common, values.id);
    return EXIT_SUCCESS;
}

}  // namespace lxcri::cmd
