#include "command.h"
#include "create_arguments.h"
#include "parse.h"
#include "runtime/operations.h"

namespace lxcri::cmd {

int run_start(const Globals& globals, Arguments arguments) {
    CLI::App app("Let the process of a created container run.", "lxcri start");
    std::string id;
    std::optional<std::uint32_t> timeout;
    app.add_option("ID", id, "name of the container")->required();
    add_timeout_option(app, timeout);
    parse(app, std::move(arguments));
    settings::Options options = globals.options;
    if (timeout) options.start_timeout = checked_timeout(*timeout);
    runtime::start(options, id);
    return EXIT_SUCCESS;
}

}  // namespace lxcri::cmd
