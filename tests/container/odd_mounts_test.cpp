// Mounts at the edges: long, many, on odd roots, with more than one filesystem call can take.
#include <sys/mount.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>

#include "support/catch.h"
#include "support/environment.h"
#include "support/runtime.h"

using namespace lxcri::test;
namespace fs = std::filesystem;

namespace {

Json bind_mount(const fs::path& source, const std::string& destination,
                Strings options = {"bind"}) {
    return {{"destination", destination},
            {"type", "bind"},
            {"source", source.string()},
            {"options", std::move(options)}};
}

Json filesystem(const char* type, const std::string& destination, Strings options = {}) {
    return {{"destination", destination},
            {"type", type},
            {"source", type},
            {"options", std::move(options)}};
}

// The options of the mount at this place, with a comma before and behind.
std::string options_at(const std::string& mountinfo, const std::string& point) {
    for (const std::string& line : lines_of(mountinfo)) {
        const Strings fields = split(line, ' ');
        if (fields.size() > 5 && fields[4] == point) return "," + fields[5] + ",";
    }
    return "none";
}

class Mounted {
  public:
    Mounted(const char* type, fs::path point, const std::string& data = "",
            const fs::path& source = "none", unsigned long flags = 0)
        : point_(std::move(point)) {
        fs::create_directories(point_);
        REQUIRE(::mount(source.c_str(), point_.c_str(), type, flags, data.c_str()) == 0);
    }
    Mounted(const Mounted&) = delete;
    Mounted& operator=(const Mounted&) = delete;
    ~Mounted() { (void)::umount2(point_.c_str(), MNT_DETACH); }

    void remount_bind(unsigned long flags) const {
        REQUIRE(::mount(nullptr, point_.c_str(), nullptr, MS_REMOUNT | MS_BIND | flags, nullptr) ==
                0);
    }
    const fs::path& point() const { return point_; }

  private:
    fs::path point_;
};

// "./././NAME", so long.
std::string long_way(const fs::path& base, const std::string& name, std::size_t length) {
    std::string path = base.string() + "/";
    while (path.size() + name.size() < length) path += "./";
    return path + name;
}

}  // namespace

// --- paths -----------------------------------------------------------------------------------

TEST_CASE("odd mounts: paths of nearly 4 000 bytes", "[mounts]") {
    NEEDS(need_runtime());
    Box box;
    const std::string element = GENERATE(std::string(200, 'd'), std::string(99, '\\') + "\n\t #");
    std::string path;
    while (path.size() + element.size() + 1 < 3700) path += "/" + element;
    box.bundle.add_mount(filesystem("tmpfs", path)).add_mount(bind_mount("/etc", path + "/etc"));
    const Outcome outcome = box.life({"write", path + "/new", "x", "--", "open", path + "/etc"});
    CHECK(contains(outcome.out, "/new: ok\n"));
    CHECK(contains(outcome.out, "/etc: ok\n"));
}

TEST_CASE("odd mounts: a source of nearly 4 000 bytes", "[mounts]") {
    NEEDS(need_runtime());
    Box box;
    write_file(box / "file", "found\n");
    box.bundle.add_mount(bind_mount(long_way(box / "", "file", 3990), "/file"));
    CHECK(box.life({"cat", "/file"}).out == "found\n");
}

TEST_CASE("odd mounts: what is longer than the kernel takes is an error", "[mounts][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    SECTION("one element of 256 bytes") {
        box.bundle.add_mount(filesystem("tmpfs", "/" + std::string(256, 'n')));
    }
    SECTION("more than 4 095 bytes") {
        std::string path;
        while (path.size() < 5000) path += "/abc";
        box.bundle.add_mount(filesystem("tmpfs", path));
    }
    const std::string line = box.refusal();
    CHECK(contains(line, "/mounts/"));
    CHECK(contains(line, "ame too long"));
}

// --- many ------------------------------------------------------------------------------------

TEST_CASE("odd mounts: 1 000 in one bundle", "[mounts]") {
    NEEDS(need_runtime());
    Box box;
    write_file(box / "file", "content");
    for (int i = 0; i < 500; ++i) {
        const std::string number = std::to_string(i);
        box.bundle.add_mount(bind_mount(box / "file", "/many/file" + number, {"rbind", "ro"}));
        box.bundle.add_mount(filesystem("tmpfs", "/many/dir" + number, {"nosuid"}));
    }
    const std::string out = box.life({"mountinfo"}).out;
    std::size_t found = 0;
    for (const std::string& line : lines_of(out)) {
        if (contains(line, " /many/")) ++found;
    }
    CHECK(found == 1000);
}

TEST_CASE("odd mounts: 512 masked folders", "[masked]") {
    NEEDS(need_runtime());
    Box box;
    Json paths = Json::array();
    for (int i = 0; i < 512; ++i) {
        const std::string path = "/folders/" + std::to_string(i);
        fs::create_directories(box.bundle.in_rootfs(path) / "secret");
        paths.push_back(path);
    }
    box.bundle.linux()["maskedPaths"] = paths;
    const Outcome outcome = box.life({"ls", "/folders/0", "/folders/255", "/folders/511", "--",
                                      "open", "/folders/511/secret", "--", "mountinfo"});
    CHECK(!has_line(outcome.out, "secret"));
    CHECK(has_line(outcome.out, "open /folders/511/secret: ENOENT"));
    CHECK(options_at(outcome.out, "/folders/300").starts_with(",ro,"));
}

// --- filesystems -----------------------------------------------------------------------------

TEST_CASE("odd mounts: options longer than 255 bytes arrive", "[mounts]") {
    NEEDS(need_runtime());
    Box box;
    for (const char* name : {"lower", "upper", "work"}) {
        fs::create_directories(box / name);
        fs::permissions(box / name, fs::perms::all);
    }
    write_file(box / "lower/below", "from below\n");
    const std::string lower = "lowerdir=" + long_way(box / "", "lower", 600);
    const Strings upper = {"upperdir=" + (box / "upper").string(),
                           "workdir=" + (box / "work").string()};
    if (GENERATE(true, false)) {
        box.bundle.add_mount(filesystem("overlay", "/data", {lower, upper[0], upper[1], "nodev"}));
        const Outcome outcome =
            box.life({"cat", "/data/below", "--", "write", "/data/new", "x", "--", "mountinfo"});
        CHECK(outcome.out.starts_with("from below\nwrite /data/new: ok\n"));
        CHECK(contains(options_at(outcome.out, "/data"), ",nodev,"));
        CHECK(read_file(box / "upper/new") == "x");
    } else {
        box.bundle.add_mount(filesystem("overlay", "/data", {"ro", lower, upper[0], upper[1]}));
        const Outcome outcome = box.life({"write", "/data/new", "x"});
        CHECK(outcome.out == "write /data/new: EROFS\n");
    }
}

TEST_CASE("odd mounts: options longer than mount(2) takes, and errors of it", "[mounts][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    const auto lower = [&](std::size_t length) {
        return "lowerdir=" + long_way(box / "", "not-there", length);
    };
    SECTION("more than a page") {
        const std::string text = "context=" + std::string(5000, 'x');
        box.bundle.add_mount(filesystem("tmpfs", "/data", {text}));
        CHECK(contains(box.refusal(), "more than 4095 bytes"));
    }
    SECTION("more than a page of layers that are not there") {
        box.bundle.add_mount(filesystem("overlay", "/data", {lower(2500), lower(2500)}));
        CHECK(contains(box.refusal(), "o such file"));
    }
    SECTION("refused by the filesystem") {
        box.bundle.add_mount(filesystem("overlay", "/data", {lower(300)}));
        CHECK(contains(box.refusal(), "mount a overlay"));
    }
    SECTION("with a comma") {
        const std::string text = "context=" + std::string(300, 'x');
        box.bundle.add_mount(filesystem("tmpfs", "/data", {text, "huge=a\\,b"}));
        CHECK(contains(box.refusal(), "has a comma"));
    }
    SECTION("with a comma in the name of a directory") {
        const std::string base = (box / "").string();
        for (const char* name : {"lower", "up,per", "wo,rk"}) fs::create_directories(box / name);
        box.bundle.add_mount(
            filesystem("overlay", "/data",
                       {"lowerdir=" + long_way(base, "lower", 600), "upperdir=" + base + "up,per",
                        "workdir=" + base + "wo,rk"}));
        CHECK(box.life({"write", "/data/new", "x"}).out == "write /data/new: ok\n");
        CHECK(read_file(box / "up,per/new") == "x");
    }
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("odd mounts: what has no effect is a warning", "[mounts][lxcri]") {
    NEEDS(need_runtime());
    APPLIES(!contains(read_file("/proc/filesystems"), "selinuxfs"));
    Box box;
    box.bundle.linux()["mountLabel"] = "system_u:object_r:container_file_t:s0:c1,c2";
    box.bundle.add_mount({{"destination", "/mnt/bound"},
                          {"source", "/etc"},
                          {"options", {"bind", "mode=700", "sync", "tmpcopyup"}}});
    CreateOptions logged;
    logged.global = {"--log", box / "log", "--log-level", "warn"};
    Container container = box.create(logged);
    const std::string log = read_file(box / "log");
    CHECK(contains(log, "/linux/mountLabel: "));
    CHECK(contains(log, "SELinux is not enabled"));
    CHECK(contains(log, "/options/1: \\\"mode=700\\\" has no effect on a bind mount"));
    CHECK(contains(log, "/options/2: \\\"sync\\\" has no effect on a bind mount"));
    CHECK(contains(log,
                   "/options/3: \\\"tmpcopyup\\\" has no effect on a mount that is not a tmpfs"));
    container.kill();
    container.wait();
    container.remove();
}

TEST_CASE("mounts: are listed in their order, whatever they are", "[mounts][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    Strings wanted;
    for (int i = 0; i < 24; ++i) {
        const std::string place = "/mnt/place-" + std::to_string(i);
        // Binds in runs of one and more, filesystems between them.
        const bool bind = i % 5 != 0 && i % 7 != 0;
        box.bundle.add_mount(
            bind ? Json{{"destination", place}, {"source", "/etc"}, {"options", {"bind", "ro"}}}
                 : filesystem("tmpfs", place, {"size=1k"}));
        wanted.push_back(place);
    }
    Strings found;
    for (const auto& line : lines_of(box.life({"mountinfo"}).out)) {
        const Strings fields = split(line, ' ');
        if (fields.size() > 4 && fields[4].starts_with("/mnt/place-")) found.push_back(fields[4]);
    }
    CHECK(found == wanted);
}

TEST_CASE("odd mounts: several options in one string, as mount(2) takes them", "[mounts]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.add_mount(filesystem("tmpfs", "/several", {"size=64k,mode=711", "nosuid"}));
    const Outcome outcome = box.life({"stat", "/several", "--", "statfs", "/several"});
    CHECK(facts_of(outcome.out, "/several").starts_with("dir 0711"));
    CHECK(contains(outcome.out, "size=65536"));
}

TEST_CASE("odd mounts: a flag that only mount(2) has for each filesystem", "[mounts][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.add_mount(filesystem("tmpfs", "/counted", {"iversion"}));
    const Outcome outcome = box.life({"stat", "/counted"});
    CHECK(facts_of(outcome.out, "/counted").starts_with("dir 1777"));
}

TEST_CASE("odd mounts: a mount point behind a dangling link is made inside", "[mounts][not-crun]") {
    NEEDS(need_runtime());
    Box box;
    // As images with systemd-resolved have it.
    fs::create_directories(box.bundle.in_rootfs("etc"));
    fs::create_symlink("../run/resolve/stub.conf", box.bundle.in_rootfs("etc/resolv.conf"));
    fs::create_symlink("/data/deep", box.bundle.in_rootfs("etc/data"));
    fs::create_directories(box / "source");
    write_file(box / "source/file", "nameserver\n");
    box.bundle.add_mount(bind_mount(box / "source/file", "/etc/resolv.conf"))
        .add_mount(bind_mount(box / "source", "/etc/data/er"));
    CHECK(
        box.life({"cat", "/etc/resolv.conf", "/run/resolve/stub.conf", "/data/deep/er/file"}).out ==
        "nameserver\nnameserver\nnameserver\n");
    CHECK(fs::is_symlink(box.bundle.in_rootfs("etc/resolv.conf")));
}

TEST_CASE(
    "odd mounts: which flags of its source a bind keeps, in a user namespace all but those named",
    "[mounts][not-crun][not-runc]") {
    NEEDS(need_runtime());
    Box box;
    const Mounted source("tmpfs", box / "source");
    source.remount_bind(MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME);
    const bool user_namespace = GENERATE(true, false);
    if (user_namespace) {
        box.bundle.add_namespace("user");
        const Json mapping = {{{"containerID", 0}, {"hostID", 100000}, {"size", 65536}}};
        box.bundle.linux()["uidMappings"] = mapping;
        box.bundle.linux()["gidMappings"] = mapping;
    }
    for (const char* name : {"none", "more", "less"}) {
        fs::create_directories(box.bundle.in_rootfs(name));
    }
    box.bundle.add_mount(bind_mount(source.point(), "/none", {"bind"}))
        .add_mount(bind_mount(source.point(), "/more", {"rbind", "nosymfollow"}))
        .add_mount(bind_mount(source.point(), "/less", {"bind", "rw", "exec"}));
    const std::string text = box.life({"mountinfo"}).out;
    const std::string all = ",ro,nosuid,nodev,noexec,noatime,";
    CHECK(options_at(text, "/none") == all);
    CHECK(options_at(text, "/more") ==
          (user_namespace ? all + "nosymfollow," : ",ro,noatime,nosymfollow,"));
    CHECK(options_at(text, "/less") ==
          (user_namespace ? ",rw,nosuid,nodev,noatime," : ",rw,noatime,"));
}

// --- /proc -----------------------------------------------------------------------------------

TEST_CASE("odd mounts: the procfs of the host on /proc", "[mounts]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.remove_mount("/proc");
    Json& mounts = box.bundle.config["mounts"];
    mounts.insert(mounts.begin(), bind_mount("/proc", "/proc", {"rbind"}));
    const Outcome outcome = box.life({"pid", "--", "open", "/proc/self/status"});
    CHECK(contains(outcome.out, "pid=1 "));
    CHECK(has_line(outcome.out, "open /proc/self/status: ok"));
}

TEST_CASE("odd mounts: on /proc only a whole procfs, in it only files about the machine",
          "[mounts][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    write_file(box / "file", "forged\n");
    SECTION("a part of the procfs") {
        box.bundle.remove_mount("/proc");
        box.bundle.add_mount(bind_mount("/proc/1", "/proc"));
        CHECK(contains(box.refusal(), "whole procfs"));
    }
    SECTION("something else") {
        box.bundle.remove_mount("/proc");
        box.bundle.add_mount(filesystem("tmpfs", "/proc"));
        CHECK(contains(box.refusal(), "whole procfs"));
    }
    SECTION("a directory in it") {
        box.bundle.add_mount(filesystem("tmpfs", "/proc/sys/net"));
        CHECK(contains(box.refusal(), "inside of the procfs"));
    }
    SECTION("a file that matters") {
        const char* name = GENERATE("/proc/self/comm", "/proc/version", "/proc/net/dev",
                                    "/proc/sys/kernel/hostname", "/proc/self/../uptime");
        box.bundle.add_mount(bind_mount(box / "file", name));
        CHECK(contains(box.refusal(), "inside of the procfs"));
    }
    SECTION("through a link") {
        fs::create_symlink("/proc/sys", box.bundle.in_rootfs("link"));
        box.bundle.add_mount(filesystem("tmpfs", "/link/net"));
        CHECK(contains(box.refusal(), "inside of the procfs"));
    }
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("odd mounts: files about the machine can be covered in /proc", "[mounts]") {
    NEEDS(need_runtime());
    Box box;
    write_file(box / "file", "covered\n");
    const Strings names = {"/proc/cpuinfo", "/proc/diskstats", "/proc/meminfo", "/proc/stat",
                           "/proc/swaps",   "/proc/uptime",    "/proc/loadavg"};
    std::string expected;
    Strings command = {"cat"};
    for (const auto& name : names) {
        box.bundle.add_mount(bind_mount(box / "file", name));
        command.push_back(name);
        expected += "covered\n";
    }
    CHECK(box.life(command).out == expected);
}

// --- the root --------------------------------------------------------------------------------

TEST_CASE("root: an overlay", "[root]") {
    NEEDS(need_runtime());
    Box box;
    for (const char* name : {"upper", "work"}) fs::create_directories(box / name);
    const Mounted root("overlay", box / "merged",
                       "lowerdir=" + box.bundle.rootfs().string() + ",upperdir=" +
                           (box / "upper").string() + ",workdir=" + (box / "work").string());
    box.bundle.config["root"] = {{"path", root.point().string()}, {"readonly", false}};
    CHECK(box.life({"write", "/new", "x"}).out == "write /new: ok\n");
    CHECK(read_file(box / "upper/new") == "x");
    CHECK(!fs::exists(box.bundle.in_rootfs("new")));
    // Nothing of ours is copied up.
    CHECK(!fs::exists(box / "upper/.lxc_keep"));
    CHECK(!fs::exists(box / "upper/probe"));
}

TEST_CASE("root: behind a symbolic link", "[root][not-runc]") {
    NEEDS(need_runtime());
    Box box;
    fs::create_directory_symlink(box.bundle.rootfs(), box / "link");
    box.bundle.config["root"]["path"] = box / "link";
    CHECK(box.life({"echo", "there"}).out == "there\n");
}

TEST_CASE("root: a mount that is read-only, with other flags", "[root][not-crun][not-runc]") {
    NEEDS(need_runtime());
    Box box;
    for (const char* name : {"proc", "sys", "dev", "tmp"}) {
        fs::create_directories(box.bundle.in_rootfs(name));
    }
    const Mounted root("", box / "image", "", box.bundle.rootfs(), MS_BIND);
    root.remount_bind(MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOATIME);
    box.bundle.config["root"] = {{"path", root.point().string()},
                                 {"readonly", GENERATE(true, false)}};
    const Outcome outcome = box.life({"write", "/new", "x", "--", "mountinfo"});
    CHECK(has_line(outcome.out, "write /new: EROFS"));
    CHECK(options_at(outcome.out, "/") == ",ro,nosuid,nodev,noatime,");
    // A place for a mount that is not there cannot be made: nothing is left of the attempt.
    box.bundle.add_mount(filesystem("tmpfs", "/not-there"));
    Container container = box.try_create();
    CHECK(container.created.code() != 0);
    CHECK(contains(container.created.err, "/not-there"));
    CHECK(box.leftovers().size() == 1);  // our own mount
}

TEST_CASE("root: what the host has mounted in it is there", "[root]") {
    NEEDS(need_runtime());
    Box box;
    const Mounted nested("tmpfs", box.bundle.in_rootfs("nested"));
    write_file(nested.point() / "file", "nested\n");
    box.bundle.config["root"]["readonly"] = true;
    CHECK(box.life({"cat", "/nested/file", "--", "write", "/nested/new", "x"}).out ==
          "nested\nwrite /nested/new: ok\n");
}

TEST_CASE("root: --no-pivot is accepted, and shows nothing more of the host", "[root][not-runc]") {
    NEEDS(need_runtime());
    Box box;
    CreateOptions options;
    options.flags = {"--no-pivot"};
    const Strings names = lines_of(box.life({"ls", "/"}, options).out);
    CHECK(names == lines_of(box.life({"ls", "/"}).out));
    CHECK(std::find(names.begin(), names.end(), "probe") != names.end());
}
