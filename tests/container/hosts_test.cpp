// Hosts that lack something: it works without, or one line says what is missing.
#include <fcntl.h>
#include <sys/stat.h>

#include <filesystem>

#include "support/catch.h"
#include "support/environment.h"
#include "support/runtime.h"
#include "support/sockets.h"

using namespace lxcri::test;
namespace fs = std::filesystem;

namespace {

constexpr uid_t kServiceUser = 12345;

// RUNTIME --root ROOT ARGUMENTS... where a script has changed the mounts that it sees.
Finished call_after(Box& box, const std::string& script, const Strings& arguments,
                    const Strings& unshare = {}) {
    Strings command = {find_program("unshare"), "--mount"};
    command.insert(command.end(), unshare.begin(), unshare.end());
    for (const std::string& word : {std::string("/bin/sh"), std::string("-ec"),
                                    script + "\nexec \"$@\"", std::string("sh")}) {
        command.push_back(word);
    }
    const Strings line = box.command_line(arguments);
    command.insert(command.end(), line.begin(), line.end());
    return run_command(command);
}

Finished run_after(Box& box, const std::string& script, const Strings& unshare = {}) {
    box.bundle.write();
    box.clean_up_id(box.name());
    return call_after(box, script, {"run", "--bundle", box.bundle.path(), box.name()}, unshare);
}

Json finding(const std::string& json, const std::string& name) {
    const Json all = Json::parse(json);
    for (const Json& row : all.at("findings")) {
        if (row.at("name") == name) return row;
    }
    return {};
}

std::string the_line(const Finished& finished) {
    INFO(finished.err);
    CHECK(finished.code() == 1);
    CHECK(lines_of(finished.err).size() == 1);
    return finished.err;
}

}  // namespace

TEST_CASE("hosts: lxcri is the first process of a pid namespace, as in a container",
          "[hosts][run][lxcri]") {
    NEEDS(need_runtime());
    // Then the pids of liblxc's monitor, and of what it makes in the container's pid namespace, can
    // be the same numbers.
    Box box;
    box.bundle.add_mount({{"destination", "/sys/fs/cgroup"},
                          {"type", "cgroup"},
                          {"source", "cgroup"},
                          {"options", {"ro"}}});
    box.bundle.args({"ids"});
    box.bundle.write();
    box.clean_up_id(box.name());
    Strings line = {find_program("unshare"), "--pid", "--fork", "--kill-child", "--mount-proc"};
    const Strings run = box.command_line({"run", "--bundle", box.bundle.path(), box.name()});
    line.insert(line.end(), run.begin(), run.end());
    const Finished ran = run_command(line);
    INFO(ran.err);
    CHECK(ran.code() == 0);
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("hosts: no /sys, and no cgroup filesystem: containers run, check warns",
          "[hosts][lxcri]") {
    NEEDS(need_runtime());
    APPLIES(in_first_view());
    const std::string script = GENERATE(as<std::string>{}, "mount -t tmpfs tmpfs /sys",
                                        "umount -R /sys/fs/cgroup", "umount -R /sys");
    CAPTURE(script);
    Box box;
    box.bundle.linux().erase("cgroupsPath");
    box.bundle.linux().erase("resources");
    box.bundle.remove_mount("/sys/fs/cgroup");
    box.bundle.args({"ids"});
    const Finished ran = run_after(box, script);
    INFO(ran.err);
    CHECK(ran.code() == 0);
    CHECK(contains(ran.out, "uid=0"));
    const Finished checked = call_after(box, script, {"check", "--format", "json"});
    CHECK(checked.code() == 2);
    CHECK(finding(checked.out, "hierarchies").at("severity") == "warning");
}

TEST_CASE("hosts: no /proc: one line says so", "[hosts][lxcri]") {
    NEEDS(need_runtime());
    APPLIES(in_first_view());
    Box box;
    const Strings command =
        GENERATE(Strings{"check"}, Strings{"list"}, Strings{"features"}, Strings{"state", "x"});
    CAPTURE(command);
    const Finished finished = call_after(box, "mount -t tmpfs tmpfs /proc", command);
    CHECK(contains(the_line(finished), "a procfs on /proc is required, but there is none"));
}

TEST_CASE("hosts: what is missing above the runtime root is made as usual", "[hosts][lxcri]") {
    NEEDS(need_runtime());
    APPLIES(in_first_view());
    Box box;
    box.bundle.args({"true"});
    box.bundle.write();
    const fs::path root = box / "run/lxcri";
    const Finished ran = run_command(
        {environment().runtime, "--root", root, "run", "--bundle", box.bundle.path(), box.name()});
    INFO(ran.err);
    CHECK(ran.code() == 0);
    CHECK(fs::status(box / "run").permissions() == fs::perms{0755});
    CHECK(fs::status(root).permissions() == fs::perms{0711});
}

TEST_CASE("hosts: a sysctl forbids namespaces: its name is in the message", "[hosts][lxcri]") {
    NEEDS(need_runtime());
    APPLIES(in_first_view());
    Box box;
    box.bundle.linux().erase("cgroupsPath");
    box.bundle.linux().erase("resources");
    // The limits are those of a user namespace: the machine's own stay.
    const auto [type, sysctl] = GENERATE(table<std::string, std::string>(
        {{"user", "user.max_user_namespaces"}, {"ipc", "user.max_ipc_namespaces"}}));
    CAPTURE(type);
    if (type == "user") {
        box.bundle.add_namespace("user");
        const Json mapping = {{{"containerID", 0}, {"hostID", 0}, {"size", 1}}};
        box.bundle.linux()["uidMappings"] = mapping;
        box.bundle.linux()["gidMappings"] = mapping;
    }
    const Finished ran = run_after(
        box, "mount -t proc proc /proc; echo 0 > /proc/sys/user/max_" + type + "_namespaces",
        {"--user", "--map-root-user", "--pid", "--fork"});
    CHECK(contains(the_line(ran), "sysctl " + sysctl + " is 0"));
    CHECK(names_in(box.root()) == Strings{});
}

// A service with Delegate=yes is like this: the cgroup is its user's, and its processes are in
// there.
TEST_CASE("hosts: a delegated cgroup that has processes: the message says what helps",
          "[hosts][cgroup][delegation][lxcri]") {
    NEEDS(need_runtime());
    NEEDS(need_program("setpriv"));
    APPLIES(environment().layout == CgroupLayout::kV2);
    const bool has_pids = has_controller("pids");
    if (!has_pids) REQUIRE(has_controller("hugetlb"));
    Box box;
    box.bundle.add_namespace("user");
    box.bundle.remove_namespace("network");
    for (const char* map : {"uidMappings", "gidMappings"}) {
        box.bundle.linux()[map] = {{{"containerID", 0}, {"hostID", kServiceUser}, {"size", 1}}};
    }
    box.bundle.remove_mount("/sys/fs/cgroup");
    box.bundle.linux().erase("cgroupsPath");
    if (has_pids) {
        box.bundle.linux()["resources"] = {{"pids", {{"limit", 100}}}};
    } else {
        const Json limits = {{{"pageSize", "2MB"}, {"limit", 0}}};
        box.bundle.linux()["resources"] = {{"hugepageLimits", limits}};
    }
    box.give_to(kServiceUser);

    const std::string user = std::to_string(kServiceUser);
    const fs::path service = fs::path("/sys/fs/cgroup") / (box.name() + "-service");
    const bool systemd = GENERATE(false, true);
    CAPTURE(systemd);
    std::string script = "mount -t tmpfs -o mode=755 tmpfs /run\n";
    if (systemd) script += "mkdir -p /run/systemd/system\n";
    script += "cd " + service.string() + "\necho $$ >cgroup.procs\n" + "chown " + user +
              " . cgroup.procs cgroup.subtree_control\n" + "set -- setpriv --reuid=" + user +
              " --regid=" + user + " --clear-groups \"$@\"";
    fs::create_directory(service);
    const std::string line = the_line(run_after(box, script));
    CHECK(fs::remove(service));
    CHECK(contains(line, (service / "cgroup.subtree_control").string()));
    CHECK(contains(line, "this cgroup has processes"));
    CHECK(contains(line, "/linux/cgroupsPath"));
    CHECK(contains(line, "--systemd-cgroup") == systemd);
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("hosts: a program whose interpreter is not there: its name is in the message",
          "[hosts][lxcri]") {
    NEEDS(need_runtime());
    APPLIES(in_first_view());
    Box box;
    const fs::path program = box.bundle.rootfs() / "program";
    std::string interpreter = "/no/such/interpreter";
    if (GENERATE(true, false)) {
        write_file(program, "#! " + interpreter + " -x\nexit 0\n", 0755);
    } else {
        // Dynamic, as ours is: what it names as its loader.
        fs::copy_file("/proc/self/exe", program);
        const std::string text = read_file(program);
        const std::size_t at = text.find("/lib");
        interpreter = text.substr(at, text.find('\0', at) - at);
    }
    box.bundle.process()["args"] = {"/program"};
    Container container = box.create();
    const Finished started = box.call({"start", container.id()});
    CHECK(contains(the_line(started),
                   "no such file or directory: its interpreter \"" + interpreter + "\""));
}

TEST_CASE("hosts: a terminal without a devpts: the message says what config.json lacks",
          "[hosts][lxcri]") {
    NEEDS(need_runtime());
    APPLIES(in_first_view());
    Box box;
    box.bundle.remove_mount("/dev/pts");
    box.bundle.process()["terminal"] = true;
    const ReceivingSocket socket(box / "console");
    CreateOptions options;
    options.flags = {"--console-socket", socket.path()};
    CHECK(contains(box.refusal(options), "/mounts must have one of type \"devpts\""));
}

TEST_CASE("hosts: a damaged helper is refused by its name", "[hosts][lxcri]") {
    NEEDS(need_runtime());
    APPLIES(in_first_view());
    Box box;
    const fs::path installed = environment().runtime.parent_path().parent_path() / "libexec/lxcri";
    const fs::path libexec = box / "libexec";
    fs::create_directories(libexec);
    for (const std::string& name : names_in(installed)) {
        fs::copy_file(installed / name, libexec / name);
    }
    if (GENERATE(true, false)) {
        write_file(libexec / "lxcri-init", "nonsense\n", 0755);
    } else {
        fs::resize_file(libexec / "lxcri-init", fs::file_size(libexec / "lxcri-init") / 2);
    }
    CreateOptions options;
    options.global = {"--libexec", libexec};
    CHECK(contains(box.refusal(options), "libexec/lxcri-init\" is damaged"));
}

TEST_CASE("hosts: a filter around us refuses clone3 or pidfd_send_signal: the old calls do",
          "[hosts][lxcri]") {
    NEEDS(need_runtime());
    const std::string call = GENERATE(as<std::string>{}, "clone3", "pidfd_send_signal");
    const std::string error = GENERATE(as<std::string>{}, "ENOSYS", "EPERM");
    CAPTURE(call, error);
    Box box;
    box.bundle.args({"trap", "TERM", "7"});
    box.bundle.write();
    box.clean_up_id(box.name());
    const auto confined = [&](const Strings& arguments) {
        Strings line = {environment().probe, "without-" + call, error};
        for (const std::string& word : box.command_line(arguments)) line.push_back(word);
        CommandOptions options;
        const UniqueFd null(open("/dev/null", O_RDWR | O_CLOEXEC));
        if (arguments.front() == "create") options.fds = {{null.get(), 1}, {null.get(), 2}};
        const Finished finished = run_command(line, options);
        INFO(finished.err);
        CHECK(finished.code() == 0);
        return finished.out;
    };
    confined({"create", "--bundle", box.bundle.path(), "--pid-file", box / "pid", box.name()});
    confined({"start", box.name()});
    CHECK(contains(confined({"exec", box.name(), "/probe", "ids"}), "uid=0"));
    confined({"kill", box.name(), "TERM"});
    confined({"delete", "--force", box.name()});
    CHECK(box.leftovers() == Strings{});
    const Finished checked = run_command(
        {environment().probe, "without-" + call, error, environment().runtime, "check"});
    CHECK(contains(checked.out, call));
    CHECK(contains(checked.out, " instead"));
}
