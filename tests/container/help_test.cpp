// What a person sees: help texts, and hints for what was mistyped.
#include <filesystem>

#include "support/catch.h"
#include "support/environment.h"
#include "support/runtime.h"
#include "support/terminal.h"

using namespace lxcri::test;
namespace fs = std::filesystem;

namespace {

Finished lxcri_says(Strings arguments) {
    arguments.insert(arguments.begin(), environment().runtime);
    return run_command(arguments);
}

// The one line on stderr of a command line that cannot be right.
std::string complaint(const Strings& arguments) {
    const Finished finished = lxcri_says(arguments);
    CHECK(finished.code() == 1);
    CHECK(finished.out.empty());
    CHECK(lines_of(finished.err).size() == 1);
    return finished.err;
}

// The first words below the headings of commands.
Strings commands_in_help() {
    Strings commands;
    bool is_command = false;
    for (const std::string& line : lines_of(lxcri_says({"--help"}).out)) {
        if (line.find("container's life") != std::string::npos) is_command = true;
        if (line.starts_with("Options")) is_command = false;
        if (is_command && line.starts_with("  ") && line[2] != ' ') {
            commands.push_back(line.substr(2, line.find(' ', 2) - 2));
        }
    }
    return commands;
}

}  // namespace

TEST_CASE("help: --help, -h and help say the same, on stdout", "[help][lxcri]") {
    NEEDS(need_runtime());
    const Finished finished = lxcri_says({"--help"});
    CHECK(finished.code() == 0);
    CHECK(finished.err.empty());
    CHECK(contains(finished.out, "First steps"));
    CHECK(contains(finished.out, "--log-format"));
    CHECK(lxcri_says({"-h"}).out == finished.out);
    CHECK(lxcri_says({"help"}).out == finished.out);
    CHECK_FALSE(contains(finished.out, "\x1b"));
}

TEST_CASE("help: every command has its own, and it is short enough for a terminal",
          "[help][lxcri]") {
    NEEDS(need_runtime());
    const Strings commands = commands_in_help();
    CHECK(commands.size() >= 17);
    for (const std::string& command : commands) {
        CAPTURE(command);
        const Finished finished = lxcri_says({command, "--help"});
        CHECK(finished.code() == 0);
        CHECK(contains(finished.out, "Usage: lxcri " + command));
        CHECK(lxcri_says({"help", command}).out == finished.out);
        for (const std::string& line : lines_of(finished.out)) {
            CAPTURE(line);
            CHECK(line.size() <= 90);
            CHECK_FALSE(line.ends_with(' '));
        }
    }
    CHECK(contains(lxcri_says({"exec", "--help"}).out,
                   "Usage: lxcri exec [OPTIONS] ID PROGRAM [ARGUMENT...]\n"));
    CHECK(contains(lxcri_says({"ps", "--help"}).out,
                   "Usage: lxcri ps [OPTIONS] ID [PS-OPTION...]\n"));
    for (const std::string& line : lines_of(lxcri_says({"--help"}).out)) {
        CAPTURE(line);
        CHECK(line.size() <= 90);
    }
}

// Whatever the version of CLI11 makes of it.
TEST_CASE("help: the options of a command are laid out as those before it", "[help][lxcri]") {
    NEEDS(need_runtime());
    const std::string help = lxcri_says({"create", "--help"}).out;
    CHECK(contains(help,
                   "Usage: lxcri create [OPTIONS] ID\n\n"
                   "Positionals:\n"
                   "  ID REQUIRED                 name of the container, unique below --root\n\n"
                   "Options:\n"
                   "  -b, --bundle DIR            directory with config.json (default: here)\n"));
    CHECK(
        contains(help,
                 "  --pid-file FILE             file that gets the pid of the container process,\n"
                 "                              or of the monitor if it stays\n"));
    CHECK(contains(help, "  -h, --help                  show this text\n\nExamples:\n"));
}

TEST_CASE("hints: a mistyped command, option or option of a command", "[help][lxcri]") {
    NEEDS(need_runtime());
    CHECK(contains(complaint({"craete", "x"}),
                   "unknown command \"craete\", did you mean \"create\"?"));
    CHECK(contains(complaint({"--rooot", "/x", "list"}),
                   "unknown option \"--rooot\", did you mean \"--root\"?"));
    CHECK(contains(complaint({"create", "--bundel=/x", "a"}),
                   "unknown option \"--bundel\", did you mean \"--bundle\"?"));
    CHECK_FALSE(contains(complaint({"frobnicate"}), "did you mean"));
    CHECK(contains(complaint({"frobnicate"}), "`lxcri --help`"));
}

TEST_CASE("hints: what is missing, and what is too much", "[help][lxcri]") {
    NEEDS(need_runtime());
    CHECK(contains(complaint({}), "a command is missing"));
    CHECK(contains(complaint({"--root"}), "--root: a value is missing"));
    CHECK(contains(complaint({"state"}), "ID is required; `lxcri state --help`"));
    CHECK(contains(complaint({"state", "a", "b"}), "unexpected argument \"b\""));
    CHECK(contains(complaint({"--debug=perhaps", "list"}), "expected true or false"));
}

TEST_CASE("hints: the name of a container that is almost right", "[help][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    Container container = box.sleeper();
    const std::string id = container.id();
    const std::string wrong = id.substr(0, id.size() - 1) + "x";
    const Finished finished = box.call({"state", wrong});
    CHECK(finished.code() == 1);
    CHECK(contains(finished.err, "\"" + wrong + "\" does not exist, did you mean \"" + id + "\"?"));
    CHECK(lines_of(finished.err).size() == 1);
    CHECK_FALSE(contains(box.call({"state", "something-else"}).err, "did you mean"));
    container.kill();
}

TEST_CASE("options: before the command in every spelling that callers use", "[help][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    Container container = box.sleeper();
    const std::string root = box.root();
    CHECK(lxcri_says({"--root", root, "state", container.id()}).code() == 0);
    CHECK(lxcri_says({"--root=" + root, "state", container.id()}).code() == 0);
    // The last one counts, as with runc.
    CHECK(lxcri_says({"--root=/nowhere", "--root", root, "state", container.id()}).code() == 0);
    CHECK(lxcri_says({"--systemd-cgroup=false", "--root", root, "state", container.id()}).code() ==
          0);
    CHECK(lxcri_says({"--rootless", "auto", "--root", root, "state", container.id()}).code() == 0);
    container.kill();
}

TEST_CASE("help: bold headings on a terminal, unless NO_COLOR is set", "[help][lxcri]") {
    NEEDS(need_runtime());
    const bool no_color = GENERATE(false, true);
    Terminal terminal;
    CommandOptions options;
    options.fds = {{terminal.slave.get(), 1}};
    options.environment = Strings{"TERM=xterm"};
    if (no_color) options.environment->push_back("NO_COLOR=1");
    Process process({environment().runtime, "--help"}, options);
    terminal.keyboard.wait_for("lxcri.json(5)");
    CHECK(process.wait_exit_only().code() == 0);
    CHECK(contains(terminal.keyboard.text(), "\x1b[1m") == !no_color);
}

// --- completion --------------------------------------------------------------------------------

namespace {

std::string completion_script(const Box& box, const std::string& shell) {
    const Finished finished = lxcri_says({"completion", shell});
    CHECK(finished.code() == 0);
    const std::string file = box / ("completion." + shell);
    write_file(file, finished.out);
    return file;
}

// What bash would offer for the last of the words.
std::string bash_offers(const std::string& script, const std::string& words) {
    const std::string program = "PATH=" + environment().runtime.parent_path().string() +
                                ":$PATH; source " + script + "; COMP_WORDS=(" + words +
                                "); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _lxcri 2>/dev/null; "
                                "echo \"${COMPREPLY[*]}\"";
    const Finished finished = run_command({"/bin/bash", "-c", program});
    std::string offered = finished.out;
    while (offered.ends_with('\n')) offered.pop_back();
    return offered;
}

}  // namespace

TEST_CASE("completion: bash offers commands, options, values and containers", "[help][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    const std::string script = completion_script(box, "bash");
    CHECK(bash_offers(script, "lxcri cr") == "create");
    CHECK(bash_offers(script, "lxcri --log-l") == "--log-level");
    CHECK(bash_offers(script, "lxcri --root /x cr") == "create");
    CHECK(bash_offers(script, "lxcri --root = /x cr") == "create");
    CHECK(bash_offers(script, "lxcri --debug create --bund") == "--bundle");
    CHECK(bash_offers(script, "lxcri create --bundle " + (box / "bundl").string()) ==
          box.bundle.path().string());
    Container container = box.sleeper();
    CHECK(bash_offers(script, "lxcri --root " + box.root().string() + " state ''") ==
          container.id());
    container.kill();
}

TEST_CASE("completion: every command and option of the help texts is in every script",
          "[help][lxcri]") {
    NEEDS(need_runtime());
    const std::string shell = GENERATE(as<std::string>(), "bash", "zsh", "fish");
    const std::string script = lxcri_says({"completion", shell}).out;
    for (const std::string& command : commands_in_help()) {
        CAPTURE(shell, command);
        CHECK(contains(script, command));
        for (const std::string& line : lines_of(lxcri_says({command, "--help"}).out)) {
            const auto flag = line.find("--");
            if (!line.starts_with("  -") || flag == std::string::npos) continue;
            std::string name = line.substr(flag + 2);
            name = name.substr(0, name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-"));
            CAPTURE(name);
            CHECK(contains(script, (shell == "fish" ? "-l " : "--") + name));
        }
    }
}

TEST_CASE("completion: fish offers commands, options, values and containers", "[help][lxcri]") {
    NEEDS(need_runtime());
    NEEDS(need_program("fish"));
    Box box;
    const std::string script = completion_script(box, "fish");
    CommandOptions options;
    options.environment =
        Strings{"HOME=" + (box / "home").string(),
                "PATH=" + environment().runtime.parent_path().string() + ":/usr/bin:/bin"};
    // Without the explanations behind the words.
    const auto offers = [&](const std::string& words) {
        const Finished fish = run_command(
            {find_program("fish"), "--no-config", "-c",
             "source " + script + "; complete -C '" + words + "' | string replace -r '\t.*' ''"},
            options);
        CHECK(fish.err == "");
        return lines_of(fish.out);
    };
    CHECK(offers("lxcri st") == Strings{"start", "state"});
    CHECK(offers("lxcri --log-l") == Strings{"--log-level"});
    CHECK(offers("lxcri --root /x cr") == Strings{"create"});
    CHECK(offers("lxcri --root=/x --debug cr") == Strings{"create"});
    CHECK(offers("lxcri --debug create --bund") == Strings{"--bundle"});
    CHECK(offers("lxcri create --root") == Strings{});
    CHECK(offers("lxcri create --bundle " + (box / "bundl").string()) ==
          Strings{box.bundle.path().string() + "/"});
    Container container = box.sleeper();
    const std::string root = "lxcri --root " + box.root().string();
    CHECK(offers(root + " state ") == Strings{container.id()});
    CHECK(offers(root + " delete --force ") == Strings{container.id()});
    CHECK(offers(root + " create ") == Strings{});
    container.kill();
}

TEST_CASE("completion: zsh completes commands, options, values and containers",
          "[help][lxcri][terminal]") {
    NEEDS(need_runtime());
    NEEDS(need_program("zsh"));
    Box box;
    fs::create_directories(box / "functions");
    fs::rename(completion_script(box, "zsh"), box / "functions/_lxcri");
    Terminal terminal;
    CommandOptions options;
    options.environment = Strings{
        "PATH=" + environment().runtime.parent_path().string() + ":/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME=" + box.bundle.path().string(), "TERM=dumb"};
    options.fds = {{terminal.slave.get(), 0}, {terminal.slave.get(), 1}, {terminal.slave.get(), 2}};
    // A user at a terminal: zsh completes only where it edits lines.
    Process zsh({"/usr/bin/setsid", "--ctty", "--wait", find_program("zsh"), "-f", "-i"}, options);
    Keyboard& keyboard = terminal.keyboard;
    keyboard.resize(50, 500);  // no line breaks
    keyboard.wait_for("# ");
    keyboard.type("setopt nobeep; PS1='rea''dy> '; fpath=(" + (box / "functions").string() +
                  " $fpath); autoload -U compinit; compinit -u -D\r");
    keyboard.wait_for("ready> ");
    // Types the words and the tabulator, waits for what the line becomes, and removes the line.
    const auto completes = [&](const std::string& words, const std::string& line) {
        CAPTURE(words);
        keyboard.type(words + "\t");
        keyboard.wait_for(line);
        keyboard.type("\x15");
    };
    completes("lxcri resu", "lxcri resume ");
    completes("lxcri --log-l", "lxcri --log-level");
    completes("lxcri --root /x cre", "lxcri --root /x create ");
    completes("lxcri --root=/x --debug del", "lxcri --root=/x --debug delete ");
    completes("lxcri --debug create --bund", "lxcri --debug create --bundle");
    completes("lxcri create --bundle " + (box / "bundl").string(),
              "lxcri create --bundle " + box.bundle.path().string() + "/");
    // More than one: a list with explanations, the longest common part in the line.
    completes("lxcri st\t", "start  -- let the process of a created container run");
    Container container = box.sleeper();
    const std::string root = "lxcri --root " + box.root().string();
    completes(root + " state ", root + " state " + container.id() + " ");
    completes(root + " delete --force ", root + " delete --force " + container.id() + " ");
    keyboard.type("exit 7\r");
    CHECK(zsh.wait_exit_only().code() == 7);
    container.kill();
}
