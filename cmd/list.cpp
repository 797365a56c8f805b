#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/strings.h"
#include "command.h"
#include "output.h"
#include "parse.h"
#include "runtime/operations.h"
#include "table.h"

namespace lxcri::cmd {

namespace {

struct Values {
    Format format = Format::people;
    bool quiet = false;
};

constexpr auto kOptions = std::to_array<Option<Values>>({
    {"-f,--format", "FORMAT", "table or json",
     [](Values& values, const std::string& text) {
         values.format = choose(kTableOrJson, "--format", text);
     }},
    {"-q,--quiet", "", "IDs only", &Values::quiet},
});

void print_states(const std::vector<oci::State>& states) {
    std::vector<Row> rows{{"ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"}};
    for (const auto& state : states) {
        rows.push_back({state.id, std::to_string(state.pid),
                        std::string(oci::status_name(state.status)), state.bundle, state.created,
                        state.owner});
    }
    print_table(rows);
}

void print_json(const std::vector<oci::State>& states) {
    auto array = nlohmann::ordered_json::array();
    for (const auto& state : states) {
        auto object = nlohmann::ordered_json::parse(oci::to_json(state));
        if (!object.contains("pid")) object["pid"] = 0;
        array.push_back(std::move(object));
    }
    show_json(array.dump());
}

}  // namespace

int run_list(const settings::Options& common, Arguments arguments) {
    Parser parser("List the containers below --root.", "lxcri list");
    Values values;
    parser.add(kOptions, values);
    parser.parse(std::move(arguments));
    const auto states = runtime::list(common);
    if (values.quiet) {
        for (const auto& state : states) show_line(state.id);
    } else if (values.format == Format::json) {
        print_json(states);
    } else {
        print_states(states);
    }
    return EXIT_SUCCESS;
}

}  // namespace lxcri::cmd
