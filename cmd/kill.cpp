#include "command.h"
#include "parse.h"
#include "runtime/operations.h"
#include "signal_name.h"

namespace lxcri::cmd {

int run_kill(const Globals& globals, Arguments arguments) {
    CLI::App app("Send a signal to the container process.", "lxcri kill");
    std::string id;
    std::string signal = "TERM";
    bool all = false;
    app.add_option("ID", id, "name of the container")->required();
    app.add_option("SIGNAL", signal, "name or number (default: TERM)");
    app.add_flag("-a,--all", all, "to every process of the container");
    parse(app, std::move(arguments));
    runtime::kill(globals.options, id, parse_signal(signal), all);
    return EXIT_SUCCESS;
}

}  // namespace lxcri::cmd
