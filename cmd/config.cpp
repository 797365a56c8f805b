#include <fcntl.h>

#include "base/error.h"
#include "base/strings.h"
#include "command.h"
#include "defaults.h"
#include "os/file.h"
#include "output.h"
#include "parse.h"
#include "settings/settings.h"
#include "table.h"

namespace lxcri::cmd {

namespace {

struct Values {
    Format format = Format::people;
    std::string out;
    bool built_in = false;
    bool update_current = false;
    bool quiet = false;
};

constexpr auto kOptions = std::to_array<Option<Values>>({
    {"-f,--format", "FORMAT", "table; json: the settings as a file that --config reads",
     [](Values& values, const std::string& text) {
         values.format = choose(kTableOrJson, "--format", text);
     }},
    {"--default", "", "the built-in settings, without file and environment", &Values::built_in},
    {"--out", "FILE", "also write the settings to this file", &Values::out},
    {"--update-current", "", "also write them to the file that --config names",
     &Values::update_current},
    {"-q,--quiet", "", "print nothing", &Values::quiet},
});

void print_settings(const settings::Options& options) {
    std::vector<Row> rows{{"SETTING", "VALUE", "FROM"}};
    for (const auto& [name, value, source] : settings::settings_table(options)) {
        rows.push_back({name, value, source});
    }
    print_table(rows);
}

// Whole, or not at all: a broken file would stop every command.
void write_settings(const std::string& file, const std::string& text) {
    const auto slash = file.rfind('/');
    const std::string directory =
        slash == std::string::npos ? "." : file.substr(0, slash == 0 ? 1 : slash);
    const os::UniqueFd dir = os::open_at(AT_FDCWD, directory, O_RDONLY | O_DIRECTORY);
    os::write_atomically_at(dir.get(), file.substr(slash + 1), text + "\n", 0644);
}

}  // namespace

int run_config(const settings::Options& common, Arguments arguments) {
    Parser parser(
        concat("Show the settings in force, and where each comes from: a flag, a variable of the\n"
               "environment, the file ",
               settings::kSettingsFile, ", or the built-in value, in this order."),
        "lxcri config");
    Values values;
    parser.add(kOptions, values);
    parser.parse(std::move(arguments));
    const settings::Options& shown = values.built_in ? built_in_options() : common;
    const std::string json = settings::settings_json(shown);
    if (!values.out.empty()) write_settings(values.out, json);
    if (values.update_current) write_settings(common.settings_file, json);
    if (values.quiet) return EXIT_SUCCESS;
    if (values.format == Format::json) {
        show_json(json);
    } else {
        print_settings(shown);
    }
    return EXIT_SUCCESS;
}

}  // namespace lxcri::cmd
