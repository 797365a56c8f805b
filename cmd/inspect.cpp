#include "command.h"
#include "output.h"
#include "parse.h"
#include "runtime/operations.h"

namespace lxcri::cmd {

namespace {

struct Values {
    std::vector<std::string> ids;
};

constexpr auto kOptions = std::to_array<Option<Values>>({
    {"ID", "", "names of containers", &Values::ids, Need::required},
});

}  // namespace

int run_inspect(const settings::Options& common, Arguments arguments) {
    Parser parser(
        "Print all that is known about containers: for each a JSON object with the members Spec\n"
        "(its config.json), Container (what lxcri has recorded) and State.",
        "lxcri inspect");
    Values values;
    parser.add(kOptions, values);
    parser.parse(std::move(arguments));
    // All, or none and the error.
    std::string text;
    for (const auto& id : values.ids) {
        if (!text.empty()) text += '\n';
        text += runtime::inspect(common, id);
    }
    show_json(text);
    return EXIT_SUCCESS;
}

}  // namespace lxcri::cmd
