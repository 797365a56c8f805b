#include "host/check.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/strings.h"
#include "command.h"
#include "output.h"
#include "parse.h"
#include "terminal_style.h"

namespace lxcri::cmd {

namespace {

using host::Finding;
using host::Severity;

struct Values {
    Format format = Format::people;
};

constexpr auto kOptions = std::to_array<Option<Values>>({
    {"-f,--format", "FORMAT", "text or json",
     [](Values& values, const std::string& text) {
         values.format = choose(kTextOrJson, "--format", text);
     }},
});

Severity worst_of(const std::vector<Finding>& findings) {
    Severity worst = Severity::ok;
    for (const Finding& finding : findings) worst = std::max(worst, finding.severity);
    return worst;
}

Shown coloured(const Style& style, Severity severity) {
    std::string word(name_of(host::kSeverities, severity));
    word.resize(8, ' ');
    switch (severity) {
        case Severity::ok:
            return style.green(word);
        case Severity::note:
            return word;
        case Severity::warning:
            return style.yellow(word);
        case Severity::error:
            return style.red(word);
    }
    return word;
}

void print_people(const std::vector<Finding>& findings) {
    const Style style = style_of_stdout();
    std::size_t width = 0;
    for (const Finding& finding : findings) width = std::max(width, finding.name.size());
    std::string group;
    for (const Finding& finding : findings) {
        if (finding.group != group) {
            if (!group.empty()) show_line("");
            show_line(style.bold(finding.group));
            group = finding.group;
        }
        const std::string gap(width - finding.name.size() + 2, ' ');
        show_line(Shown("  ") + coloured(style, finding.severity) + " " + finding.name + gap +
                  finding.text);
    }
}

void print_json(const std::vector<Finding>& findings) {
    using Json = nlohmann::ordered_json;
    Json list = Json::array();
    for (const Finding& finding : findings) {
        list.push_back({{"group", finding.group},
                        {"name", finding.name},
                        {"severity", name_of(host::kSeverities, finding.severity)},
                        {"text", finding.text}});
    }
    const Json json{{"severity", name_of(host::kSeverities, worst_of(findings))},
                    {"findings", list}};
    show_json(json.dump(2, ' ', false, Json::error_handler_t::replace));
}

// Scripts ask for it; 1 is also what every failure of lxcri is.
int exit_code(Severity worst) {
    switch (worst) {
        case Severity::ok:
        case Severity::note:
            return 0;
        case Severity::warning:
            return 2;
        case Severity::error:
            return 1;
    }
    return 1;
}

}  // namespace

int run_check(const settings::Options& common, Arguments arguments) {
    Parser parser(
        "Show what this machine can do for containers, and what it lacks.\n"
        "note: few containers need it; warning: create refuses some properties of config.json;\n"
        "error: no container can be created. The exit status is 1 if there are errors, 2 if there\n"
        "are warnings, and else 0.",
        "lxcri check");
    Values values;
    parser.add(kOptions, values);
    parser.parse(std::move(arguments));
    const auto findings = host::check_host(common);
    if (values.format == Format::json) {
        print_json(findings);
    } else {
        print_people(findings);
    }
    return exit_code(worst_of(findings));
}

}  // namespace lxcri::cmd
