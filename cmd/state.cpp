#include "command.h"
#include "output.h"
#include "parse.h"
#include "runtime/operations.h"

namespace lxcri::cmd {

int run_state(const Globals& globals, Arguments arguments) {
    CLI::App app("Print the state of a container as JSON.", "lxcri state");
    std::string id;
    app.add_option("ID", id, "name of the container")->required();
    parse(app, std::move(arguments));
    show_json(oci::to_json(runtime::state(globals.options, id)));
    return EXIT_SUCCESS;
}

}  // namespace lxcri::cmd
