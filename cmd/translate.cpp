#include <fcntl.h>

#include <CLI/CLI.hpp>
#include <cstdio>

#include "base/error.h"
#include "base/strings.h"
#include "command.h"
#include "create_arguments.h"
#include "os/file.h"
#include "runtime/translation.h"

namespace lxcri::cmd {

int run_translate(const Globals& globals, Arguments arguments) {
    CLI::App app(
        "Show what `create` would do with a bundle: the plan, and liblxc's configuration.\n"
        "Touches nothing, and needs no privilege.",
        "lxcri translate");
    std::string bundle = ".";
    std::string format = "text";
    std::string id = "ID";
    app.add_option("-b,--bundle", bundle, "directory with config.json (default: here)");
    app.add_option("-f,--format", format, "text: liblxc's configuration; json: the whole plan");
    app.add_option("--id", id, "name of the container in the plan");
    parse(app, std::move(arguments));
    if (format != "text" && format != "json") {
        throw Error(concat("--format: found ", lxcri::quoted(format), ", accepted are text, json"));
    }
    runtime::CreateOptions call;
    call.id = id;
    call.bundle = absolute_bundle(bundle);
    const std::string config = os::read_file_at(AT_FDCWD, concat(call.bundle, "/config.json"));
    const auto translation = runtime::translate_config(globals.options, call, config, true);
    std::puts((format == "json" ? translate::plan_json(translation.plan)
                                : translate::lxc_config_text(translation.plan.start))
                  .c_str());
    for (const auto& warning : translation.warnings) {
        std::fprintf(stderr, "lxcri: %s\n", warning.c_str());
    }
    return EXIT_SUCCESS;
}

}  // namespace lxcri::cmd
