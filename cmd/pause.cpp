#include "command.h"
#include "parse.h"
#include "runtime/operations.h"

namespace lxcri::cmd {

int run_pause(const Globals& globals, Arguments arguments) {
    CLI::App app("Stop all processes of a container, until `lxcri resume ID`.", "lxcri pause");
    std::string id;
    app.add_option("ID", id, "name of the container")->required();
    parse(app, std::move(arguments));
    runtime::pause(globals.options, id);
    return EXIT_SUCCESS;
}

}  // namespace lxcri::cmd
