#include <fcntl.h>

#include "base/error.h"
#include "base/strings.h"
#include "command.h"
#include "os/file.h"
#include "output.h"
#include "parse.h"
#include "table.h"

namespace lxcri::cmd {

namespace {

void print_settings(const settings::Settings& settings) {
    std::vector<Row> rows{{"SETTING", "VALUE", "FROM"}};
    for (const auto& [name, value, source] : settings::settings_table(settings)) {
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

int run_config(const Globals& globals, Arguments arguments) {
    CLI::App app(
        concat("Show the settings in force, and where each comes from: a flag goes before a "
               "variable of\nthe environment, that before the file ",
               settings::kSettingsFile, ", and that before what is built in."),
        "lxcri config");
    std::string format = "table";
    std::string out;
    bool built_in = false;
    bool update_current = false;
    bool quiet = false;
    app.add_option("-f,--format", format,
                   "table; json: the settings as a file that --config reads");
    app.add_flag("--default", built_in, "what is built in, whatever file and environment say");
    app.add_option("--out", out, "also write the settings to this file");
    app.add_flag("--update-current", update_current, "also write them to the file in force");
    app.add_flag("-q,--quiet", quiet, "print nothing");
    parse(app, std::move(arguments));
    if (format != "table" && format != "json") {
        throw Error(
            concat("--format: found ", lxcri::in_quotes(format), ", accepted are table, json"));
    }
    const auto& settings = built_in ? globals.built_in : globals.settings;
    const std::string json = settings::settings_json(settings);
    if (!out.empty()) write_settings(out, json);
    if (update_current) write_settings(globals.options.settings_file, json);
    if (quiet) return EXIT_SUCCESS;
    if (format == "json") {
        show_json(json);
    } else {
        print_settings(settings);
    }
    return EXIT_SUCCESS;
}

}  // namespace lxcri::cmd
