// What only liblxc can give: its items by annotation, and lxcfs.
#include <sys/stat.h>

#include <algorithm>

#include "support/catch.h"
#include "support/environment.h"
#include "support/runtime.h"

using namespace lxcri::test;
namespace fs = std::filesystem;

namespace {

CreateOptions with_settings(const Box& box, const Json& settings) {
    const fs::path file = box / "lxcri.json";
    write_file(file, settings.dump());
    REQUIRE(chmod(file.c_str(), 0644) == 0);
    CreateOptions options;
    options.global = {"--config", file};
    return options;
}

void set_item(Box& box, const std::string& key, const std::string& value) {
    box.bundle.config["annotations"]["org.linuxcontainers.lxcri.item." + key] = value;
}

}  // namespace

TEST_CASE("items: one that the administrator allows is set", "[items][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    set_item(box, "lxc.prlimit.sigpending", "77");
    const std::string allowed =
        GENERATE(as<std::string>(), "lxc.prlimit.sigpending", "lxc.prlimit.*");
    const Outcome outcome =
        box.life({"cat", "/proc/self/limits"}, with_settings(box, {{"lxcItems", {allowed}}}));
    CAPTURE(outcome.out, outcome.err);
    CHECK(outcome.code == 0);
    const Strings words = split(line_after(outcome.out, "Max pending signals"), ' ');
    CHECK(std::count(words.begin(), words.end(), "77") == 2);
}

TEST_CASE("items: none without the administrator", "[items][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    set_item(box, "lxc.prlimit.sigpending", "77");
    CHECK(contains(box.refusal(),
                   "/annotations/org.linuxcontainers.lxcri.item.lxc.prlimit.sigpending"));
    CHECK(contains(box.refusal(with_settings(box, {{"lxcItems", {"lxc.prlimit.n*"}}})),
                   "is not allowed by /lxcItems"));
}

TEST_CASE("items: some are never accepted", "[items][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    const CreateOptions everything = with_settings(box, {{"lxcItems", {"*"}}});
    const fs::path proof = box / "proof";
    const Json good = box.bundle.config;
    for (const char* key : {"lxc.hook.start-host",
                            "lxc.hook",
                            "lxc.include",
                            "lxc.log.file",
                            "lxc.rootfs.path",
                            "lxc.rootfs.options",
                            "lxc.environment",
                            "lxc.environment.runtime",
                            "lxc.init.cmd",
                            "lxc.init.uid",
                            "lxc.execute.cmd",
                            "lxc.mount.entry",
                            "lxc.mount.fstab",
                            "lxc.idmap",
                            "lxc.namespace.keep",
                            "lxc.console.logfile",
                            "lxc.cap.keep",
                            "lxc.seccomp.profile",
                            "lxc.cgroup.dir",
                            "lxc.cgroup2.memory.max",
                            "lxc.monitor.unshare",
                            "lxc.net.0.script.up",
                            "lxc.net.0.upscript",
                            "rootfs.path",
                            ""}) {
        CAPTURE(key);
        box.bundle.config = good;
        set_item(box, key, "/bin/touch " + proof.string());
        CHECK(contains(box.refusal(everything), "no container may set the item"));
    }
    CHECK_FALSE(fs::exists(proof));
}

TEST_CASE("items: what breaks out of its line is refused, and what liblxc refuses is told",
          "[items][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    const CreateOptions everything = with_settings(box, {{"lxcItems", {"*"}}});
    SECTION("a line of its own") {
        set_item(box, "lxc.sysctl.a", "1\nlxc.hook.start-host = /bin/true");
        CHECK(contains(box.refusal(everything), "a control character"));
    }
    SECTION("unknown") {
        set_item(box, "lxc.nosuch", "1");
        CHECK(contains(box.refusal(everything), "lxc.nosuch"));
    }
}

TEST_CASE("lxcfs: its files are those of the container's /proc", "[lxcfs][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    // Whatever is there: lxcfs itself needs FUSE, and is nothing but files to us.
    fs::create_directories(box / "lxcfs/proc");
    write_file(box / "lxcfs/proc/meminfo", "MemTotal: 1 kB\n");
    write_file(box / "lxcfs/proc/uptime", "1.00 1.00\n");
    const CreateOptions options = with_settings(box, {{"lxcfs", box / "lxcfs"}});
    const Outcome outcome = box.life(
        {"cat", "/proc/meminfo", "--", "cat", "/proc/uptime", "--", "open", "w", "/proc/meminfo"},
        options);
    CAPTURE(outcome.out, outcome.err);
    CHECK(contains(outcome.out, "MemTotal: 1 kB"));
    CHECK(contains(outcome.out, "1.00 1.00"));
    CHECK(read_file(box / "lxcfs/proc/meminfo") == "MemTotal: 1 kB\n");
}

TEST_CASE("lxcfs: a container that should have it does not go without", "[lxcfs][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    CHECK(contains(box.refusal(with_settings(box, {{"lxcfs", box / "nothing"}})),
                   "lxcfs: is not mounted at"));
}
