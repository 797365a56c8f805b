#include "help.h"

#include <algorithm>
#include <array>

#include "base/strings.h"
#include "command.h"
#include "globals.h"
#include "terminal_style.h"

namespace lxcri::cmd {

namespace {

constexpr std::string_view kFirstSteps =
    "  lxcri check                         what this machine can do\n"
    "  lxcri spec --bundle DIR             write DIR/config.json; put a root filesystem to\n"
    "                                      DIR/rootfs\n"
    "  lxcri run --bundle DIR one          its shell, here: create, start, wait, delete\n"
    "\n"
    "Or step by step, with \"terminal\": false and \"args\": [\"sleep\", \"1000\"] in "
    "config.json:\n\n"
    "  lxcri create --bundle DIR one       all is set up, the process waits\n"
    "  lxcri start one                     the process runs\n"
    "  lxcri list                          all containers\n"
    "  lxcri exec -t one sh                a shell beside it\n"
    "  lxcri delete --force one            the end\n";

struct Examples {
    std::string_view command;
    std::string_view text;
};

constexpr std::array<Examples, 16> kExamples{{
    {"create",
     "  lxcri create --bundle /srv/web web\n"
     "  lxcri --systemd-cgroup create --bundle /srv/web --pid-file /run/web.pid web\n"},
    {"run",
     "  lxcri run --bundle /srv/web web         in the foreground, deleted at its end\n"
     "  lxcri run --bundle /srv/web -d web      in the background: `lxcri delete web` at the "
     "end\n"},
    {"exec",
     "  lxcri exec web ps\n"
     "  lxcri exec -t -e TERM=xterm web sh      with a terminal\n"
     "  lxcri exec -u 33:33 --cwd /srv web id\n"},
    {"kill",
     "  lxcri kill web               TERM\n"
     "  lxcri kill -a web KILL       to every process\n"},
    {"delete",
     "  lxcri delete web\n"
     "  lxcri delete --force web     kills it first\n"},
    {"update",
     "  lxcri update --memory 512m --pids-limit 100 web\n"
     "  lxcri update --resources limits.json web\n"},
    {"mounts",
     "  lxcri mounts add web -v /srv/data:/data:ro\n"
     "  lxcri mounts add web --type tmpfs --destination /cache --options size=64m\n"
     "  lxcri mounts list web\n"
     "  lxcri mounts remove web /data\n"},
    {"devices",
     "  lxcri devices add web --device /dev/fuse\n"
     "  lxcri devices remove web /dev/fuse\n"},
    {"ps", "  lxcri ps web\n  lxcri ps web -o pid,rss,args\n  lxcri ps -f json web\n"},
    {"events", "  lxcri events --stats web\n  lxcri events --interval 1s web\n"},
    {"checkpoint",
     "  lxcri checkpoint --image-path /srv/images web\n"
     "  lxcri checkpoint --image-path /srv/images --leave-running web\n"},
    {"restore", "  lxcri restore --image-path /srv/images --bundle /srv/web --detach web\n"},
    {"spec", "  lxcri spec --bundle /srv/web\n"},
    {"translate",
     "  lxcri translate --bundle /srv/web              liblxc's configuration\n"
     "  lxcri translate --bundle /srv/web -f json      the whole plan\n"
     "  lxcri translate --bundle old --diff new        how the plans differ\n"},
    {"completion",
     "  source <(lxcri completion bash)\n"
     "  lxcri completion fish > ~/.config/fish/completions/lxcri.fish\n"},
    {"config",
     "  lxcri config\n"
     "  lxcri config --default --out /etc/lxcri/lxcri.json\n"},
}};

constexpr std::size_t kIndent = 2;

std::string commands_of(Group group) {
    std::string text;
    for (const Command& command : kCommands) {
        if (command.group == group) text += help_entry(std::string(command.name), command.help, 14);
    }
    return text;
}

std::string left_of(const GlobalOption& option) {
    std::string text = option.letter != 0 ? concat("-", std::string(1, option.letter), ", ") : "";
    text += option.flag;
    return option.word.empty() ? text : concat(text, " ", option.word);
}

}  // namespace

std::string help_entry(const std::string& left, std::string_view right, std::size_t column) {
    constexpr std::size_t kWidth = 80;
    std::string result = std::string(kIndent, ' ') + left;
    std::size_t at = result.size();
    if (at + 2 > column) {
        result += '\n';
        at = 0;
    }
    result.append(column - at, ' ');
    at = column;
    for (const std::string& word : split(right, ' ')) {
        if (at > column && at + 1 + word.size() > kWidth) {
            result += '\n' + std::string(column, ' ');
            at = column;
        } else if (at > column) {
            result += ' ';
            ++at;
        }
        result += word;
        at += word.size();
    }
    return result + '\n';
}

std::string help_text() {
    const Style style = style_of_stdout();
    std::string text =
        "lxcri: an OCI container runtime on liblxc\n\n"
        "lxcri [OPTIONS] COMMAND [ARGUMENTS]\n";
    const auto section = [&](std::string_view title, const std::string& body) {
        text += concat("\n", style.bold(title).text(), "\n", body);
    };
    section("First steps", std::string(kFirstSteps));
    section("A container's life", commands_of(Group::life));
    section("A container that exists", commands_of(Group::existing));
    section("Without a container", commands_of(Group::other));
    std::string options;
    for (const GlobalOption& option : global_options()) {
        options += help_entry(left_of(option), option.help, 30);
    }
    section("Options, before the command", options);
    text +=
        "\n`lxcri COMMAND --help` shows the options of a command. Most of the options above can "
        "be\n"
        "set in /etc/lxcri/lxcri.json, too: `lxcri config`, lxcri(8), lxcri.json(5).\n";
    return text;
}

std::string_view examples_of(std::string_view command) {
    const auto found = std::find_if(kExamples.begin(), kExamples.end(),
                                    [&](const Examples& row) { return row.command == command; });
    return found == kExamples.end() ? std::string_view() : found->text;
}

}  // namespace lxcri::cmd
