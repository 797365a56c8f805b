#include "command.h"
#include "parse.h"
#include "runtime/operations.h"

namespace lxcri::cmd {

int run_delete(const Globals& globals, Arguments arguments) {
    CLI::App app("Remove a container: its cgroup, what is left of its processes, its state.",
                 "lxcri delete");
    std::string id;
    bool force = false;
    app.add_option("ID", id, "name of the container")->required();
    app.add_flag("-f,--force", force, "kill it first; no error when there is no such container");
    parse(app, std::move(arguments));
    runtime::remove(globals.options, id, force);
    return EXIT_SUCCESS;
}

}  // namespace lxcri::cmd
