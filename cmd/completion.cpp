// completion: scripts for shells, made from what the commands accept, so that they cannot be out of
// date. Only the part around the lists is written here.

#include <array>

#include "base/enum_table.h"
#include "base/error.h"
#include "base/strings.h"
#include "command.h"
#include "globals.h"
#include "output.h"
#include "parse.h"

namespace lxcri::cmd {

namespace {

struct CommandWords {
    std::string name;
    std::string help;
    std::vector<OptionDescription> options;
    bool takes_id = false;
};

std::vector<OptionDescription> global_words() {
    std::vector<OptionDescription> words;
    for (const GlobalOption& option : global_options()) {
        words.push_back({option.flag,
                         option.letter == 0 ? "" : concat("-", std::string(1, option.letter)),
                         !option.word.empty(), std::string(option.word), std::string(option.help)});
    }
    return words;
}

bool makes_container(std::string_view command) {
    return command == "create" || command == "run" || command == "restore";
}

std::vector<CommandWords> all_commands() {
    std::vector<CommandWords> commands;
    for (const Command& command : kCommands) {
        CommandWords words{std::string(command.name), std::string(command.help), {}, false};
        for (OptionDescription& option : describe(command)) {
            if (option.flag.empty() && option.letter.empty()) {
                words.takes_id = words.takes_id || option.is_id;
            } else {
                words.options.push_back(std::move(option));
            }
        }
        // What comes after their ID is not theirs, so they read it themselves.
        if (words.name == "exec" || words.name == "ps") words.takes_id = true;
        // A container that does not exist yet has no name to offer.
        if (makes_container(words.name)) words.takes_id = false;
        commands.push_back(std::move(words));
    }
    return commands;
}

enum class Flags { all, with_value };

std::string flags_of(const std::vector<OptionDescription>& options, Flags flags) {
    std::string words;
    for (const auto& option : options) {
        if (flags == Flags::with_value && !option.has_value) continue;
        for (const auto& word : {option.letter, option.flag}) {
            if (!word.empty()) words += concat(words.empty() ? "" : " ", word);
        }
    }
    return words;
}

// In single quotes of a shell.
std::string single_quoted(std::string_view text) {
    std::string result = "'";
    for (const char c : text) {
        if (c == '\'') {
            result += "'\\''";
        } else {
            result += c;
        }
    }
    return result + "'";
}

// --- bash -------------------------------------------------------------------------------------

// clang-format off
constexpr std::string_view kBash = R"BASH(_lxcri() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
    local command= word i before=()
    COMPREPLY=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if [[ " $(_lxcri_values '') " == *" $word "* ]]; then
            before+=("$word")
            [[ ${COMP_WORDS[i + 1]} == = ]] && ((i++))
            ((++i < COMP_CWORD)) && before+=("${COMP_WORDS[i]}")
        elif [[ $word == -* ]]; then
            before+=("$word")
        else
            command=$word
            break
        fi
    done
    [[ $previous == = ]] && previous=${COMP_WORDS[COMP_CWORD - 2]}
    [[ $current == = ]] && current=
    if [[ " $(_lxcri_values "$command") " == *" $previous "* ]]; then
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
        compopt -o filenames 2>/dev/null
    elif [[ $current == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$(_lxcri_options "$command")" -- "$current")
    elif [[ -z $command || $command == help ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$_lxcri_commands help" -- "$current")
    elif [[ " $_lxcri_with_id " == *" $command "* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$(lxcri "${before[@]}" list -q 2>/dev/null)" -- "$current")
    fi
}
complete -F _lxcri lxcri
)BASH";
// clang-format on

std::string bash_function(const char* name, const std::vector<CommandWords>& commands,
                          Flags flags) {
    std::string text = concat(name, "() {\n    case $1 in\n");
    text += concat("        '') echo ", single_quoted(flags_of(global_words(), flags)), " ;;\n");
    for (const auto& command : commands) {
        text += concat("        ", command.name, ") echo ",
                       single_quoted(flags_of(command.options, flags)), " ;;\n");
    }
    return text + "    esac\n}\n";
}

std::string bash_script() {
    const auto commands = all_commands();
    std::string names;
    std::string with_id;
    for (const auto& command : commands) {
        names += concat(names.empty() ? "" : " ", command.name);
        if (command.takes_id) with_id += concat(with_id.empty() ? "" : " ", command.name);
    }
    return concat("# bash completion for lxcri: `lxcri completion bash`\n",
                  "_lxcri_commands=", single_quoted(names),
                  "\n_lxcri_with_id=", single_quoted(with_id), "\n",
                  bash_function("_lxcri_options", commands, Flags::all),
                  bash_function("_lxcri_values", commands, Flags::with_value), kBash);
}

// --- zsh --------------------------------------------------------------------------------------

// '(-b --bundle)'{-b,--bundle=}'[help]:value:_files', as _arguments wants it. The value of a long
// option may stand behind "=".
std::string zsh_option(const OptionDescription& option) {
    std::string help;
    for (const char c : option.help) {
        if (c == '[' || c == ']' || c == ':' || c == '\\') help += '\\';
        help += c;
    }
    const std::string rest = concat("[", help, "]", option.has_value ? ":value:_files" : "");
    const std::string flag =
        concat(option.flag, option.has_value && !option.flag.empty() ? "=" : "");
    if (option.flag.empty() || option.letter.empty()) {
        return single_quoted(concat(flag, option.letter, rest));
    }
    return concat(single_quoted(concat("(", option.letter, " ", option.flag, ")")), "{",
                  option.letter, ",", flag, "}", single_quoted(rest));
}

std::string zsh_options(const std::vector<OptionDescription>& options, std::string_view indent) {
    std::string text;
    for (const auto& option : options) text += concat(" \\\n", indent, zsh_option(option));
    return text;
}

std::string zsh_script() {
    const auto commands = all_commands();
    std::string text =
        "#compdef lxcri\n# zsh completion for lxcri: `lxcri completion zsh`\n"
        "_lxcri_ids() {\n"
        "    local ids=(${(f)\"$(_call_program ids lxcri $where list -q 2>/dev/null)\"})\n"
        "    _describe 'container' ids\n}\n"
        "_lxcri() {\n    local context state state_descr line option where=()\n"
        "    typeset -A opt_args\n"
        "    local commands=(\n";
    for (const auto& command : commands) {
        text += concat("        ", single_quoted(concat(command.name, ":", command.help)), "\n");
    }
    text += concat("    )\n    _arguments -C", zsh_options(global_words(), "        "),
                   " \\\n        '1:command:->command' '*::argument:->argument'\n"
                   // Where the containers are. _call_program evaluates its words: what was typed
                   // is not to be run.
                   "    for option in --root --config; do\n"
                   "        [[ -z $opt_args[$option] ]] ||\n"
                   "            where+=($option ${(q)${(Q)opt_args[$option]}})\n    done\n"
                   "    case $state in\n    command) _describe 'command' commands ;;\n"
                   "    argument)\n        case $line[1] in\n");
    for (const auto& command : commands) {
        text += concat(
            "        ", command.name, ") _arguments", zsh_options(command.options, "            "),
            command.takes_id ? " \\\n            '*:container:_lxcri_ids'" : "", " ;;\n");
    }
    return text + "        esac ;;\n    esac\n}\n_lxcri \"$@\"\n";
}

// --- fish -------------------------------------------------------------------------------------

// clang-format off
constexpr std::string_view kFish = R"FISH(
# The words before the command, or the command itself.
function __lxcri_words -a which
    set -l words (commandline -opc)[2..]
    set -l before
    while string match -q -- '-*' "$words[1]"
        set -l count 1
        contains -- $words[1] $__lxcri_values; and set count 2
        set -a before $words[1..$count]
        set words $words[(math $count + 1)..]
    end
    if test $which = before
        string join \n -- $before
    else
        echo -- "$words[1]"
    end
end
function __lxcri_command_is
    contains -- (__lxcri_words command) $argv
end
function __lxcri_ids
    lxcri (__lxcri_words before) list -q 2>/dev/null
end
)FISH";
// clang-format on

std::string fish_option(const OptionDescription& option, std::string_view condition) {
    std::string text = concat("complete -c lxcri -n ", condition);
    if (!option.flag.empty()) text += concat(" -l ", option.flag.substr(2));
    if (!option.letter.empty()) text += concat(" -s ", option.letter.substr(1));
    // fish has no '\'' in single quotes, but \'.
    std::string help;
    for (const char c : option.help) help += c == '\'' ? std::string("\\'") : std::string(1, c);
    return concat(text, option.has_value ? " -r -F" : "", " -d '", help, "'\n");
}

std::string fish_script() {
    const std::string no_command = "\"__lxcri_command_is ''\"";
    std::string text = concat("# fish completion for lxcri: `lxcri completion fish`\n",
                              "set -g __lxcri_values ", flags_of(global_words(), Flags::with_value),
                              "\n", kFish.substr(1), "complete -c lxcri -f\n");
    for (const auto& option : global_words()) text += fish_option(option, no_command);
    for (const auto& command : all_commands()) {
        text += concat("complete -c lxcri -n ", no_command, " -a ", command.name, " -d ",
                       single_quoted(command.help), "\n");
        const std::string condition = single_quoted(concat("__lxcri_command_is ", command.name));
        for (const auto& option : command.options) text += fish_option(option, condition);
        if (command.takes_id) {
            text += concat("complete -c lxcri -n ", condition, " -a '(__lxcri_ids)'\n");
        }
    }
    return text;
}

constexpr std::array<Named<std::string (*)()>, 3> kShells{{
    {"bash", bash_script},
    {"zsh", zsh_script},
    {"fish", fish_script},
}};

struct Values {
    std::string shell;
};

constexpr auto kOptions = std::to_array<Option<Values>>({
    {"SHELL", "", "bash, zsh or fish", &Values::shell, Need::required},
});

}  // namespace

int run_completion(const settings::Options& /*common*/, Arguments arguments) {
    Parser parser("Print the completion script for a shell: bash, zsh or fish.",
                  "lxcri completion");
    Values values;
    parser.add(kOptions, values);
    parser.parse(std::move(arguments));
    show_own_words(choose(kShells, "SHELL", values.shell)());
    return EXIT_SUCCESS;
}

}  // namespace lxcri::cmd
