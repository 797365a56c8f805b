#include "command.h"
#include "create_arguments.h"
#include "parse.h"
#include "runtime/operations.h"

namespace lxcri::cmd {

int run_delete(const Globals& globals, Arguments arguments) {
    CLI::App app("Remove a container: its cgroup, what is left of its processes, its state.",
                 "lxcri delete");
    std::string id;
    bool force = false;
    bool regex = false;
    std::optional<std::uint32_t> timeout;
    app.add_option("ID", id, "name of the container")->required();
    app.add_flag("-f,--force", force, "kill it first; no error when there is no such container");
    app.add_flag("-r,--regex", regex, "ID is a regular expression: all containers that it matches");
    add_timeout_option(app, timeout);
    parse(app, std::move(arguments));
    settings::Options options = globals.options;
    if (timeout) options.delete_timeout = checked_timeout(*timeout);
    const auto remove_one = [&](const std::string& name) { runtime::remove(options, name, force); };
    regex ? runtime::for_each_match(options, id, remove_one) : remove_one(id);
    return EXIT_SUCCESS;
}

}  // namespace lxcri::cmd
