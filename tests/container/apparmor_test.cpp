// process.apparmorProfile and exec --apparmor, on a kernel that has AppArmor.
#include <filesystem>

#include "support/catch.h"
#include "support/environment.h"
#include "support/loaded_profile.h"
#include "support/racer.h"
#include "support/runtime.h"

using namespace lxcri::test;
namespace fs = std::filesystem;

namespace {

constexpr const char* kProfile = LoadedProfile::kName;

const Strings kLook = {"cat", "/proc/self/attr/apparmor/current", "--", "open", "/tmp/secret", "r"};

}  // namespace

TEST_CASE("apparmorProfile: the profile is that of the process, from its first instruction on",
          "[apparmor][vm]") {
    NEEDS(need_runtime());
    APPLIES(has_systemd());
    Box box;
    const LoadedProfile loaded(box / "");
    write_file(box.bundle.in_rootfs("tmp/secret"), "x");
    box.bundle.process()["apparmorProfile"] = kProfile;
    box.bundle.process()["noNewPrivileges"] = GENERATE(false, true);
    const Outcome outcome = box.life(kLook);
    CHECK(contains(outcome.out, std::string(kProfile) + " (enforce)"));
    CHECK(contains(outcome.out, "open /tmp/secret: EACCES"));
}

// The profile is asked for in a file of procfs, and the image has its say about /proc.
TEST_CASE("apparmorProfile: is applied whatever is at /proc",
          "[apparmor][hostile][CVE-2019-16884][CVE-2025-52881][vm]") {
    NEEDS(need_runtime());
    APPLIES(has_systemd());
    Box box;
    const LoadedProfile loaded(box / "");
    write_file(box.bundle.in_rootfs("tmp/secret"), "x");
    box.bundle.process()["apparmorProfile"] = kProfile;
    box.bundle.remove_mount("/proc");
    box.bundle.linux().erase("maskedPaths");
    box.bundle.linux().erase("readonlyPaths");
    SECTION("nothing") {}
    SECTION("read-only") {
        box.bundle.add_mount(
            {{"destination", "/proc"}, {"type", "proc"}, {"source", "proc"}, {"options", {"ro"}}});
    }
    SECTION("files of the image where the attribute should be") {
        box.bundle.add_mount({{"destination", "/proc"}, {"type", "proc"}, {"source", "proc"}});
        fs::create_directories(box / "fake");
        for (const char* name : {"exec", "current"}) write_file((box / "fake") / name, "");
        // Over the attributes of the process that sets the profile: pid 1, or the one before exec.
        box.bundle.add_mount({{"destination", "/proc/1/attr/apparmor"},
                              {"type", "bind"},
                              {"source", box / "fake"},
                              {"options", {"bind"}}});
        Container container = box.try_create();
        // Refused, or not fooled.
        if (container.created.code() != 0) {
            CHECK(box.leftovers() == Strings{});
            return;
        }
        CHECK(box.call({"delete", "--force", container.id()}).code() == 0);
        (void)wait_for_child(container.pid());
    }
    CHECK(contains(box.life({"open", "/tmp/secret", "r"}).out, "open /tmp/secret: EACCES"));
}

// As in race_test.cpp, with fewer rounds: the machine is emulated.
TEST_CASE("apparmorProfile: is applied, or nothing runs, while another process exchanges /proc",
          "[apparmor][hostile][CVE-2019-19921][CVE-2025-52881][slow][vm]") {
    NEEDS(need_runtime());
    APPLIES(has_systemd());
    Box box;
    const LoadedProfile loaded(box / "");
    const fs::path root = box.bundle.rootfs();
    write_file(root / "tmp/secret", "x");
    for (const char* name : {"self", "thread-self", "1"}) {
        fs::create_directories(root / "fake" / name / "attr/apparmor");
        write_file(root / "fake" / name / "attr/exec", "image");
        write_file(root / "fake" / name / "attr/apparmor/exec", "image");
    }
    fs::create_symlink("fake", root / "link");
    box.bundle.process()["apparmorProfile"] = kProfile;
    box.bundle.args({"open", "/tmp/secret", "r"});
    box.bundle.linux().erase("maskedPaths");
    box.bundle.linux().erase("readonlyPaths");
    box.bundle.write();
    const std::string id = box.new_id();
    int confined = 0;
    int refused = 0;
    {
        const Racer racer({{root / "proc", root / "link"}});
        for (int round = 0; round < 100; ++round) {
            const Finished finished = box.call({"run", "--bundle", box.bundle.path(), id});
            CAPTURE(round, finished.out, finished.err);
            if (contains(finished.out, "open /tmp/secret: EACCES")) {
                ++confined;
                continue;
            }
            REQUIRE(finished.out.empty());
            REQUIRE(finished.err.starts_with("lxcri: "));
            ++refused;
        }
        CHECK(racer.exchanges() > 100);
    }
    CAPTURE(confined, refused);
    CHECK(confined > 0);
    CHECK(refused > 0);
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("apparmorProfile: unconfined, or none", "[apparmor][vm]") {
    NEEDS(need_runtime());
    APPLIES(has_systemd());
    Box box;
    write_file(box.bundle.in_rootfs("tmp/secret"), "x");
    SECTION("unconfined") {
        box.bundle.process()["apparmorProfile"] = "unconfined";
    }
    SECTION("none") {
        box.bundle.process().erase("apparmorProfile");
    }
    const Outcome outcome = box.life(kLook);
    CHECK(contains(outcome.out, "unconfined"));
    CHECK(contains(outcome.out, "open /tmp/secret: ok"));
}

TEST_CASE("apparmorProfile: one that is not loaded is an error with its pointer",
          "[apparmor][vm][lxcri]") {
    NEEDS(need_runtime());
    APPLIES(has_systemd());
    Box box;
    box.bundle.process()["apparmorProfile"] = "lxcri-test-nowhere";
    const std::string error = box.refusal();
    CAPTURE(error);
    CHECK(contains(error, "/process/apparmorProfile"));
    CHECK(contains(error, "lxcri-test-nowhere"));
}

TEST_CASE("exec: has the container's profile, or the one that it asks for",
          "[apparmor][exec][vm]") {
    NEEDS(need_runtime());
    APPLIES(has_systemd());
    Box box;
    const LoadedProfile loaded(box / "");
    write_file(box.bundle.in_rootfs("tmp/secret"), "x");
    const bool by_flag = GENERATE(false, true);
    CAPTURE(by_flag);
    if (!by_flag) box.bundle.process()["apparmorProfile"] = kProfile;
    box.bundle.args({"trap", "TERM", "0"});
    Container container = box.create();
    container.start();
    container.out().wait_for("ready");
    Strings command = {"exec"};
    if (by_flag) {
        command.emplace_back("--apparmor");
        command.emplace_back(kProfile);
    }
    command.push_back(container.id());
    command.emplace_back("/probe");
    command.insert(command.end(), kLook.begin(), kLook.end());
    const Finished finished = box.call(command);
    CAPTURE(finished.err);
    CHECK(contains(finished.out, std::string(kProfile) + " (enforce)"));
    CHECK(contains(finished.out, "open /tmp/secret: EACCES"));
}

TEST_CASE("apparmorProfile: --apparmor=false of create is also that of exec",
          "[apparmor][settings][exec][vm][lxcri]") {
    NEEDS(need_runtime());
    APPLIES(has_systemd());
    Box box;
    const LoadedProfile loaded(box / "");
    write_file(box.bundle.in_rootfs("tmp/secret"), "x");
    box.bundle.process()["apparmorProfile"] = kProfile;
    CreateOptions options;
    options.global = {"--apparmor=false", "--log", box / "log", "--log-level", "warning"};
    const bool at_create = GENERATE(true, false);
    CAPTURE(at_create);
    box.bundle.args({"trap", "TERM", "0"});
    Container container = box.create(at_create ? options : CreateOptions{});
    container.start();
    container.out().wait_for("ready");
    const auto profile_of = [](pid_t pid) {
        return read_file("/proc/" + std::to_string(pid) + "/attr/apparmor/current");
    };
    const std::string confined = std::string(kProfile) + " (enforce)\n";
    CHECK((profile_of(container.pid()) == confined) == !at_create);
    CHECK(contains(read_file(box / "log"), "/process/apparmorProfile: not applied") == at_create);
    const std::string plain = box.exec(container, kLook).out;
    CHECK(contains(plain, confined) == !at_create);
    CHECK(contains(plain, "open /tmp/secret: ok") == at_create);
    // What exec is told goes before.
    CHECK(contains(box.exec(container, kLook, {"--apparmor", kProfile}).out, confined));
    Strings switched = {"--apparmor=false"};
    const Strings exec = box.exec_line(container, kLook);
    switched.insert(switched.end(), exec.begin(), exec.end());
    CHECK(contains(box.call(switched).out, "open /tmp/secret: ok"));
}
