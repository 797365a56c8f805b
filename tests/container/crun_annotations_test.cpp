// The annotations run.oci.*, which callers set for crun.
#include <grp.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <filesystem>

#include "hooks.h"
#include "support/catch.h"
#include "support/environment.h"
#include "support/podman.h"
#include "support/runtime.h"

using namespace lxcri::test;
namespace fs = std::filesystem;

namespace {

// Supplementary groups of this process, which the programs that it starts inherit.
class Groups {
  public:
    explicit Groups(const std::vector<gid_t>& groups) {
        REQUIRE(::setgroups(groups.size(), groups.data()) == 0);
    }
    Groups(const Groups&) = delete;
    Groups& operator=(const Groups&) = delete;
    ~Groups() { (void)::setgroups(before_.size(), before_.data()); }

  private:
    static std::vector<gid_t> current() {
        std::vector<gid_t> groups(64);
        groups.resize(static_cast<std::size_t>(::getgroups(64, groups.data())));
        return groups;
    }
    std::vector<gid_t> before_ = current();
};

void annotate(Box& box, const std::string& name, const std::string& value) {
    box.bundle.config["annotations"]["run.oci." + name] = value;
}

void end(Container& container) {
    container.kill();
    (void)container.wait();
    container.remove();
}

}  // namespace

TEST_CASE("run.oci.keep_original_groups: the caller's groups, for exec as well",
          "[annotations][not-runc]") {
    NEEDS(need_runtime());
    Box box;
    const std::string value = GENERATE(as<std::string>(), "1", "0", "");
    CAPTURE(value);
    annotate(box, "keep_original_groups", value);
    box.bundle.process()["user"]["additionalGids"] = {33};
    box.bundle.args({"ids", "--", "trap", "TERM", "0"});
    const Groups groups({7, 8});
    Container container = box.create();
    container.start();
    container.out().wait_for("ready");
    const std::string expected = value == "0" ? "33" : "7,8";
    CHECK(value_of(container.out().text(), "groups") == expected);
    const Groups others({9});
    // What the caller of exec has: its own groups.
    const std::string out = box.exec(container, {"ids"}).out;
    if (value != "0") CHECK(value_of(out, "groups") == "9");
    end(container);
}

TEST_CASE("run.oci.keep_original_groups: in the user namespace of an ordinary user",
          "[annotations][rootless][not-crun][not-runc]") {
    NEEDS(need_runtime());
    NEEDS(need_program("setpriv"));
    Box box;
    annotate(box, "keep_original_groups", "1");
    box.bundle.add_namespace("user");
    box.bundle.remove_namespace("network");
    box.bundle.remove_mount("/sys/fs/cgroup");
    box.bundle.linux().erase("cgroupsPath");
    const Json mapping = Json::array({{{"containerID", 0}, {"hostID", 12345}, {"size", 1}}});
    box.bundle.linux()["uidMappings"] = mapping;
    box.bundle.linux()["gidMappings"] = mapping;
    box.bundle.args({"ids"});
    box.bundle.write();
    box.give_to(12345);
    Strings command{find_program("setpriv"), "--reuid=12345", "--regid=12345", "--groups=7,8"};
    for (const auto& word :
         box.command_line({"run", "--bundle", box.bundle.path(), box.new_id()})) {
        command.push_back(word);
    }
    const Finished finished = run_command(command);
    CHECK(finished.err == "");
    // The namespace has no names for them, but they are there.
    CHECK(value_of(finished.out, "groups") == "65534,65534");
}

TEST_CASE("run.oci.hooks.stdout and stderr: each hook writes there",
          "[annotations][hooks][not-runc]") {
    NEEDS(need_runtime());
    Box box;
    const auto print = [](const std::string& kind, const std::string& path) {
        return hook({"echo", kind, "--", "error", kind + " failed", "--", "true"}, path);
    };
    Json& hooks = box.bundle.config["hooks"];
    for (const char* kind : kOutsideHooks)
        hooks[kind] = Json::array({print(kind, environment().probe)});
    hooks["startContainer"] = Json::array({print("startContainer", "/probe")});
    write_file(box / "out", "before\n");
    annotate(box, "hooks.stdout", box / "out");
    // lxcri: from the bundle on. crun's start takes it for one of where it is.
    const bool relative = environment().runtime_name == "lxcri";
    const fs::path errors = box.bundle.path() / "err";
    annotate(box, "hooks.stderr", relative ? "err" : errors.string());
    CHECK(box.life({"echo", "program"}).out == "program\n");
    const Strings kinds = {"prestart",       "createRuntime", "createContainer",
                           "startContainer", "poststart",     "poststop"};
    const std::string out = read_file(box / "out");
    const std::string err = read_file(errors);
    CHECK(out.starts_with("before\n"));
    CHECK(lines_of(out).size() == kinds.size() + 1);
    for (const std::string& kind : kinds) {
        CAPTURE(kind);
        CHECK(has_line(out, kind));
        CHECK(contains(err, kind + " failed"));
    }
}

TEST_CASE("run.oci.hooks.stdout: /dev/stdout is that of the runtime",
          "[annotations][hooks][not-runc]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.config["hooks"]["createRuntime"] = Json::array({hook({"echo", "from the hook"})});
    annotate(box, "hooks.stdout", "/dev/stdout");
    CHECK(box.life({"echo", "program"}).out == "from the hook\nprogram\n");
}

TEST_CASE("run.oci.hooks.stdout: without a hook no file is made", "[annotations][hooks][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    annotate(box, "hooks.stdout", box / "out");
    CHECK(box.life({"true"}).code == 0);
    CHECK(!fs::exists(box / "out"));
}

TEST_CASE("run.oci.hooks.stdout: what cannot be opened is an error",
          "[annotations][hooks][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.config["hooks"]["createRuntime"] = Json::array({hook({"true"})});
    SECTION("no directory") {
        annotate(box, "hooks.stdout", "/not/there");
    }
    SECTION("a device, which could do something when it is opened") {
        REQUIRE(mknod((box / "device").c_str(), S_IFCHR | 0600, makedev(1, 1)) == 0);
        annotate(box, "hooks.stdout", box / "device");
    }
    SECTION("a FIFO without a reader") {
        REQUIRE(::mkfifo((box / "fifo").c_str(), 0600) == 0);
        annotate(box, "hooks.stdout", box / "fifo");
    }
    SECTION("nothing") {
        annotate(box, "hooks.stdout", "");
    }
    CHECK(contains(box.refusal(), "/annotations/run.oci.hooks.stdout"));
}

TEST_CASE("run.oci.delegate-cgroup: the process is in a cgroup below the container's",
          "[annotations][cgroup][not-crun][not-runc]") {
    NEEDS(need_runtime());
    APPLIES(environment().layout == CgroupLayout::kV2);
    Box box;
    annotate(box, "delegate-cgroup", GENERATE(as<std::string>(), "/own/deep", "own/deep/"));
    box.bundle.args({"cat", "/proc/self/cgroup", "--", "trap", "TERM", "0"});
    Container container = box.create();
    const fs::path directory = cgroup_of(container.pid(), "pids");
    CHECK(directory.string().ends_with("/own/deep"));
    container.start();
    container.out().wait_for("ready");
    // The cgroup namespace begins above.
    CHECK(contains(container.out().text(), "0::/own/deep\n"));
    CHECK(box.exec(container, {"true"}).code() == 0);
    CHECK(box.call({"pause", container.id()}).code() == 0);
    CHECK(container.status() == "paused");
    CHECK(box.call({"resume", container.id()}).code() == 0);
    end(container);
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("run.oci.delegate-cgroup: what cannot be is refused", "[annotations][cgroup][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    annotate(box, "delegate-cgroup",
             environment().layout == CgroupLayout::kV2 ? "../other" : "fine");
    CHECK(contains(box.refusal(), "/annotations/run.oci.delegate-cgroup"));
}

TEST_CASE("run.oci.seccomp_fail_unknown_syscall", "[annotations][seccomp][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    const std::string value = GENERATE(as<std::string>(), "1", "0");
    annotate(box, "seccomp_fail_unknown_syscall", value);
    box.bundle.linux()["seccomp"] = {
        {"defaultAction", "SCMP_ACT_ALLOW"},
        {"syscalls", {{{"names", {"mkdir", "no_such_call"}}, {"action", "SCMP_ACT_ERRNO"}}}}};
    if (value == "0") {
        CHECK(box.life({"echo", "runs"}).out == "runs\n");
    } else {
        CHECK(contains(box.refusal(), "/linux/seccomp/syscalls/0/names/1: \"no_such_call\""));
    }
}

TEST_CASE("run.oci.*: what is not supported is refused, none is passed over",
          "[annotations][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    const std::string name = GENERATE(as<std::string>(), "handler", "pidfd_receiver",
                                      "seccomp.plugins", "seccomp.receiver", "seccomp_bpf_data",
                                      "systemd.force_cgroup_v1", "mount_context_type");
    annotate(box, name, "value");
    CHECK(contains(box.refusal(), "/annotations/run.oci." + name));
}

TEST_CASE("run.oci.*: an unknown one is a warning", "[annotations][log][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    annotate(box, "no_such_thing", "1");
    CreateOptions logged;
    logged.global = {"--log", box / "log", "--log-level", "warn"};
    CHECK(box.life({"echo", "runs"}, logged).out == "runs\n");
    CHECK(contains(read_file(box / "log"), "/annotations/run.oci.no_such_thing"));
}

TEST_CASE("podman: --group-add keep-groups, for exec as well", "[podman][annotations]") {
    NEEDS(need_podman());
    APPLIES(enough_descriptors() && in_first_view());
    const Podman podman;
    const Groups groups({7, 8});
    podman.start("kept", {"--group-add", "keep-groups"});
    const Finished inside = podman.call({"exec", "kept", "/probe", "ids"});
    INFO(inside.err);
    CHECK(value_of(inside.out, "groups") == "7,8");
    const Finished run =
        podman.run({"--group-add", "keep-groups", "localhost/test", "/probe", "ids"});
    INFO(run.err);
    CHECK(value_of(run.out, "groups") == "7,8");
}
