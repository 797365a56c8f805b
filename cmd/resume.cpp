#include "command.h"
#include "parse.h"
#include "runtime/operations.h"

namespace lxcri::cmd {

int run_resume(const settings::Options& common, Arguments arguments) {
    CLI::App app("Let the processes of a paused container go on.", "lxcri resume");
    OnlyId values;
    add_options(app, kOnlyId, values);
    parse(app, std::move(arguments));
    runtime::resume(common, values.id);
    return EXIT_SUCCESS;
}

}  // namespace lxcri::cmd
