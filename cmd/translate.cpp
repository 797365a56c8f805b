#include <fcntl.h>

#include "base/error.h"
#include "base/strings.h"
#include "command.h"
#include "create_arguments.h"
#include "os/file.h"
#include "output.h"
#include "runtime/translation.h"
#include "terminal_style.h"
#include "translate/diff.h"

namespace lxcri::cmd {

namespace {

struct Call {
    std::string bundle = ".";
    std::string other;
    std::string format = "text";
    std::string id = "ID";
};

runtime::Translation translate_bundle(const Globals& globals, const Call& call,
                                      const std::string& bundle) {
    runtime::CreateOptions create;
    create.id = call.id;
    create.bundle = absolute_bundle(bundle);
    const std::string file = concat(create.bundle, "/config.json");
    const std::string config = os::read_file_at(AT_FDCWD, file);
    // With two of them the error has to say which one it is about.
    if (call.other.empty()) {
        return runtime::translate_config(globals.options, create, config, true);
    }
    return in_context(
        file, [&] { return runtime::translate_config(globals.options, create, config, true); });
}

void print_doubts(const runtime::Translation& translation) {
    for (const auto& warning : translation.warnings) show_error(warning);
}

// "+ ..." green, "- ..." red, where a person looks.
Shown coloured(const Style& style, const std::string& line) {
    switch (line.front()) {
        case '+':
            return style.green(line);
        case '-':
            return style.red(line);
        default:
            return style.yellow(line);
    }
}

int print_difference(const Call& call, const translate::Plan& before,
                     const translate::Plan& after) {
    constexpr int kDifferent = 2;
    const auto text = [](const translate::Plan& plan) {
        return translate::plan_json(plan, translate::Defaults::left_out);
    };
    const auto lines = translate::difference(text(before), text(after));
    if (call.format == "json") {
        show_json(translate::json_patch(translate::plan_json(before), translate::plan_json(after)));
    } else {
        const Style style = style_of_stdout();
        for (const auto& line : lines) show_line(coloured(style, line));
    }
    return lines.empty() ? EXIT_SUCCESS : kDifferent;
}

}  // namespace

int run_translate(const Globals& globals, Arguments arguments) {
    CLI::App app(
        "Show what `create` would do with a bundle: the plan, and liblxc's configuration; or what\n"
        "it would do otherwise with another bundle. Touches nothing, and needs no privilege.",
        "lxcri translate");
    Call call;
    app.add_option("-b,--bundle", call.bundle, "directory with config.json (default: here)");
    app.add_option("-d,--diff", call.other,
                   "another bundle: only what its plan has otherwise; exit status 2 where it has");
    app.add_option("-f,--format", call.format,
                   "text: liblxc's configuration; json: the whole plan, or a JSON patch");
    app.add_option("--id", call.id, "name of the container in the plan");
    parse(app, std::move(arguments));
    if (call.format != "text" && call.format != "json") {
        throw Error(
            concat("--format: found ", lxcri::in_quotes(call.format), ", accepted are text, json"));
    }
    const auto translation = translate_bundle(globals, call, call.bundle);
    if (!call.other.empty()) {
        const auto other = translate_bundle(globals, call, call.other);
        return print_difference(call, translation.plan, other.plan);
    }
    if (call.format == "json") {
        show_json(translate::plan_json(translation.plan));
    } else {
        show_lines(translate::lxc_config_text(translation.plan.start));
    }
    print_doubts(translation);
    return EXIT_SUCCESS;
}

}  // namespace lxcri::cmd
