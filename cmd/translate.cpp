#include <fcntl.h>

#include "base/error.h"
#include "base/strings.h"
#include "command.h"
#include "create_options.h"
#include "os/file.h"
#include "output.h"
#include "parse.h"
#include "runtime/translation.h"
#include "terminal_style.h"
#include "translate/diff.h"

namespace lxcri::cmd {

namespace {

struct Call {
    std::string bundle = ".";
    std::string other;
    Format format = Format::people;
    std::string id = "ID";
};

constexpr auto kOptions = std::to_array<Option<Call>>({
    {"-b,--bundle", "DIR", "directory with config.json (default: here)", &Call::bundle},
    {"-d,--diff", "DIR",
     "another bundle: show only how its plan differs; the exit status is 2 if it does",
     &Call::other},
    {"-f,--format", "FORMAT", "text: liblxc's configuration; json: the whole plan, or a JSON patch",
     [](Call& call, const std::string& text) {
         call.format = choose(kTextOrJson, "--format", text);
     }},
    {"--id", "ID", "name of the container in the plan", &Call::id},
});

translate::Plan translate_bundle(const settings::Options& common, const Call& call,
                                 const std::string& bundle) {
    runtime::CreateOptions create;
    create.id = call.id;
    create.bundle = absolute_bundle(bundle);
    const std::string file = concat(create.bundle, "/config.json");
    const std::string config = os::read_file_at(AT_FDCWD, file);
    const auto translate = [&] {
        return runtime::translate_config(common, create, config, runtime::Purpose::to_look_at);
    };
    // With two of them the error has to say which one it is about.
    return call.other.empty() ? translate() : in_context(file, translate);
}

void print_doubts(const translate::Plan& plan) {
    for (const auto& warning : plan.warnings) show_error(warning);
}

// "+ ..." green, "- ..." red, on a terminal.
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

int print_difference(const Call& call, const translate::Plan& before, translate::Plan after) {
    constexpr int kDifferent = 2;
    // The place of the bundle does not count as a difference.
    after.host.bundle = before.host.bundle;
    const auto text = [](const translate::Plan& plan) {
        return translate::plan_json(plan, translate::Defaults::left_out);
    };
    const auto lines = translate::difference(text(before), text(after));
    if (call.format == Format::json) {
        show_json(translate::json_patch(translate::plan_json(before), translate::plan_json(after)));
    } else {
        const Style style = style_of_stdout();
        for (const auto& line : lines) show_line(coloured(style, line));
    }
    return lines.empty() ? EXIT_SUCCESS : kDifferent;
}

}  // namespace

int run_translate(const settings::Options& common, Arguments arguments) {
    Parser parser(
        "Show what `create` would do with a bundle: the plan, and liblxc's configuration; or how\n"
        "the plan of another bundle differs. Changes nothing, and needs no privilege.",
        "lxcri translate");
    Call call;
    parser.add(kOptions, call);
    parser.parse(std::move(arguments));
    const auto plan = translate_bundle(common, call, call.bundle);
    if (!call.other.empty()) {
        const auto other = translate_bundle(common, call, call.other);
        return print_difference(call, plan, other);
    }
    if (call.format == Format::json) {
        show_json(translate::plan_json(plan));
    } else {
        show_lines(translate::lxc_config_text(plan.start));
    }
    print_doubts(plan);
    return EXIT_SUCCESS;
}

}  // namespace lxcri::cmd
