// What README.md, the help texts and the manual pages tell a reader to type works as it stands.
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "support/catch.h"
#include "support/environment.h"
#include "support/runtime.h"
#include "support/terminal.h"

using namespace lxcri::test;
namespace fs = std::filesystem;

namespace {

constexpr uid_t kUser = 65536 + 1234;  // has no name here

const fs::path kProject = fs::path(LXCRI_TEST_DATA).parent_path();

struct Snippet {
    std::string heading;  // the section's
    std::string text;
};

// What stands between ``` and ```.
std::vector<Snippet> snippets_of_readme() {
    std::vector<Snippet> snippets;
    std::string heading;
    bool inside = false;
    const std::string readme = read_file(kProject / "README.md");
    for (std::size_t at = 0; at < readme.size();) {
        const std::size_t end = std::min(readme.find('\n', at), readme.size());
        const std::string line = readme.substr(at, end - at);
        at = end + 1;
        if (line.starts_with("```")) {
            inside = !inside;
            if (inside) snippets.push_back({heading, ""});
        } else if (inside) {
            snippets.back().text += line + "\n";
        } else if (line.starts_with("#")) {
            heading = line.substr(line.find(' ') + 1);
        }
    }
    return snippets;
}

std::string snippet_below(const std::string& heading) {
    for (const Snippet& snippet : snippets_of_readme()) {
        if (snippet.heading == heading) return snippet.text;
    }
    FAIL("README.md has no snippet below " << heading);
    return {};
}

// A name that a reader would give, as one that is unique on this machine.
std::string renamed(Box& box, std::string text, const std::string& name) {
    const std::string ours = " " + box.name() + "-" + name;
    box.clean_up_id(ours.substr(1));
    for (std::size_t at = 0; (at = text.find(" " + name, at)) != std::string::npos;) {
        text.replace(at, name.size() + 1, ours);
        at += ours.size();
    }
    return text;
}

// A caller for whom `lxcri` is the runtime under test, and the containers are in the Box.
CommandOptions reader(const Box& box, const fs::path& directory) {
    CommandOptions options;
    options.environment =
        Strings{"PATH=" + box.runtime().parent_path().string() + ":/usr/sbin:/usr/bin:/sbin:/bin",
                "HOME=" + directory.string(), "LXCRI_ROOT=" + box.root().string()};
    options.working_directory = directory;
    return options;
}

// Runs the lines in bash, which adds to its stderr what has not ended with 0.
Finished type(const std::string& lines, const CommandOptions& options) {
    return run_command(
        {"/bin/bash", "-c", "trap 'echo \"failed: $BASH_COMMAND\" >&2' ERR\n" + lines}, options);
}

Strings failures_of(const Finished& finished) {
    Strings failed;
    for (const std::string& line : lines_of(finished.err)) {
        if (line.starts_with("failed: ")) failed.push_back(line.substr(8));
    }
    return failed;
}

// A directory with the root filesystem of the snippets: busybox and some of its names.
void make_busybox_rootfs(const fs::path& rootfs) {
    fs::create_directories(rootfs / "bin");
    fs::copy_file(find_program("busybox"), rootfs / "bin/busybox");
    for (const char* name : {"sh", "sleep"}) fs::create_symlink("busybox", rootfs / "bin" / name);
}

// "  lxcri state one     what it is" -> "lxcri state one"; the other lines are text.
Strings commands_in(const std::string& text) {
    Strings commands;
    for (std::string line : lines_of(text)) {
        if (!line.starts_with("  lxcri ")) continue;
        line = line.substr(2);
        commands.push_back(line.substr(0, line.find("  ")));
    }
    return commands;
}

}  // namespace

TEST_CASE("docs: every snippet of README.md is known here", "[docs][lxcri]") {
    NEEDS(need_runtime());
    APPLIES(in_first_view());
    Strings headings;
    for (const Snippet& snippet : snippets_of_readme()) headings.push_back(snippet.heading);
    CHECK(headings == Strings{"lxcri", "Install", "By hand", "Without root", "Settings",
                              "Under a container engine", "Under a container engine",
                              "Under a container engine", "Under a container engine"});
}

TEST_CASE("docs: README.md: ./dev and CMake know what is asked of them", "[docs][lxcri]") {
    NEEDS(need_runtime());
    APPLIES(in_first_view());
    const std::string dev = read_file(kProject / "dev");
    for (const std::string& line : lines_of(snippet_below("lxcri"))) {
        const Strings words = split(line, ' ');
        CAPTURE(line);
        REQUIRE(words.at(0) == "./dev");
        CHECK(contains(dev, "\ncommand_" + words.at(1) + "() {"));
    }
    const Json presets = Json::parse(read_file(kProject / "CMakePresets.json"));
    for (const char* kind : {"configurePresets", "buildPresets"}) {
        CHECK(std::any_of(presets.at(kind).begin(), presets.at(kind).end(),
                          [](const Json& preset) { return preset.at("name") == "release"; }));
    }
    for (const std::string& line : lines_of(snippet_below("Install"))) {
        CAPTURE(line);
        CHECK(line.starts_with("cmake "));
        CHECK(contains(line, "release"));
    }
}

TEST_CASE("docs: README.md: by hand", "[docs][lxcri]") {
    NEEDS(need_runtime());
    NEEDS(need_program("busybox"));
    APPLIES(in_first_view());
    APPLIES(has_controller("memory") && has_controller("pids"));
    Box box;
    const fs::path directory = box / "by-hand";
    fs::create_directories(directory);
    const std::string lines =
        renamed(box, renamed(box, snippet_below("By hand"), "first"), "second");
    const Finished finished = type(lines, reader(box, directory));
    INFO(finished.err);
    CHECK(failures_of(finished) == Strings{"lxcri translate --bundle bundle --diff another"});
    CHECK(contains(finished.out, "hello, I am pid 1\n"));
    CHECK(contains(finished.out, "lxc.rootfs.path"));
    CHECK(contains(finished.out, R"("status": "created")"));
    CHECK(contains(finished.out, "/bin/sleep 1000"));
    CHECK(contains(finished.out, R"("type":"stats")"));
    CHECK(names_in(box.root()) == Strings{});
}

TEST_CASE("docs: README.md: without root", "[docs][rootless][lxcri]") {
    NEEDS(need_runtime());
    APPLIES(!is_virtual_machine());  // only what was built is in there
    NEEDS(need_program("busybox"));
    APPLIES(in_first_view());
    Box box;
    const fs::path directory = box.bundle.path();
    make_busybox_rootfs(directory / "bundle/rootfs");
    box.give_to(kUser);
    CommandOptions options = reader(box, directory);
    options.uid = kUser;
    Terminal terminal;
    for (const int number : {0, 1, 2}) options.fds.emplace_back(terminal.slave.get(), number);
    Process process({"/bin/bash", "-ec", renamed(box, snippet_below("Without root"), "first")},
                    options);
    terminal.slave.reset();
    terminal.keyboard.wait_for("#");
    terminal.keyboard.type("echo I am $((40 + 2)); exit 0\n");
    terminal.keyboard.wait_for("I am 42");
    CHECK(process.wait_exit_only().code() == 0);
    CHECK(names_in(box.root()) == Strings{});
}

TEST_CASE("docs: README.md: settings", "[docs][lxcri]") {
    NEEDS(need_runtime());
    APPLIES(in_first_view());
    Box box;
    // /etc is the reader's own.
    const Finished finished =
        run_command({find_program("unshare"), "--mount", "/bin/bash", "-ec",
                     "mount -t tmpfs tmpfs /etc\n" + snippet_below("Settings") + "lxcri config\n"},
                    reader(box, box / ""));
    INFO(finished.err);
    CHECK(finished.code() == 0);
    std::vector<Strings> told;  // value and place, by each of the three commands
    for (const std::string& line : lines_of(finished.out)) {
        const Strings words = split(line, ' ');
        if (words.at(0) == "cgroupManager") told.push_back({words.at(1), words.at(2)});
    }
    CHECK(told == std::vector<Strings>{
                      {"cgroupfs", "built-in"}, {"systemd", "environment"}, {"systemd", "file"}});
}

TEST_CASE("docs: README.md: the engines' files say what the packaged ones say", "[docs][lxcri]") {
    NEEDS(need_runtime());
    APPLIES(in_first_view());
    const fs::path engines = kProject / "packaging/engines";
    std::string all;
    for (const Snippet& snippet : snippets_of_readme()) {
        if (snippet.heading == "Under a container engine") all += snippet.text;
    }
    for (const char* name : {"podman.conf", "crio.conf", "containerd.toml"}) {
        for (const std::string& line : lines_of(read_file(engines / name))) {
            CAPTURE(name, line);
            if (line.starts_with("#")) continue;
            // What is a matter of the driver, the prefix, or of the other runtimes there.
            const std::string key = line.substr(0, std::min(line.find(" ="), line.size()));
            if (key == "monitor_path") continue;
            CHECK(contains(all, key));
        }
    }
    const std::string docker = all.substr(all.find("{\n"));
    CHECK(Json::parse(docker).at("runtimes").contains("lxcri"));
}

TEST_CASE("docs: lxcri --help: the first steps", "[docs][lxcri]") {
    NEEDS(need_runtime());
    NEEDS(need_program("busybox"));
    APPLIES(in_first_view());
    Box box;
    const fs::path bundle = box / "DIR";
    make_busybox_rootfs(bundle / "rootfs");
    const std::string help = box.call({"--help"}).out;
    const std::string steps = renamed(box, help.substr(0, help.find("A container's life")), "one");
    for (const std::string& command : commands_in(steps)) {
        CAPTURE(command);
        CommandOptions options = reader(box, box / "");
        if (contains(command, " create ")) {
            Json config = Json::parse(read_file(bundle / "config.json"));
            config["process"]["terminal"] = false;
            config["process"]["args"] = {"sleep", "1000"};
            write_file(bundle / "config.json", config.dump());
        }
        if (contains(command, " run ") || contains(command, " exec ")) {
            Terminal terminal;
            for (const int number : {0, 1, 2}) {
                options.fds.emplace_back(terminal.slave.get(), number);
            }
            Process process({"/bin/sh", "-c", command}, options);
            terminal.slave.reset();
            terminal.keyboard.wait_for("#");
            terminal.keyboard.type("exit 0\n");
            CHECK(process.wait_exit_only().code() == 0);
            continue;
        }
        // The container keeps the output of create.
        const bool keeps = contains(command, " create ");
        const Finished finished =
            run_command({"/bin/sh", "-c", command + (keeps ? " >/dev/null 2>&1" : "")}, options);
        INFO(finished.err);
        // A machine may lack something that these steps do not need.
        const bool warnings = command == "lxcri check" && finished.code() == 2;
        CHECK((finished.code() == 0 || warnings));
    }
    CHECK(names_in(box.root()) == Strings{});
}

namespace {

// What the examples of one command need around them, as lines of a script.
std::string before(const std::string& command) {
    if (command == "create") {
        return R"(sed -i 's/"terminal": true/"terminal": false/' /srv/web/config.json
                  sed -i 's/"sh"/"sleep", "1000"/' /srv/web/config.json
                  )";
    }
    if (command == "translate") return "cp -r /srv/web old; cp -r /srv/web new\n";
    if (command == "exec") return "lxcri start web\n";
    // A person takes longer to type it than a container that is killed takes to end.
    if (command == "delete")
        return "until lxcri state web | grep -q stopped; do sleep 0.01; done\n";
    if (command == "update")
        return R"(echo '{"pids": {"limit": 50}}' > limits.json
                                       )";
    if (command == "run")
        return R"(sed -i 's/"1000"/"0"/' /srv/web/config.json
                                    )";
    if (command == "config") return "mount -t tmpfs tmpfs /etc; mkdir /etc/lxcri\n";
    return {};
}

// The example as a line that ends by itself.
std::string ending(const std::string& example) {
    if (contains(example, " -t ")) return "echo exit | script -qec '" + example + "' /dev/null\n";
    if (contains(example, "--interval")) {
        return "timeout --preserve-status -s INT 2 " + example + " || [[ $? == 130 ]]\n";
    }
    if (contains(example, " run ") && contains(example, " -d ")) {
        return example + "\nlxcri delete --force web\n";
    }
    return example + "\n";
}

}  // namespace

TEST_CASE("docs: the examples of each command's help", "[docs][lxcri]") {
    NEEDS(need_runtime());
    for (const char* program : {"busybox", "script", "unshare"}) NEEDS(need_program(program));
    APPLIES(in_first_view());
    APPLIES(has_controller("memory") && has_controller("pids"));
    Box box;
    make_busybox_rootfs(box / "site/rootfs");
    for (const char* name : {"ps", "id"}) {
        fs::create_symlink("busybox", (box / "site/rootfs/bin") / name);
    }
    fs::create_directories(box / "site/rootfs/srv");
    // /srv and /etc are the reader's own.
    std::string script = "mount -t tmpfs tmpfs /srv; mkdir /srv/web; mount --bind site /srv/web\n";
    std::size_t count = 0;
    for (const std::string command : {"spec", "create", "translate", "exec", "update", "ps",
                                      "events", "kill", "delete", "run", "config"}) {
        script += before(command);
        const std::string text = box.call({command, "--help"}).out;
        for (const std::string& example : commands_in(text.substr(text.find("Examples:")))) {
            ++count;
            // That needs systemd.
            if (!contains(example, "--systemd-cgroup")) script += ending(example);
        }
    }
    CHECK(count == 24);
    script = renamed(box, script, "web");
    write_file(box / "script", "trap 'echo \"failed: $BASH_COMMAND\" >&2' ERR\n" + script);
    INFO(script);
    const Finished finished = run_command(
        {find_program("unshare"), "--mount", "/bin/bash", box / "script"}, reader(box, box / ""));
    INFO(finished.err);
    CHECK(failures_of(finished) == Strings{"lxcri translate --bundle old --diff new"});
    CHECK(contains(finished.out, "uid=33 gid=33"));
    CHECK(names_in(box.root()) == Strings{});
}

TEST_CASE("docs: lxcri.json(5): the example is accepted", "[docs][lxcri]") {
    NEEDS(need_runtime());
    APPLIES(in_first_view());
    Box box;
    const std::string page = read_file(kProject / "docs/lxcri.json.5");
    const std::size_t begin = page.find(".nf\n") + 4;
    const fs::path file = box / "lxcri.json";
    write_file(file, page.substr(begin, page.find(".fi\n") - begin));
    const Finished finished = box.call({"--config", file, "config"});
    INFO(finished.err);
    CHECK(finished.code() == 0);
    CHECK(contains(finished.out, "systemd"));
    CHECK_FALSE(contains(page.substr(begin), ".nf\n"));
    // Those of "TOOLS OF LXC" are typed by the tests of a kept monitor.
    const std::string manual = read_file(kProject / "docs/lxcri.8");
    const std::string tools = manual.substr(manual.find(".SH TOOLS OF LXC"));
    CHECK_FALSE(contains(manual.substr(0, manual.find(".SH TOOLS OF LXC")), "\n.nf\n"));
    CHECK_FALSE(contains(tools.substr(tools.find("\n.SH ", 1)), "\n.nf\n"));
}
