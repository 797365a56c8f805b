#include "parse.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <utility>

#include "base/error.h"
#include "base/nearest.h"
#include "base/strings.h"
#include "help.h"
#include "output.h"

namespace lxcri::cmd {

namespace {

// Where parse() puts down what a command accepts, instead of parsing.
std::vector<OptionDescription>* collector = nullptr;

OptionDescription description_of(const CLI::Option& option) {
    OptionDescription result;
    if (!option.get_lnames().empty()) result.flag = concat("--", option.get_lnames().front());
    if (!option.get_snames().empty()) result.letter = concat("-", option.get_snames().front());
    result.has_value = option.get_items_expected_max() > 0;
    result.value = option.get_type_name();
    result.help = option.get_description();
    result.is_id = option.get_positional() && option.get_single_name() == "ID";
    return result;
}

// "lxcri create" -> "create".
std::string command_of(const CLI::App& app) {
    const std::string& name = app.get_name();
    return name.substr(name.rfind(' ') + 1);
}

// CLI11 says "Could not convert: --option = value".
[[noreturn]] void reject_value(std::string_view text) {
    const auto colon = text.find(": ");
    const auto equals = text.find(" = ");
    if (colon == std::string_view::npos || equals == std::string_view::npos) {
        throw Error(std::string(text));
    }
    const auto option = text.substr(colon + 2, equals - colon - 2);
    reject(option, text.substr(equals + 3), "a number");
}

// For a person who has mistyped an option.
[[noreturn]] void reject_extra(const CLI::App& app, const std::vector<std::string>& words) {
    const auto found = std::find_if(words.begin(), words.end(), [](const std::string& word) {
        return word.size() > 1 && word.starts_with('-');
    });
    const std::string hint = concat("; `", app.get_name(), " --help` shows what there is");
    if (found == words.end()) {
        throw Error(concat("unexpected argument ", lxcri::in_quotes(words.front()), hint));
    }
    std::vector<std::string> names;
    for (const CLI::Option* option : app.get_options()) {
        const auto description = description_of(*option);
        if (!description.flag.empty()) names.push_back(description.flag);
    }
    const std::vector<std::string_view> views(names.begin(), names.end());
    const std::string flag = found->substr(0, found->find('='));
    throw Error(concat("unknown option ", lxcri::in_quotes(flag), did_you_mean(flag, views), hint));
}

// runc takes a long option with one dash, too, and containerd writes `restore -no-subreaper`. The
// words of a program that a command starts are left alone.
void accept_one_dash(const CLI::App& app, Arguments& arguments) {
    if (app.get_prefix_command()) return;
    for (std::string& word : arguments) {
        if (word == "--") return;
        if (word.size() < 3 || word[0] != '-' || word[1] == '-') continue;
        const std::string flag = concat("-", word.substr(0, word.find('=')));
        if (app.get_option_no_throw(flag) != nullptr) word.insert(0, "-");
    }
}

// Versions of CLI11 differ in headings, columns, blank lines and what they wrap: all of it is ours.
class OwnFormatter : public CLI::Formatter {
  public:
    std::string make_help(const CLI::App* app, std::string /*name*/,
                          CLI::AppFormatMode /*mode*/) const override {
        const std::string footer = app->get_footer();
        return concat(app->get_description(), "\nUsage: ", app->get_name(), " [OPTIONS]",
                      words_behind(*app), "\n", section("Positionals", positionals_of(*app)),
                      section("Options", options_of(*app)), "\n", footer,
                      footer.empty() ? "" : "\n");
    }

  private:
    using Options = std::vector<const CLI::Option*>;

    static Options positionals_of(const CLI::App& app) {
        return app.get_options([](const CLI::Option* option) { return option->get_positional(); });
    }

    static Options options_of(const CLI::App& app) {
        return app.get_options([](const CLI::Option* option) { return option->nonpositional(); });
    }

    // "-b, --bundle DIR"
    static std::string left_of(const CLI::Option& option) {
        std::string text;
        for (const auto& name : split(option.get_name(option.get_positional(), true), ',')) {
            text += concat(text.empty() ? "" : ", ", name);
        }
        const std::string value = option.get_type_name();
        return concat(text, value.empty() ? "" : " ", value,
                      option.get_required() ? " REQUIRED" : "");
    }

    static std::string section(std::string_view title, const Options& options) {
        constexpr std::size_t kColumn = 30;
        if (options.empty()) return {};
        std::string text = concat("\n", title, ":\n");
        for (const CLI::Option* option : options) {
            text += help_entry(left_of(*option), option->get_description(), kColumn);
        }
        return text;
    }

    virtual std::string words_behind(const CLI::App& app) const {
        std::string words;
        for (const CLI::Option* option : positionals_of(app))
            words += concat(" ", make_option_usage(option));
        return words;
    }
};

class FormatterWithWords : public OwnFormatter {
  public:
    explicit FormatterWithWords(std::string words) : words_(std::move(words)) {}

  private:
    std::string words_behind(const CLI::App& /*app*/) const override { return concat(" ", words_); }

    std::string words_;
};

// How CLI11 is told of each kind of option.
template <class To>
CLI::Option* add_to(CLI::App& app, const std::string& names, To to) {
    if constexpr (std::is_same_v<To, bool*>) {
        return app.add_flag(names, *to);
    } else if constexpr (std::is_same_v<To, std::optional<bool>*>) {
        return app.add_flag_function(names, [to](std::int64_t count) { *to = count > 0; });
    } else if constexpr (std::is_same_v<To, std::function<void()>>) {
        return app.add_flag_callback(names, std::move(to));
    } else if constexpr (std::is_same_v<To, std::function<void(const std::string&)>>) {
        using Texts = std::vector<std::string>;
        return app.add_option_function<Texts>(names, [to = std::move(to)](const Texts& texts) {
            for (const std::string& text : texts) to(text);
        });
    } else {
        return app.add_option(names, *to);
    }
}

}  // namespace

void reject(std::string_view option, std::string_view text, std::string_view accepted) {
    throw Error(
        concat(option, ": expected ", accepted, ", got ", lxcri::in_quotes(std::string(text))));
}

struct Parser::State {
    State(std::string description, std::string name)
        : app(std::move(description), std::move(name)) {}

    CLI::App app;
};

Parser::Parser(std::string description, std::string name)
    : state_(std::make_unique<State>(std::move(description), std::move(name))) {}

Parser::~Parser() = default;

// An option has one value each time: CLI11 would take all words that follow for a repeatable one.
void Parser::add(std::string_view names, std::string_view value, std::string_view help, Need need,
                 Target target) {
    const auto declare = [&](auto& to) {
        return add_to(state_->app, std::string(names), std::move(to));
    };
    CLI::Option* option = std::visit(declare, target);
    option->description(std::string(help));
    option->type_name(std::string(value));
    option->required(need == Need::required);
    if (!option->get_positional()) option->allow_extra_args(false);
}

void Parser::leave_words(std::string words) {
    state_->app.prefix_command();
    state_->app.formatter(std::make_shared<FormatterWithWords>(std::move(words)));
}

void Parser::parse(Arguments arguments) {
    CLI::App& app = state_->app;
    app.set_help_flag("-h,--help", "show this text");
    if (!app.get_prefix_command()) app.formatter(std::make_shared<OwnFormatter>());
    if (collector != nullptr) {
        for (const CLI::Option* option : app.get_options()) {
            collector->push_back(description_of(*option));
        }
        throw HelpShown();
    }
    if (const auto examples = examples_of(command_of(app)); !examples.empty()) {
        app.footer(concat("Examples:\n", examples));
    }
    accept_one_dash(app, arguments);
    std::reverse(arguments.begin(), arguments.end());  // CLI11 takes them from the back
    try {
        app.parse(std::move(arguments));
    } catch (const CLI::CallForHelp&) {
        show_own_words(app.help());
        throw HelpShown();
    } catch (const CLI::ExtrasError&) {
        reject_extra(app, app.remaining());
    } catch (const CLI::ConversionError& error) {
        reject_value(error.what());
    } catch (const CLI::ArgumentMismatch& error) {
        // Engines look for these words, which are those of runc.
        const std::string_view text = error.what();
        throw Error(concat("flag needs an argument: ", text.substr(0, text.find(':'))));
    } catch (const CLI::RequiredError& error) {
        throw Error(concat(error.what(), "; `", app.get_name(), " --help` shows what there is"));
    } catch (const CLI::ParseError& error) {
        throw Error(error.what());
    }
}

Arguments Parser::remaining() const {
    return state_->app.remaining();
}

std::vector<OptionDescription> describe(const Command& command) {
    std::vector<OptionDescription> options;
    collector = &options;
    try {
        (void)command.run({}, {});
    } catch (const HelpShown&) {
        collector = nullptr;
        return options;
    }
    collector = nullptr;
    throw Error(concat("internal error: ", command.name, " has no options"));
}

}  // namespace lxcri::cmd
