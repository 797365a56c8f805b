// lxcri-agent and mounts that a program of the container's image serves: the program is as good as
// the caller, and has nothing of the agent.
#include <signal.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <system_error>

#include "agent.h"
#include "support/catch.h"
#include "support/environment.h"
#include "support/loaded_profile.h"
#include "support/runtime.h"

using namespace lxcri::test;
namespace fs = std::filesystem;

namespace {

// The probe is the program; it has /dev/fuse.
struct FuseBox : AgentBox {
    FuseBox() {
        name_program("fuse-program");
        ask("mount");
        put_program("usr/bin/fuse-program");
        bundle.linux()["devices"] = Json::array({{{"path", "/dev/fuse"},
                                                  {"type", "c"},
                                                  {"major", 10},
                                                  {"minor", 229},
                                                  {"fileMode", 0666},
                                                  {"uid", 0},
                                                  {"gid", 0}}});
        bundle.linux()["resources"]["devices"] = Json::array(
            {{{"allow", false}, {"access", "rwm"}},
             {{"allow", true}, {"type", "c"}, {"major", 10}, {"minor", 229}, {"access", "rwm"}}});
    }
    void name_program(const std::string& program) const {
        allow(R"({"calls": ["mount"], "filesystems": [{"type": "ext4", "options": ["fine"],)"
              R"( "fuse": ")" +
              program + "\"}]}");
    }
    void put_program(std::string_view path) const {
        const fs::path place = bundle.in_rootfs(path);
        fs::create_directories(place.parent_path());
        fs::copy_file(bundle.in_rootfs("probe"), place);
        give_rootfs();
    }
    std::string report() const { return read_file(bundle.in_rootfs("report")); }
    // Asked once: the answer, and what the log has to say about it.
    void check_life(const Strings& arguments, const std::string& answer, const std::string& log) {
        CHECK(agent_life(arguments).out == answer);
        agent->err().wait_for(log);
        agent->err().take();
    }
};

std::optional<std::string> need_fuse() {
    if (auto missing = need_agent()) return missing;
    if (fs::exists("/dev/fuse")) return {};
    return "no /dev/fuse";
}

// As the host sees them.
Strings processes_in(const Container& container) {
    const auto namespace_of = [](const std::string& pid) {
        std::error_code ignored;
        return fs::read_symlink("/proc/" + pid + "/ns/pid", ignored);
    };
    const auto wanted = namespace_of(std::to_string(container.pid()));
    Strings pids;
    for (const std::string& name : names_in("/proc")) {
        if (name.front() > '0' && name.front() <= '9' && namespace_of(name) == wanted) {
            pids.push_back(name);
        }
    }
    return pids;
}

Strings mount_of(const std::string& source, const std::string& data = "") {
    return {"mount-device", source, "/tmp", "ext4", data};
}

}  // namespace

TEST_CASE("agent: a program of the image mounts, as good as the caller", "[agent][lxcri]") {
    NEEDS(need_fuse());
    FuseBox box;
    box.bundle.process()["rlimits"] =
        Json::array({{{"type", "RLIMIT_NOFILE"}, {"soft", 36}, {"hard", 40}}});
    box.bundle.process()["oomScoreAdj"] = 77;
    box.bundle.process()["user"]["umask"] = 027;
    box.bundle.process()["user"]["additionalGids"] = {5, 6};
    Strings arguments = {"chdir", "/usr", "--"};
    for (const std::string& word : mount_of("mount", "fine")) arguments.push_back(word);
    for (const char* word : {"--", "mountinfo", "--", "shared"}) arguments.emplace_back(word);
    const auto outcome = box.agent_life(arguments);
    CAPTURE(outcome.out, outcome.err, box.agent->err().text());
    box.agent->err().take();
    CHECK(contains(outcome.out, "mount-device mount: ok\n"));
    CHECK(contains(outcome.out, " /tmp "));
    CHECK(contains(outcome.out, " - fuse.probe probe "));
    const std::string report = box.report();
    CAPTURE(report);
    const auto shared = outcome.out.find("/usr\nuid=");
    REQUIRE(shared != std::string::npos);
    CHECK(report.starts_with(outcome.out.substr(shared)));
    CHECK(report.substr(outcome.out.size() - shared) ==
          "argument mount\nargument /tmp\nargument -o\n"
          "argument nosuid,nodev,allow_other,default_permissions,fine\n"
          "0 /dev/null\n1 /report\n2 /dev/null\n"
          "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"
          "NoNewPrivs:\t1\nSeccomp:\t2\n"
          "unshare refused\nclone refused\nvsock refused\n");
    box.kill_agent();
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("agent: what the program says by its end becomes the answer", "[agent][lxcri]") {
    NEEDS(need_fuse());
    FuseBox box;
    SECTION("it fails") {
        box.check_life(mount_of("fail"), "mount-device fail: EINVAL\n",
                       "mount: \"fuse-program\" exited with status 3\n");
    }
    SECTION("it mounts nothing") {
        box.check_life(mount_of("nothing"), "mount-device nothing: EINVAL\n",
                       "mount: \"fuse-program\" has ended without a mount\n");
    }
    SECTION("it is not there") {
        box.name_program("other-program");
        box.check_life(mount_of("mount"), "mount-device mount: ENODEV\n",
                       "mount: \"other-program\" is not in the container's image\n");
    }
    SECTION("it is no program") {
        write_file(box.bundle.in_rootfs("usr/bin/text"), "text\n", 0755);
        box.give_rootfs();
        box.name_program("/usr/bin/text");
        box.check_life(mount_of("mount"), "mount-device mount: ENOEXEC\n",
                       "mount: execute \"/usr/bin/text\"");
    }
    SECTION("the target is not there") {
        CHECK(box.agent_life({"mount-device", "mount", "/no/where", "ext4", ""}).out ==
              "mount-device mount: ENOENT\n");
    }
}

TEST_CASE("agent: for a type that it mounts fsopen is unknown", "[agent][lxcri]") {
    NEEDS(need_fuse());
    FuseBox box;
    CHECK(box.agent_life({"fsopen", "ext4", "--", "fsopen", "tmpfs"}).out ==
          "fsopen ext4: ENOSYS\nfsopen tmpfs: ok\n");
}

TEST_CASE("agent: no program is started that the administrator does not name", "[agent][lxcri]") {
    NEEDS(need_fuse());
    FuseBox box;
    SECTION("for another type") {
        CHECK(box.agent_life({"mount-device", "mount", "/tmp", "xfs", ""}).out ==
              "mount-device mount: EPERM\n");
    }
    SECTION("with another option") {
        CHECK(box.agent_life(mount_of("mount", "fine,other")).out == "mount-device mount: EPERM\n");
    }
    SECTION("for a user without the capability") {
        box.bundle.process()["user"] = {{"uid", 1000}, {"gid", 1000}};
        CHECK(box.agent_life(mount_of("mount")).out == "mount-device mount: EPERM\n");
    }
    SECTION("if the file is wrong") {
        box.start_agent();
        box.name_program("usr/bin/fuse-program");
        CHECK(box.agent_life(mount_of("mount")).out == "mount-device mount: EPERM\n");
        box.agent->err().wait_for(
            "nothing is allowed: " + (box / "agent.json").string() +
            ": /filesystems/0/fuse: expected the name of a program, or a path that begins with /");
        box.agent->err().take();
    }
    CHECK_FALSE(fs::exists(box.bundle.in_rootfs("report")));
}

TEST_CASE("agent: no link leads to a program outside of the container", "[agent][hostile][lxcri]") {
    NEEDS(need_fuse());
    FuseBox box;
    const fs::path outside = box / "fuse-program";
    fs::copy_file(box.bundle.in_rootfs("probe"), outside);
    const fs::path place = box.bundle.in_rootfs("usr/bin/fuse-program");
    fs::remove(place);
    SECTION("an absolute one") {
        fs::create_symlink(outside, place);
        CHECK(box.agent_life(mount_of("mount")).out == "mount-device mount: ENODEV\n");
    }
    SECTION("dots") {
        fs::create_symlink("../../../../../../../.." + outside.string(), place);
        CHECK(box.agent_life(mount_of("mount")).out == "mount-device mount: ENODEV\n");
    }
    SECTION("the agent's own program") {
        fs::create_symlink("/proc/self/exe", place);
        CHECK(box.agent_life(mount_of("mount")).out == "mount-device mount: ENODEV\n");
    }
    SECTION("one of procfs") {
        fs::create_symlink("/proc/1/exe", place);
        CHECK(box.agent_life(mount_of("mount")).out == "mount-device mount: ELOOP\n");
    }
    CHECK_FALSE(fs::exists(box.bundle.in_rootfs("report")));
}

TEST_CASE("agent: no file of the container tells what the program is to become",
          "[agent][hostile][lxcri]") {
    NEEDS(need_fuse());
    FuseBox box;
    for (const char* directory : {"place", "other"}) {
        fs::create_directories(box.bundle.in_rootfs(directory));
    }
    box.give_rootfs();
    Strings arguments;
    const auto add = [&](const Strings& words) {
        if (!arguments.empty()) arguments.emplace_back("--");
        arguments.insert(arguments.end(), words.begin(), words.end());
    };
    SECTION("a /proc that says the program is in the user namespace already") {
        add({"mount", "/other", "proc"});
        add({"mount", "/proc"});
        for (const char* made : {"/proc/self", "/proc/self/ns"}) add({"mkdir", made});
        add({"write", "/proc/self/ns/user", ""});
        add({"bind", "/other/self/ns/user", "/proc/self/ns/user"});
    }
    SECTION("no /proc") {
        add({"umount", "/proc"});
    }
    SECTION("a /dev/null that is a descriptor of the agent") {
        add({"unlink", "/dev/null"});
        const int number = GENERATE(range(3, 20));
        add({"symlink", "/proc/self/fd/" + std::to_string(number), "/dev/null"});
    }
    SECTION("a /dev/null that is a file") {
        add({"unlink", "/dev/null"});
        add({"write", "/dev/null", "text"});
    }
    add(mount_of("mount"));
    add({"sleep"});
    box.start_agent();
    box.bundle.args(arguments);
    Container container = box.create(box.options());
    container.start();
    (void)box.manager.receive();  // FDSTORE
    container.out().wait_for("mount-device mount: ");
    CHECK(contains(container.out().text(), "mount-device mount: ok\n"));
    const Strings processes = processes_in(container);
    CHECK(processes.size() == 2);
    const auto user_namespace = [](const std::string& pid) {
        return fs::read_symlink("/proc/" + pid + "/ns/user");
    };
    for (const std::string& pid : processes) {
        CHECK(user_namespace(pid) == user_namespace(std::to_string(container.pid())));
        struct stat status = {};
        REQUIRE(stat(("/proc/" + pid + "/fd/0").c_str(), &status) == 0);
        CHECK(status.st_rdev == makedev(1, 3));
    }
    box.manager.kept.clear();
    box.kill_agent();
    container.kill();
    container.wait();
    container.remove();
}

TEST_CASE("agent: a source is no option of the program", "[agent][hostile][lxcri]") {
    NEEDS(need_fuse());
    FuseBox box;
    (void)box.agent_life(mount_of("-oother"));
    CHECK(contains(box.report(), "argument ./-oother\n"));
}

TEST_CASE("agent: no program is started for a container that AppArmor confines",
          "[agent][apparmor][hostile][lxcri][vm]") {
    NEEDS(need_fuse());
    APPLIES(has_systemd());
    FuseBox box;
    const LoadedProfile loaded(box / "");
    box.bundle.process()["apparmorProfile"] = LoadedProfile::kName;
    box.check_life(mount_of("mount"), "mount-device mount: EPERM\n",
                   std::string("a security module confines the container (\"") +
                       LoadedProfile::kName + " (enforce)\"), and would not confine the program\n");
    CHECK(!fs::exists(box.bundle.in_rootfs("report")));
}

TEST_CASE("agent: a program that mounts ends with the agent", "[agent][lxcri]") {
    NEEDS(need_fuse());
    FuseBox box;
    box.start_agent();
    Strings arguments = mount_of("hang");
    arguments.insert(arguments.end(), {"--", "sleep"});
    box.bundle.args(arguments);
    Container container = box.create(box.options());
    container.start();
    (void)box.manager.receive();  // FDSTORE
    for (int i = 0; i < 200 && processes_in(container).size() < 2; ++i) {
        let_time_pass(milliseconds(20));
    }
    REQUIRE(processes_in(container).size() == 2);
    box.manager.kept.clear();
    box.kill_agent();
    container.out().wait_for("mount-device hang: ENOSYS\n");
    for (int i = 0; i < 200 && processes_in(container).size() > 1; ++i) {
        // Orphans are ours: the child that has carried out the call, and the program.
        while (waitpid(-1, nullptr, WNOHANG) > 0) {
        }
        let_time_pass(milliseconds(20));
    }
    CHECK(processes_in(container).size() == 1);
    CHECK(container.status() == "running");
    container.kill();
    container.wait();
    container.remove();
}
