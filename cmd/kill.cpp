#include "command.h"
#include "create_arguments.h"
#include "parse.h"
#include "runtime/operations.h"
#include "signal_name.h"

namespace lxcri::cmd {

int run_kill(const Globals& globals, Arguments arguments) {
    CLI::App app("Send a signal to the container process.", "lxcri kill");
    std::string id;
    std::string signal = "TERM";
    bool all = false;
    bool regex = false;
    std::optional<std::uint32_t> timeout;
    app.add_option("ID", id, "name of the container")->required();
    app.add_option("SIGNAL", signal, "name or number (default: TERM)");
    app.add_flag("-a,--all", all, "to every process of the container");
    app.add_flag("-r,--regex", regex, "ID is a regular expression: all containers that it matches");
    add_timeout_option(app, timeout);
    parse(app, std::move(arguments));
    const int number = parse_signal(signal);
    const auto options = with_timeout(globals.options, timeout);
    const auto kill_one = [&](const std::string& name) {
        runtime::kill(options, name, number, all);
    };
    regex ? runtime::for_each_match(options, id, kill_one) : kill_one(id);
    return EXIT_SUCCESS;
}

}  // namespace lxcri::cmd
