#include "command.h"
#include "output.h"
#include "parse.h"
#include "runtime/operations.h"

namespace lxcri::cmd {

int run_inspect(const Globals& globals, Arguments arguments) {
    CLI::App app(
        "Print all that is known about containers: for each a JSON object with the members Spec\n"
        "(its config.json), Container (what lxcri has recorded) and State.",
        "lxcri inspect");
    std::vector<std::string> ids;
    app.add_option("ID", ids, "names of containers")->required();
    parse(app, std::move(arguments));
    // All, or none and the error.
    std::string text;
    for (const auto& id : ids) {
        if (!text.empty()) text += '\n';
        text += runtime::inspect(globals.options, id);
    }
    show_json(text);
    return EXIT_SUCCESS;
}

}  // namespace lxcri::cmd
