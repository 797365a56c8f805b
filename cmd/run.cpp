#include "create_arguments.h"
#include "runtime/operations.h"

namespace lxcri::cmd {

int run_run(const Globals& globals, Arguments arguments) {
    CLI::App app(
        "Create and start a container, pass signals on to it, and exit as its process does.\n"
        "The container is deleted at the end.",
        "lxcri run");
    CreateArguments values;
    runtime::RunOptions options;
    add_create_options(app, values);
    app.add_flag("-d,--detach", options.detach, "return when the container process runs");
    app.add_flag("--keep", options.keep, "do not delete the container at the end");
    parse(app, std::move(arguments));
    options.create = make_create_options(values, globals.options);
    return runtime::run(with_timeout(globals.options, values.timeout), std::move(options));
}

}  // namespace lxcri::cmd
