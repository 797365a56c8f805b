// Attacks on container runtimes that have been published, one test each, with what has to become of
// it here: an error of one line, or a container in which everything is inside. What is outside, a
// Canary, is untouched in every case.
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "support/canary.h"
#include "support/catch.h"
#include "support/environment.h"
#include "support/runtime.h"
#include "support/sockets.h"

using namespace lxcri::test;
namespace fs = std::filesystem;

namespace {

// A box beside a canary. What the image is to have is planted in `rootfs`.
struct Attack {
    Box box;
    Canary canary{box / "outside"};

    fs::path rootfs() const { return box.bundle.rootfs(); }
    // What "../.." has to be, to come from the root filesystem to the canary, and its name there.
    std::string outside(bool absolute) const {
        return absolute ? canary.path().string() : "../../outside";
    }
    // Replaces what is there.
    void plant_link(std::string_view name, const fs::path& target) const {
        fs::remove_all(rootfs() / name);
        fs::create_directories((rootfs() / name).parent_path());
        fs::create_symlink(target, rootfs() / name);
    }
    void bind(const fs::path& source, const std::string& destination,
              const std::vector<std::string>& options = {"bind"}) {
        box.bundle.add_mount({{"destination", destination},
                              {"type", "bind"},
                              {"source", source},
                              {"options", options}});
    }
    // The image's own /dev is the container's.
    void use_dev_of_image() {
        for (const char* name : {"/dev", "/dev/pts", "/dev/shm", "/dev/mqueue"}) {
            box.bundle.remove_mount(name);
        }
    }
    // A folder of the host that several containers may write to.
    fs::path make_volume() const {
        fs::create_directories(box / "volume");
        return box / "volume";
    }

    // One life, or a refusal; nothing is left by either.
    struct Result {
        bool ran = false;
        std::string text;  // output, or the error
    };
    Result go(const CreateOptions& options = {}) {
        Container container = box.try_create(options);
        Result result;
        if (container.created.code() == 0) {
            container.start();
            result.text = container.out().wait_for_end();
            CHECK(container.wait_code() <= 1);
            container.remove();
            result.ran = true;
        } else {
            CHECK(container.created.code() == 1);
            result.text = container.created.err.empty() ? container.err().wait_for_end()
                                                        : container.created.err;
            CHECK(lines_of(result.text).size() == 1);
        }
        CHECK(canary.changes() == Strings{});
        CHECK(box.leftovers() == Strings{});
        return result;
    }
    std::string refused(const CreateOptions& options = {}) {
        const Result result = go(options);
        CAPTURE(result.text);
        CHECK_FALSE(result.ran);
        return result.ran ? "" : result.text;
    }
    std::string ran(const CreateOptions& options = {}) {
        const Result result = go(options);
        CAPTURE(result.text);
        CHECK(result.ran);
        return result.ran ? result.text : "";
    }
};

// The mount points that the probe's `mountinfo` shows.
Strings mount_points(const std::string& mountinfo) {
    Strings points;
    for (const auto& line : lines_of(mountinfo)) {
        const auto fields = split(line, ' ');
        if (fields.size() > 4) points.push_back(fields[4]);
    }
    return points;
}

bool has(const Strings& list, const std::string& item) {
    return std::find(list.begin(), list.end(), item) != list.end();
}

}  // namespace

// LXC: what the container has put at its mount points led the mounts of the next start elsewhere.
TEST_CASE("CVE-2015-1335: links at and above mount points",
          "[cve][hostile][CVE-2015-1335][lxcri]") {
    NEEDS(need_runtime());
    Attack attack;
    const std::string point = GENERATE(as<std::string>(), "data", "data/below/this");
    const bool absolute = GENERATE(true, false);
    const bool is_there = GENERATE(true, false);  // the name at which the link points, inside, too
    CAPTURE(point, absolute, is_there);
    const std::string target = attack.outside(absolute);
    attack.plant_link("data", target);
    const fs::path inside = fs::path(target).filename();  // of "../../outside"
    const fs::path twin =
        absolute ? attack.rootfs() / fs::path(target).relative_path() : attack.rootfs() / inside;
    if (is_there) fs::create_directories(twin);
    fs::create_directories(attack.box / "source");
    attack.bind(attack.box / "source", "/" + point);
    attack.box.bundle.args({"mountinfo"});
    // The link means something of the container; what is missing there is made.
    fs::path expected = fs::path("/") / twin.lexically_relative(attack.rootfs());
    if (point != "data") expected /= "below/this";
    CHECK(has(mount_points(attack.ran()), expected.string()));
}

// runc: a volume on /proc, declared by the image, took the writes of the AppArmor profile.
TEST_CASE("CVE-2019-16884: volumes on and in /proc", "[cve][hostile][CVE-2019-16884][lxcri]") {
    NEEDS(need_runtime());
    Attack attack;
    const std::string point =
        GENERATE(as<std::string>(), "/proc", "/proc/", "//proc/./", "/tmp/../proc", "/proc/self",
                 "/proc/thread-self/attr", "/proc/sys", "/proc/sys/net", "/proc/1/attr",
                 "/proc/sys/kernel/../net");
    CAPTURE(point);
    const bool instead = GENERATE(false, true);
    if (instead) attack.box.bundle.remove_mount("/proc");
    const fs::path volume = attack.make_volume();
    fs::create_directories(volume / "self/attr");
    fs::create_directories(volume / "sys/net");
    write_file(volume / "self/attr/exec", "volume");
    attack.bind(volume, point);
    attack.box.bundle.linux()["sysctl"] = {{"net.ipv4.ip_forward", "1"}};
    const bool is_proc_itself = fs::path(point + "/.").lexically_normal() == "/proc/";
    if (instead && !is_proc_itself) {
        // A folder of the image, then: the process has no procfs, and nothing relies on one.
        (void)attack.go();
    } else {
        CHECK(contains(attack.refused(), "/mounts/"));
    }
    CHECK(read_file(volume / "self/attr/exec") == "volume");
    CHECK(names_in(volume) == Strings{"self", "sys"});
}

// runc: /proc as a link into a volume that another container changes.
TEST_CASE("CVE-2019-19921: /proc as a link into a shared volume",
          "[cve][hostile][CVE-2019-19921][lxcri]") {
    NEEDS(need_runtime());
    Attack attack;
    const fs::path volume = attack.make_volume();
    fs::create_directories(volume / "proc/self/attr");
    write_file(volume / "proc/self/attr/exec", "volume");
    attack.plant_link("proc", GENERATE(as<std::string>(), "volume/proc", "/volume/proc"));
    // The volume comes before /proc, as the attack wants it.
    Json mounts = Json::array({{{"destination", "/volume"},
                                {"type", "bind"},
                                {"source", volume},
                                {"options", {"bind"}}}});
    for (const Json& mount : attack.box.bundle.config["mounts"]) mounts.push_back(mount);
    attack.box.bundle.config["mounts"] = mounts;
    CHECK(contains(attack.refused(), "/mounts/1: \"/proc\" is a symbolic link"));
    CHECK(read_file(volume / "proc/self/attr/exec") == "volume");
}

// runc: mount points in a volume that two containers have, exchanged with links. The racer is in
// race_test.cpp; this is what the links do when they are there.
TEST_CASE("CVE-2021-30465: links in a shared volume at mount points below it",
          "[cve][hostile][CVE-2021-30465][lxcri]") {
    NEEDS(need_runtime());
    Attack attack;
    const fs::path volume = attack.make_volume();
    const std::string kind =
        GENERATE(as<std::string>(), "/", "../../../../../..", "absolute", "../../outside/sub");
    const std::string target = kind == "absolute" ? attack.outside(true) : kind;
    const std::string below = GENERATE(as<std::string>(), "", "/deeper");
    CAPTURE(target, below);
    fs::create_symlink(target, volume / "link");
    attack.bind(volume, "/volume");
    fs::create_directories(attack.box / "source");
    attack.bind(attack.box / "source", "/volume/link" + below);
    attack.box.bundle.args({"mountinfo"});
    // What the link means inside: no way leads above the root.
    const fs::path meant = fs::path("/volume") / target;
    fs::path inside = "/";
    for (const auto& element : meant.lexically_normal().relative_path()) {
        if (!element.empty()) inside /= element;
    }
    if (inside == "/" && below.empty()) {
        CHECK(contains(attack.refused(), "/mounts/8: "));
    } else {
        const std::string above = inside == "/" ? "" : inside.string();
        CHECK(has(mount_points(attack.ran()), above + below));
    }
    CHECK(names_in(volume) == Strings{"link"});
}

// runc: the check for a plain /proc was lost; the image's own tree took sysctls and labels.
TEST_CASE("CVE-2023-27561: /proc as a link in the image", "[cve][hostile][CVE-2023-27561][lxcri]") {
    NEEDS(need_runtime());
    Attack attack;
    fs::create_directories(attack.rootfs() / "fake/sys/net/ipv4");
    write_file(attack.rootfs() / "fake/sys/net/ipv4/ip_forward", "image");
    const std::string kind =
        GENERATE(as<std::string>(), "fake", "/fake", "absolute", "../../outside");
    attack.plant_link("proc", kind == "absolute" ? attack.outside(true) : kind);
    attack.box.bundle.linux()["sysctl"] = {{"net.ipv4.ip_forward", "1"}};
    CHECK(contains(attack.refused(), "/mounts/0: \"/proc\" is a symbolic link"));
    CHECK(read_file(attack.rootfs() / "fake/sys/net/ipv4/ip_forward") == "image");
}

// runc: the same with procfs and sysfs mounted where links lead to /proc and /sys.
TEST_CASE("CVE-2023-28642: procfs and sysfs behind links",
          "[cve][hostile][CVE-2023-28642][lxcri]") {
    NEEDS(need_runtime());
    Attack attack;
    const std::string type = GENERATE(as<std::string>(), "proc", "sysfs");
    const std::string name = type == "proc" ? "proc" : "sys";
    const bool is_parent = GENERATE(false, true);
    CAPTURE(type, is_parent);
    fs::create_directories(attack.rootfs() / "real/below");
    attack.box.bundle.remove_mount("/" + name).remove_mount("/sys/fs/cgroup");
    std::string destination = "/" + name;
    if (is_parent) {
        attack.plant_link("way", "real");
        destination = "/way/below";
    } else {
        attack.plant_link(name, "real");
    }
    attack.box.bundle.add_mount({{"destination", destination}, {"type", type}, {"source", type}});
    CHECK(contains(attack.refused(), "symbolic link"));
}

// runc: mkdir -p in a shared volume followed a link that was dangling on the host.
TEST_CASE("CVE-2024-45310: dangling links where mount points have to be made",
          "[cve][hostile][CVE-2024-45310][lxcri]") {
    NEEDS(need_runtime());
    Attack attack;
    const fs::path volume = attack.make_volume();
    const bool absolute = GENERATE(true, false);
    const bool is_file = GENERATE(true, false);
    const std::string below = GENERATE(as<std::string>(), "", "/one", "/one/two");
    CAPTURE(absolute, is_file, below);
    const fs::path target =
        absolute ? attack.canary.path() / "made" : fs::path("../../outside/made");
    fs::create_symlink(target, volume / "made");
    attack.bind(volume, "/volume");
    fs::create_directories(attack.box / "source");
    write_file(attack.box / "source/file", "x");
    attack.bind(is_file ? attack.box / "source/file" : attack.box / "source",
                "/volume/made" + below);
    attack.box.bundle.args({"cat", "/volume/made" + below + (is_file ? "" : "/file")});
    // The link means something of the container, and is that there.
    const auto result = attack.go();
    CHECK(result.ran);
    CHECK(result.text == "x");
    CHECK(names_in(volume) == Strings{"made"});
}

// runc: /dev/null of the image, a link, became what hides the masked paths.
TEST_CASE("CVE-2025-31133: a false /dev/null and masked paths",
          "[cve][hostile][CVE-2025-31133][lxcri]") {
    NEEDS(need_runtime());
    Attack attack;
    attack.use_dev_of_image();
    write_file(attack.rootfs() / "etc/secret", "secret\n");
    const std::string kind = GENERATE(as<std::string>(), "link to procfs", "link outside", "file",
                                      "another device", "directory", "dangling");
    CAPTURE(kind);
    const fs::path null = attack.rootfs() / "dev/null";
    if (kind == "link to procfs") fs::create_symlink("/proc/sys/kernel/core_pattern", null);
    if (kind == "link outside") fs::create_symlink(attack.canary.path() / "file", null);
    if (kind == "dangling") fs::create_symlink("nowhere", null);
    if (kind == "file") write_file(null, "image");
    if (kind == "directory") fs::create_directories(null);
    if (kind == "another device") {
        REQUIRE(::mknod(null.c_str(), S_IFCHR | 0666, makedev(1, 5)) == 0);
    }
    attack.box.bundle.linux()["maskedPaths"] = {"/etc/secret", "/proc/kcore"};
    attack.box.bundle.args({"stat", "/etc/secret", "--", "cat", "/etc/secret"});
    const std::string pattern = read_file("/proc/sys/kernel/core_pattern");
    // The default device cannot be what it has to be.
    CHECK(contains(attack.refused(), "\"/dev/null\" exists already and is something else"));
    // A bundle that brings its own /dev needs none of ours: the mask is the host's null device.
    fs::create_directories(attack.box / "dev");
    attack.bind(attack.rootfs() / "dev", "/dev", {"bind"});
    const std::string text = attack.ran();
    CHECK(facts_of(text, "/etc/secret").starts_with("char "));
    CHECK(contains(text, " 1:3 "));
    CHECK_FALSE(contains(text, "secret\n\n"));
    CHECK(read_file("/proc/sys/kernel/core_pattern") == pattern);
    CHECK(read_file(attack.rootfs() / "etc/secret") == "secret\n");
}

// runc: /dev/console and /dev/pts as links took the terminal's mount, or gave another terminal.
TEST_CASE("CVE-2025-52565: links at /dev/pts and /dev/console",
          "[cve][hostile][CVE-2025-52565][lxcri]") {
    NEEDS(need_runtime());
    Attack attack;
    ReceivingSocket socket(attack.box / "console.sock");
    attack.box.bundle.process()["terminal"] = true;
    CreateOptions options;
    options.flags = {"--console-socket", socket.path()};
    attack.use_dev_of_image();
    write_file(attack.rootfs() / "victim", "image");
    const std::string pts =
        GENERATE(as<std::string>(), "none", "outside", "/proc/self", "/proc/self/fd", "/sys");
    const bool has_devpts = pts == "none";
    CAPTURE(pts);
    if (has_devpts) {
        attack.box.bundle.add_mount({{"destination", "/dev/pts"},
                                     {"type", "devpts"},
                                     {"source", "devpts"},
                                     {"options", {"newinstance", "ptmxmode=0666", "mode=0620"}}});
        const std::string kind = GENERATE(as<std::string>(), "../victim", "/victim",
                                          "/proc/self/fd/0", "/proc/kcore", "absolute");
        attack.plant_link("dev/console",
                          kind == "absolute" ? attack.outside(true) + "/console" : kind);
        CHECK(contains(attack.refused(options), "/dev/console"));
    } else {
        attack.plant_link("dev/pts",
                          pts == "outside" ? attack.canary.path() / "pts" : fs::path(pts));
        CHECK(contains(attack.refused(options), "/process/terminal"));
    }
    CHECK(read_file(attack.rootfs() / "victim") == "image");
}

// runc: sysctls and labels were written to files of a "procfs" that was none, or through links on
// it, and so to /proc/sysrq-trigger or core_pattern of the host.
TEST_CASE("CVE-2025-52881: false files where sysctls and labels are written",
          "[cve][hostile][CVE-2025-52881][lxcri]") {
    NEEDS(need_runtime());
    Attack attack;
    const std::string pattern = read_file("/proc/sys/kernel/core_pattern");
    attack.box.bundle.linux()["sysctl"] = {{"net.ipv4.ip_forward", "1"}};
    SECTION("a tree of the image, and no procfs is mounted") {
        attack.box.bundle.remove_mount("/proc");
        fs::create_directories(attack.rootfs() / "proc/sys/net/ipv4");
        const bool is_link = GENERATE(false, true);
        if (is_link) {
            attack.plant_link("proc/sys/net/ipv4/ip_forward", "/sys/kernel/core_pattern");
        } else {
            write_file(attack.rootfs() / "proc/sys/net/ipv4/ip_forward", "image");
        }
        attack.box.bundle.args({"true"});
        (void)attack.ran();
        if (!is_link) {
            CHECK(read_file(attack.rootfs() / "proc/sys/net/ipv4/ip_forward") == "image");
        }
    }
    SECTION("something mounted on the procfs") {
        const std::string point =
            GENERATE(as<std::string>(), "/proc/sys/net", "/proc/sys/net/ipv4/ip_forward",
                     "/proc/self/attr", "/proc/thread-self/attr/exec");
        CAPTURE(point);
        const bool is_file = point.ends_with("exec") || point.ends_with("forward");
        attack.bind(is_file ? attack.canary.path() / "file" : attack.canary.path() / "sub", point);
        CHECK(contains(attack.refused(), "is inside of the procfs and cannot be mounted on"));
    }
    SECTION("the same through a link of the image") {
        attack.plant_link("way", "/proc/sys/net/ipv4");
        attack.bind(attack.canary.path() / "sub", "/way");
        CHECK(contains(attack.refused(), "is inside of the procfs and cannot be mounted on"));
    }
    SECTION("the same by a tmpfs") {
        attack.box.bundle.add_mount(
            {{"destination", "/proc/self/attr"}, {"type", "tmpfs"}, {"source", "t"}});
        CHECK(contains(attack.refused(), "is inside of the procfs and cannot be mounted on"));
    }
    SECTION("the real one is what is written to") {
        attack.box.bundle.args({"cat", "/proc/sys/net/ipv4/ip_forward"});
        CHECK(attack.ran() == "1\n");
    }
    CHECK(read_file("/proc/sys/kernel/core_pattern") == pattern);
}

// runc: /dev of the image is a link, and the devices and links of /dev are made on the host.
TEST_CASE("CVE-2026-41579: /dev as a link", "[cve][hostile][CVE-2026-41579][lxcri]") {
    NEEDS(need_runtime());
    Attack attack;
    const bool is_mounted = GENERATE(true, false);
    const std::string where = GENERATE(as<std::string>(), "outside, absolute", "outside, relative",
                                       "a volume", "inside", "dangling");
    CAPTURE(is_mounted, where);
    if (!is_mounted) attack.use_dev_of_image();
    const fs::path volume = attack.make_volume();
    write_file(volume / "ptmx", "volume");
    attack.bind(volume, "/volume");
    // The volume is there when /dev is made.
    auto& mounts = attack.box.bundle.config["mounts"];
    std::rotate(mounts.begin(), mounts.end() - 1, mounts.end());
    if (where == "outside, absolute") attack.plant_link("dev", attack.outside(true));
    if (where == "outside, relative") attack.plant_link("dev", attack.outside(false));
    if (where == "a volume") attack.plant_link("dev", "/volume");
    if (where == "inside") attack.plant_link("dev", "etc");
    if (where == "dangling") attack.plant_link("dev", "nowhere");
    CHECK(contains(attack.refused(), "\"/dev\""));
    CHECK(names_in(volume) == Strings{"ptmx"});
    CHECK(read_file(volume / "ptmx") == "volume");
    CHECK(names_in(attack.rootfs() / "etc") == Strings{});
}

// The same way of thinking: what is read before the place has been judged.
TEST_CASE("tmpcopyup: nothing of a procfs is copied to find out that it is one",
          "[cve][hostile][mounts][lxcri]") {
    NEEDS(need_runtime());
    Attack attack;
    attack.plant_link("var/data", GENERATE(as<std::string>(), "/proc", "/proc/1", "/proc/sys"));
    attack.box.bundle.add_mount({{"destination", "/var/data"},
                                 {"type", "tmpfs"},
                                 {"source", "t"},
                                 {"options", {"tmpcopyup"}}});
    CHECK(contains(attack.refused(), "procfs"));
}

// --- everything else -------------------------------------------------------------------------

namespace {

// A path that create touches, in a bundle that makes it do so.
struct TouchedPath {
    const char* path;
    // What the path means: the part of the bundle that uses it.
    void (*ask_for)(Attack&);
};

void ask_for_nothing(Attack&) {}

void ask_for_dev_of_image(Attack& attack) {
    attack.use_dev_of_image();
}

void ask_for_devpts(Attack& attack) {
    attack.use_dev_of_image();
    attack.box.bundle.add_mount({{"destination", "/dev/pts"},
                                 {"type", "devpts"},
                                 {"source", "devpts"},
                                 {"options", {"newinstance", "ptmxmode=0666"}}});
}

void ask_for_shm(Attack& attack) {
    attack.use_dev_of_image();
    attack.box.bundle.add_mount(
        {{"destination", "/dev/shm"}, {"type", "tmpfs"}, {"source", "shm"}});
}

void ask_for_hosts(Attack& attack) {
    write_file(attack.box / "hosts", "engine\n");
    attack.bind(attack.box / "hosts", "/etc/files/hosts");
}

void ask_for_copy_up(Attack& attack) {
    attack.box.bundle.add_mount({{"destination", "/var/data/sub"},
                                 {"type", "tmpfs"},
                                 {"source", "t"},
                                 {"options", {"tmpcopyup"}}});
}

void ask_for_remount(Attack& attack) {
    attack.box.bundle.add_mount({{"destination", "/var/tmp"}, {"type", "tmpfs"}, {"source", "t"}});
    attack.box.bundle.add_mount({{"destination", "/var/tmp"},
                                 {"type", "bind"},
                                 {"source", "t"},
                                 {"options", {"remount", "bind", "ro"}}});
}

void ask_for_device(Attack& attack) {
    attack.box.bundle.linux()["devices"] = {
        {{"path", "/srv/devices/node"}, {"type", "c"}, {"major", 1}, {"minor", 5}}};
}

void ask_for_mask(Attack& attack) {
    attack.box.bundle.linux()["maskedPaths"] = {"/srv/hidden/secret"};
}

void ask_for_readonly(Attack& attack) {
    attack.box.bundle.linux()["readonlyPaths"] = {"/srv/hidden/fixed"};
}

void ask_for_cwd(Attack& attack) {
    attack.box.bundle.process()["cwd"] = "/work/sub/deep";
}

void ask_for_message(Attack& attack) {
    attack.box.bundle.config["annotations"] = {
        {"io.kubernetes.container.terminationMessagePath", "/var/message/log"}};
    attack.box.bundle.config["process"]["args"] = {"/not/there"};
}

constexpr TouchedPath kTouchedPaths[] = {
    {"proc", ask_for_nothing},
    {"sys", ask_for_nothing},
    {"dev", ask_for_nothing},
    {"dev", ask_for_dev_of_image},
    {"dev/null", ask_for_dev_of_image},
    {"dev/ptmx", ask_for_dev_of_image},
    {"dev/fd", ask_for_dev_of_image},
    {"dev/core", ask_for_dev_of_image},
    {"dev/stdin", ask_for_dev_of_image},
    {"dev/console", ask_for_dev_of_image},
    {"dev/pts", ask_for_devpts},
    {"dev/shm", ask_for_shm},
    {".lxc_keep", ask_for_nothing},
    {"etc/files/hosts", ask_for_hosts},
    {"var/data/sub", ask_for_copy_up},
    {"var/tmp", ask_for_remount},
    {"srv/devices/node", ask_for_device},
    {"srv/hidden/secret", ask_for_mask},
    {"srv/hidden/fixed", ask_for_readonly},
    {"work/sub/deep", ask_for_cwd},
    {"var/message/log", ask_for_message},
    {"etc/passwd", ask_for_nothing},
};

}  // namespace

TEST_CASE("links in every component of every path that create touches",
          "[cve][hostile][slow][lxcri]") {
    NEEDS(need_runtime());
    const auto touched = GENERATE(from_range(std::begin(kTouchedPaths), std::end(kTouchedPaths)));
    for (const char* target : {"/", "..", "absolute", "relative", "file", "/proc/self/root",
                               "/proc/1/cwd", "dangling", "itself"}) {
        fs::path planted;
        for (const fs::path& component : fs::path(touched.path)) {
            planted /= component;
            CAPTURE(touched.path, planted.string(), target);
            Attack attack;
            touched.ask_for(attack);
            const std::string_view kind = target;
            fs::path link = target;
            if (kind == "absolute") link = attack.canary.path();
            if (kind == "relative") link = "../../../../outside";
            if (kind == "file") link = attack.canary.path() / "file";
            if (kind == "dangling") link = attack.canary.path() / "new/thing";
            if (kind == "itself") link = planted.filename();
            attack.plant_link(planted.string(), link);
            CreateOptions options;
            Container container = attack.box.try_create(options);
            if (container.created.code() == 0) {
                container.start();
                const int code = container.wait_code();
                CHECK((code == 0 || code == 127));
                container.remove();
            } else {
                CHECK(container.created.code() == 1);
                CHECK(lines_of(container.err().wait_for_end()).size() == 1);
            }
            CHECK(attack.canary.changes() == Strings{});
            CHECK(attack.box.leftovers() == Strings{});
        }
    }
}
