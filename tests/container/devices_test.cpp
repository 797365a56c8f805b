// /dev: default devices, links, linux.devices, and the rules that guard them.
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <filesystem>

#include "support/catch.h"
#include "support/environment.h"
#include "support/runtime.h"

using namespace lxcri::test;
namespace fs = std::filesystem;

namespace {

// The tests use device 1:2, which no driver has: an open that the rules allow says ENXIO.

// crun 1.8.1 wants to raise RLIMIT_MEMLOCK for the rules of cgroup v2, and may not everywhere.
bool rules_work() {
    return has_controller("devices") &&
           !(environment().runtime_name == "crun" && environment().layout == CgroupLayout::kV2);
}

void allow_mknod(Box& box) {
    for (const char* set : {"bounding", "effective", "permitted"}) {
        box.bundle.process()["capabilities"][set] = {"CAP_MKNOD", "CAP_DAC_OVERRIDE"};
    }
}

}  // namespace

TEST_CASE("devices: the default ones are there, for everyone", "[devices]") {
    NEEDS(need_runtime());
    Box box;
    const Outcome outcome = box.life(
        {"stat", "/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"});
    const std::pair<const char*, const char*> expected[] = {
        {"/dev/null", "1:3"},   {"/dev/zero", "1:5"},    {"/dev/full", "1:7"},
        {"/dev/random", "1:8"}, {"/dev/urandom", "1:9"}, {"/dev/tty", "5:0"}};
    for (const auto& [path, number] : expected) {
        CAPTURE(path);
        CHECK(facts_of(outcome.out, path) == "char 0666 0 0 " + std::string(number) + " 0");
    }
}

TEST_CASE("devices: the default ones work", "[devices]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.process()["user"] = {{"uid", 1000}, {"gid", 1000}};
    const Outcome outcome = box.life({"open", "/dev/null", "rw", "--", "open", "/dev/zero", "--",
                                      "open", "/dev/urandom", "--", "write", "/dev/full", "x"});
    CHECK(has_line(outcome.out, "open /dev/null: ok"));
    CHECK(has_line(outcome.out, "open /dev/zero: ok"));
    CHECK(has_line(outcome.out, "open /dev/urandom: ok"));
    CHECK(has_line(outcome.out, "write /dev/full: ENOSPC"));
}

TEST_CASE("devices: the links in /dev are there", "[devices]") {
    NEEDS(need_runtime());
    Box box;
    const Outcome outcome =
        box.life({"readlink", "/dev/fd", "/dev/stdin", "/dev/stdout", "/dev/stderr", "/dev/ptmx"});
    CHECK(has_line(outcome.out, "/dev/fd -> /proc/self/fd"));
    CHECK(has_line(outcome.out, "/dev/stdin -> /proc/self/fd/0"));
    CHECK(has_line(outcome.out, "/dev/stdout -> /proc/self/fd/1"));
    CHECK(has_line(outcome.out, "/dev/stderr -> /proc/self/fd/2"));
    CHECK(has_line(outcome.out, "/dev/ptmx -> pts/ptmx"));
}

TEST_CASE("devices: no other names in /dev", "[devices]") {
    NEEDS(need_runtime());
    Box box;
    const Strings known = {"core", "fd",     "full",  "mqueue", "null", "ptmx",    "pts", "random",
                           "shm",  "stderr", "stdin", "stdout", "tty",  "urandom", "zero"};
    for (const std::string& name : lines_of(box.life({"ls", "/dev"}).out)) {
        CAPTURE(name);
        CHECK(std::find(known.begin(), known.end(), name) != known.end());
    }
}

TEST_CASE("devices: an image that has its own links and nodes in /dev is fine", "[devices]") {
    NEEDS(need_runtime());
    Box box;
    for (const char* name : {"/dev", "/dev/pts", "/dev/shm", "/dev/mqueue"}) {
        box.bundle.remove_mount(name);
    }
    fs::create_directories(box.bundle.in_rootfs("dev/pts"));
    fs::create_symlink("/proc/self/fd", box.bundle.in_rootfs("dev/fd"));
    const fs::path null = box.bundle.in_rootfs("dev/null");
    REQUIRE(mknod(null.c_str(), S_IFCHR | 0666, makedev(1, 3)) == 0);
    REQUIRE(chmod(null.c_str(), 0666) == 0);
    const Outcome outcome =
        box.life({"stat", "/dev/null", "/dev/zero", "--", "readlink", "/dev/fd"});
    CHECK(facts_of(outcome.out, "/dev/null").starts_with("char 0666"));
    CHECK(facts_of(outcome.out, "/dev/zero").starts_with("char 0666"));
    CHECK(has_line(outcome.out, "/dev/fd -> /proc/self/fd"));
}

TEST_CASE("linux.devices: nodes with type, number, mode and owner", "[devices]") {
    NEEDS(need_runtime());
    Box box;
    CreateOptions options;
    options.command.umask = 077;  // must not matter
    box.bundle.linux()["devices"] = Json::parse(R"([
        {"path": "/dev/one", "type": "c", "major": 1, "minor": 3, "fileMode": 432,
         "uid": 11, "gid": 22},
        {"path": "/dev/block", "type": "b", "major": 7, "minor": 250, "fileMode": 384},
        {"path": "/dev/pipe", "type": "p", "fileMode": 420},
        {"path": "/dev/sub/folder/two", "type": "u", "major": 1, "minor": 5}
    ])");
    const Outcome outcome =
        box.life({"stat", "/dev/one", "/dev/block", "/dev/pipe", "/dev/sub/folder/two", "/dev/sub"},
                 options);
    CHECK(facts_of(outcome.out, "/dev/one") == "char 0660 11 22 1:3 0");
    CHECK(facts_of(outcome.out, "/dev/block") == "block 0600 0 0 7:250 0");
    CHECK(facts_of(outcome.out, "/dev/pipe").starts_with("fifo 0644 0 0"));
    CHECK(facts_of(outcome.out, "/dev/sub/folder/two").starts_with("char 0"));
    CHECK(contains(facts_of(outcome.out, "/dev/sub/folder/two"), " 1:5 "));
}

TEST_CASE("linux.devices: without fileMode it is 0666", "[devices][not-runc]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.linux()["devices"] = {
        {{"path", "/dev/one"}, {"type", "c"}, {"major", 1}, {"minor", 3}}};
    CHECK(facts_of(box.life({"stat", "/dev/one"}).out, "/dev/one").starts_with("char 0666"));
}

TEST_CASE("linux.devices: fileMode may carry the type bits, as Docker writes them", "[devices]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.linux()["devices"] = {
        {{"path", "/dev/one"}, {"type", "c"}, {"major", 1}, {"minor", 3}, {"fileMode", 020640}}};
    CHECK(facts_of(box.life({"stat", "/dev/one"}).out, "/dev/one").starts_with("char 0640"));
}

TEST_CASE("linux.devices: outside of /dev", "[devices]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.linux()["devices"] = {{{"path", "/opt/devices/zero"},
                                      {"type", "c"},
                                      {"major", 1},
                                      {"minor", 5},
                                      {"fileMode", 0666}}};
    CHECK(contains(box.life({"stat", "/opt/devices/zero"}).out, " 1:5 "));
}

TEST_CASE("linux.devices: the listed one replaces a default one of the same path",
          "[devices][not-runc]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.linux()["devices"] = {{{"path", "/dev/null"},
                                      {"type", "c"},
                                      {"major", 1},
                                      {"minor", 3},
                                      {"fileMode", 0666},
                                      {"uid", 0},
                                      {"gid", 0}}};
    CHECK(facts_of(box.life({"stat", "/dev/null"}).out, "/dev/null") == "char 0666 0 0 1:3 0");
}

TEST_CASE("linux.devices: an unknown type is an error", "[devices][not-crun]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.linux()["devices"] = {
        {{"path", "/dev/one"}, {"type", "x"}, {"major", 1}, {"minor", 3}}};
    Container container = box.try_create();
    CHECK(container.created.code() != 0);
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("linux.devices: a path that is something else in the image is an error",
          "[devices][not-crun][not-runc]") {
    NEEDS(need_runtime());
    Box box;
    write_file(box.bundle.in_rootfs("etc/device"), "a file");
    box.bundle.linux()["devices"] = {
        {{"path", "/etc/device"}, {"type", "c"}, {"major", 1}, {"minor", 3}}};
    CHECK(contains(box.refusal(), "/etc/device"));
    CHECK(read_file(box.bundle.in_rootfs("etc/device")) == "a file");
}

TEST_CASE("linux.devices: symlinks in the image lead to nothing outside", "[devices][hostile]") {
    NEEDS(need_runtime());
    Box box;
    fs::create_directories(box / "outside");
    fs::create_symlink(box / "outside", box.bundle.in_rootfs("link"));
    fs::create_symlink("../../outside", box.bundle.in_rootfs("relative"));
    box.bundle.linux()["devices"] = Json::array();
    for (const char* path : {"/link/zero", "/relative/zero"}) {
        box.bundle.linux()["devices"].push_back(
            {{"path", path}, {"type", "c"}, {"major", 1}, {"minor", 5}});
    }
    Container container = box.try_create();
    if (container.created.code() == 0) {
        CHECK(box.call({"delete", "--force", container.id()}).code() == 0);
    }
    CHECK(names_in(box / "outside").empty());
}

// --- linux.resources.devices -----------------------------------------------------------------

TEST_CASE("resources.devices: what is denied cannot be made or opened", "[devices][cgroup]") {
    NEEDS(need_runtime());
    APPLIES(rules_work());
    Box box;
    allow_mknod(box);
    box.bundle.linux()["resources"]["devices"] = Json::parse(R"([
        {"allow": false, "access": "rwm"},
        {"allow": true, "type": "c", "major": 10, "minor": 200, "access": "rwm"}
    ])");
    const Outcome outcome =
        box.life({"mknod-open", "/tmp/mem", "c", "1", "1", "--", "mknod-open", "/tmp/disk", "b",
                  "254", "0", "--", "open", "/dev/null", "rw", "--", "open", "/dev/zero"});
    // Making a node may be allowed for all, opening it is not.
    CHECK(has_line(outcome.out, "mknod-open /tmp/mem: EPERM"));
    CHECK(has_line(outcome.out, "mknod-open /tmp/disk: EPERM"));
    CHECK(has_line(outcome.out, "open /dev/null: ok"));
    CHECK(has_line(outcome.out, "open /dev/zero: ok"));
}

TEST_CASE("resources.devices: an allowed one can be used", "[devices][cgroup]") {
    NEEDS(need_runtime());
    APPLIES(rules_work());
    Box box;
    allow_mknod(box);
    box.bundle.linux()["resources"]["devices"] = Json::parse(R"([
        {"allow": false, "access": "rwm"},
        {"allow": true, "type": "c", "major": 1, "minor": 2, "access": "rwm"}
    ])");
    const Outcome outcome = box.life(
        {"mknod-open", "/tmp/none", "c", "1", "2", "--", "mknod-open", "/tmp/mem", "c", "1", "1"});
    CHECK(has_line(outcome.out, "mknod-open /tmp/none: ENXIO"));
    CHECK(has_line(outcome.out, "mknod-open /tmp/mem: EPERM"));
}

TEST_CASE("resources.devices: access is r, w and m, each for itself", "[devices][cgroup]") {
    NEEDS(need_runtime());
    APPLIES(rules_work());
    Box box;
    allow_mknod(box);
    box.bundle.linux()["resources"]["devices"] = Json::parse(R"([
        {"allow": false, "access": "rwm"},
        {"allow": true, "type": "c", "major": 1, "minor": 2, "access": "rm"}
    ])");
    const Outcome outcome = box.life({"mknod-open", "/tmp/none", "c", "1", "2", "--", "open",
                                      "/tmp/none", "r", "--", "open", "/tmp/none", "w"});
    CHECK(outcome.out ==
          "mknod-open /tmp/none: ENXIO\nopen /tmp/none: ENXIO\nopen /tmp/none: EPERM\n");
}

TEST_CASE("resources.devices: the last rule that matches wins", "[devices][cgroup][lxcri]") {
    NEEDS(need_runtime());
    APPLIES(rules_work());
    Box box;
    allow_mknod(box);
    box.bundle.linux()["resources"]["devices"] = Json::parse(R"([
        {"allow": false, "access": "rwm"},
        {"allow": true, "type": "c", "major": 1, "access": "rwm"},
        {"allow": false, "type": "c", "major": 1, "minor": 11, "access": "rwm"}
    ])");
    if (environment().layout != CgroupLayout::kV2) {
        // cgroup v1 has no exceptions from exceptions: better refused than wider than asked.
        CHECK(contains(box.refusal(), "/linux/resources/devices/2"));
        return;
    }
    const Outcome outcome = box.life({"mknod-open", "/tmp/kmsg", "c", "1", "11", "--", "mknod-open",
                                      "/tmp/zero", "c", "1", "5"});
    CHECK(has_line(outcome.out, "mknod-open /tmp/kmsg: EPERM"));
    CHECK(has_line(outcome.out, "mknod-open /tmp/zero: ok"));
}

TEST_CASE("resources.devices: allow all means all", "[devices][cgroup]") {
    NEEDS(need_runtime());
    APPLIES(rules_work());
    Box box;
    allow_mknod(box);
    box.bundle.linux()["resources"]["devices"] =
        Json::parse(R"([{"allow": true, "access": "rwm"}])");
    CHECK(box.life({"mknod-open", "/tmp/none", "c", "1", "2"}).out ==
          "mknod-open /tmp/none: ENXIO\n");
}

TEST_CASE("resources.devices: without any rule what is not listed is closed",
          "[devices][cgroup][lxcri]") {
    NEEDS(need_runtime());
    APPLIES(rules_work());
    Box box;
    allow_mknod(box);
    const Outcome outcome =
        box.life({"mknod-open", "/tmp/mem", "c", "1", "1", "--", "open", "/dev/null", "rw"});
    CHECK(has_line(outcome.out, "mknod-open /tmp/mem: EPERM"));
    CHECK(has_line(outcome.out, "open /dev/null: ok"));
}

TEST_CASE("resources.devices: many rules", "[devices][cgroup]") {
    NEEDS(need_runtime());
    APPLIES(rules_work());
    Box box;
    allow_mknod(box);
    Json rules = Json::parse(R"([{"allow": false, "access": "rwm"}])");
    for (int minor = 0; minor < 100; ++minor) {
        rules.push_back(
            {{"allow", true}, {"type", "c"}, {"major", 200}, {"minor", minor}, {"access", "rwm"}});
    }
    box.bundle.linux()["resources"]["devices"] = rules;
    const Outcome outcome = box.life({"mknod-open", "/tmp/mem", "c", "1", "1"});
    CHECK(outcome.out == "mknod-open /tmp/mem: EPERM\n");
}
