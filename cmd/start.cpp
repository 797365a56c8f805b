#include "command.h"
#include "parse.h"
#include "runtime/operations.h"

namespace lxcri::cmd {

int run_start(const Globals& globals, Arguments arguments) {
    CLI::App app("Let the process of a created container run.", "lxcri start");
    std::string id;
    app.add_option("ID", id, "name of the container")->required();
    parse(app, std::move(arguments));
    runtime::start(globals.options, id);
    return EXIT_SUCCESS;
}

}  // namespace lxcri::cmd
