// root.*, masked and read-only paths, hostname, propagation.
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "support/catch.h"
#include "support/environment.h"
#include "support/runtime.h"

using namespace lxcri::test;
namespace fs = std::filesystem;

TEST_CASE("root: is the root and nothing else can be reached", "[root]") {
    NEEDS(need_runtime());
    Box box;
    write_file(box.bundle.in_rootfs("etc/marker"), "here\n");
    const Outcome outcome = box.life({"cat", "/etc/marker", "/../../../etc/marker", "--", "ls", "/",
                                      "--", "readlink", "/proc/1/root"});
    CHECK(outcome.out.starts_with("here\nhere\n"));
    CHECK(has_line(outcome.out, "probe"));
    CHECK(!has_line(outcome.out, "boot"));
    CHECK(has_line(outcome.out, "/proc/1/root -> /"));
}

TEST_CASE("root: nothing of the runtime is left in it", "[root]") {
    NEEDS(need_runtime());
    Box box;
    const Strings before = names_in(box.bundle.rootfs());
    const Outcome outcome = box.life({"ls", "/"});
    CHECK(lines_of(outcome.out) == before);
    CHECK(names_in(box.bundle.rootfs()) == before);
    CHECK(names_in(box.bundle.path()) == Strings{"config.json", "rootfs"});
}

TEST_CASE("root.path: absolute or relative to the bundle", "[root]") {
    NEEDS(need_runtime());
    Box box;
    SECTION("absolute") {
        box.bundle.config["root"]["path"] = box.bundle.rootfs();
    }
    SECTION("relative with dots") {
        box.bundle.config["root"]["path"] = "./x/../rootfs";
    }
    fs::create_directories(box.bundle.path() / "x");
    CHECK(box.life({"echo", "there"}).out == "there\n");
}

TEST_CASE("root.path: with characters that lists and mount options are made of",
          "[root][not-crun][not-runc]") {
    NEEDS(need_runtime());
    Box box;
    const std::string name = GENERATE(as<std::string>(), "two words", "a:b", "a,b", "a\\b", "a=b",
                                      "line\nbreak", "#a", "a;b'\"$x", "\xc3\xa4");
    CAPTURE(name);
    fs::rename(box.bundle.rootfs(), box.bundle.path() / name);
    box.bundle.config["root"]["path"] = name;
    CHECK(box.life({"echo", "there"}).out == "there\n");
    fs::rename(box.bundle.path() / name, box.bundle.rootfs());
}

TEST_CASE("root.path: missing, not a directory, or absent is an error", "[root]") {
    NEEDS(need_runtime());
    Box box;
    SECTION("missing") {
        box.bundle.config["root"]["path"] = "missing";
    }
    SECTION("a file") {
        box.bundle.config["root"]["path"] = "config.json";
    }
    SECTION("no root") {
        box.bundle.config.erase("root");
    }
    Container container = box.try_create();
    CHECK(container.created.code() != 0);
    CHECK(container.created.err != "");
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("root.readonly: the root is read-only, mounts keep what they are", "[root]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.config["root"]["readonly"] = true;
    box.bundle.add_mount({{"destination", "/tmp"}, {"type", "tmpfs"}, {"source", "t"}});
    const Outcome outcome =
        box.life({"write", "/new", "x", "--", "mkdir", "/etc/new", "--", "write", "/tmp/new", "x",
                  "--", "write", "/dev/shm/new", "x", "--", "statfs", "/"});
    CHECK(has_line(outcome.out, "write /new: EROFS"));
    CHECK(has_line(outcome.out, "mkdir /etc/new: EROFS"));
    CHECK(has_line(outcome.out, "write /tmp/new: ok"));
    CHECK(has_line(outcome.out, "write /dev/shm/new: ok"));
    CHECK(contains(outcome.out, "flags=ro,"));
    write_file(box.bundle.in_rootfs("etc/outside"), "writable outside");
}

TEST_CASE("root.readonly: destinations are made all the same", "[root]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.config["root"]["readonly"] = true;
    fs::create_directories(box / "source");
    box.bundle.add_mount({{"destination", "/made"},
                          {"type", "bind"},
                          {"source", box / "source"},
                          {"options", {"bind"}}});
    CHECK(box.life({"write", "/made/x", "x"}).out == "write /made/x: ok\n");
}

TEST_CASE("root.readonly: absent or false leaves it writable", "[root]") {
    NEEDS(need_runtime());
    Box box;
    if (GENERATE(true, false)) box.bundle.config["root"]["readonly"] = false;
    CHECK(box.life({"write", "/new", "x"}).out == "write /new: ok\n");
    CHECK(read_file(box.bundle.in_rootfs("new")) == "x");
}

TEST_CASE("root: another file system as the root", "[root]") {
    NEEDS(need_runtime());
    Box box;
    fs::create_directories(box / "other");
    REQUIRE(run_command({"/bin/mount", "-t", "tmpfs", "none", box / "other"}).code() == 0);
    fs::copy(box.bundle.rootfs(), box / "other", fs::copy_options::recursive);
    box.bundle.config["root"]["path"] = box / "other";
    CHECK(box.life({"echo", "there"}).out == "there\n");
    CHECK(run_command({"/bin/umount", box / "other"}).code() == 0);
}

TEST_CASE("root: two containers can share it", "[root]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.linux().erase("cgroupsPath");
    box.bundle.args({"trap", "TERM", "0"});
    Container first = box.create();
    Container second = box.create();
    first.start();
    second.start();
    first.out().wait_for("ready");
    second.out().wait_for("ready");
    first.kill("TERM");
    CHECK(first.wait_code() == 0);
    CHECK(second.status() == "running");
}

// --- masked and read-only paths --------------------------------------------------------------

TEST_CASE("maskedPaths: files read empty, directories are empty", "[masked]") {
    NEEDS(need_runtime());
    Box box;
    write_file(box.bundle.in_rootfs("etc/secret"), "secret");
    fs::create_directories(box.bundle.in_rootfs("etc/folder"));
    write_file(box.bundle.in_rootfs("etc/folder/secret"), "secret");
    box.bundle.linux()["maskedPaths"] = {"/etc/secret", "/etc/folder", "/not/there"};
    const Outcome outcome =
        box.life({"cat", "/etc/secret", "/etc/folder/secret", "--", "ls", "/etc/folder", "--",
                  "write", "/etc/folder/new", "x", "--", "stat", "/etc/secret"});
    CHECK(!contains(outcome.out, "secret\n/"));
    CHECK(has_line(outcome.out, "cat /etc/folder/secret: ENOENT"));
    CHECK(has_line(outcome.out, "write /etc/folder/new: EROFS"));
    CHECK(facts_of(outcome.out, "/etc/secret").starts_with("char "));
    CHECK(contains(outcome.out, " 1:3 "));
    CHECK(!fs::exists(box.bundle.in_rootfs("not")));
    CHECK(read_file(box.bundle.in_rootfs("etc/secret")) == "secret");
}

TEST_CASE("maskedPaths: the usual ones in /proc and /sys", "[masked]") {
    NEEDS(need_runtime());
    Box box;
    const Outcome outcome = box.life({"cat", "/proc/kcore", "/proc/keys", "/proc/timer_list", "--",
                                      "ls", "/sys/firmware", "--", "ls", "/proc/scsi"});
    for (const std::string& line : lines_of(outcome.out)) {
        CAPTURE(line);
        CHECK(contains(line, "ENOENT"));  // what this kernel does not have
    }
}

TEST_CASE("readonlyPaths: cannot be written, the rest can", "[masked]") {
    NEEDS(need_runtime());
    Box box;
    write_file(box.bundle.in_rootfs("etc/fixed"), "fixed\n");
    fs::create_directories(box.bundle.in_rootfs("etc/folder"));
    box.bundle.linux()["readonlyPaths"] = {"/etc/fixed", "/etc/folder", "/proc/sys", "/not/there"};
    const Outcome outcome = box.life({"write", "/etc/fixed", "x", "--", "write", "/etc/folder/new",
                                      "x", "--", "write", "/proc/sys/net/ipv4/ip_forward", "1",
                                      "--", "write", "/etc/free", "x", "--", "cat", "/etc/fixed"});
    CHECK(has_line(outcome.out, "write /etc/fixed: EROFS"));
    CHECK(has_line(outcome.out, "write /etc/folder/new: EROFS"));
    CHECK(has_line(outcome.out, "write /proc/sys/net/ipv4/ip_forward: EROFS"));
    CHECK(has_line(outcome.out, "write /etc/free: ok"));
    CHECK(has_line(outcome.out, "fixed"));
}

TEST_CASE("maskedPaths, readonlyPaths: the root itself", "[masked][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    SECTION("read-only, and what is mounted below is not") {
        box.bundle.linux()["readonlyPaths"] = {"/."};
        const std::string out =
            box.life({"write", "/new", "x", "--", "write", "/dev/new", "x"}).out;
        CHECK(has_line(out, "write /new: EROFS"));
        CHECK(has_line(out, "write /dev/new: ok"));
    }
    SECTION("cannot be masked") {
        box.bundle.linux()["maskedPaths"] = {"/"};
        CHECK(contains(box.refusal(), "/linux/maskedPaths/0: \"/\" is the root"));
    }
    SECTION("behind a link") {
        fs::create_symlink("/", box.bundle.in_rootfs("link"));
        const char* property = GENERATE("maskedPaths", "readonlyPaths");
        box.bundle.linux()[property] = {"/link"};
        CHECK(contains(box.refusal(), "\"/link\" leads to the root"));
    }
}

TEST_CASE("readonlyPaths: keep the other flags of the mount", "[masked][not-crun]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.add_mount({{"destination", "/data"},
                          {"type", "tmpfs"},
                          {"source", "t"},
                          {"options", {"nosuid", "nodev", "noexec"}}});
    box.bundle.linux()["readonlyPaths"] = {"/data"};
    const std::string text = box.life({"statfs", "/data"}).out;
    for (const char* flag : {"ro,", "nosuid,", "nodev,", "noexec,"}) {
        CAPTURE(flag, text);
        CHECK(contains(text, flag));
    }
}

TEST_CASE("maskedPaths: a symlink in the image leads to nothing outside", "[masked][hostile]") {
    NEEDS(need_runtime());
    Box box;
    fs::create_directories(box / "outside");
    write_file(box / "outside/file", "outside");
    fs::create_symlink(box / "outside", box.bundle.in_rootfs("link"));
    box.bundle.linux()["maskedPaths"] = {"/link", "/link/file"};
    box.bundle.linux()["readonlyPaths"] = {"/link"};
    Container container = box.try_create();
    if (container.created.code() == 0) {
        container.start();
        CHECK(container.wait_code() == 0);
    }
    CHECK(read_file(box / "outside/file") == "outside");
    write_file(box / "outside/file", "still writable");
}

TEST_CASE("maskedPaths: a fake /dev/null in the image uncovers nothing", "[masked][hostile]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.remove_mount("/dev").remove_mount("/dev/pts").remove_mount("/dev/shm");
    box.bundle.remove_mount("/dev/mqueue");
    write_file(box.bundle.in_rootfs("dev/null"), "fake");
    write_file(box.bundle.in_rootfs("etc/secret"), "secret");
    box.bundle.linux()["maskedPaths"] = {"/etc/secret"};
    Container container = box.try_create();
    if (container.created.code() == 0) {
        container.remove();
    } else {
        CHECK(box.leftovers() == Strings{});
    }
    CHECK(read_file(box.bundle.in_rootfs("etc/secret")) == "secret");
}

TEST_CASE("maskedPaths, readonlyPaths: a relative one is an error",
          "[masked][not-crun][not-runc]") {
    NEEDS(need_runtime());
    Box box;
    const std::string list = GENERATE(as<std::string>(), "maskedPaths", "readonlyPaths");
    box.bundle.linux()[list] = {"etc"};
    CHECK(contains(box.refusal(), "/linux/" + list));
}

// --- hostname --------------------------------------------------------------------------------

TEST_CASE("hostname: is set in the container only", "[hostname]") {
    NEEDS(need_runtime());
    Box box;
    const std::string own = read_file("/proc/sys/kernel/hostname");
    box.bundle.config["hostname"] = "name-of-the-container";
    CHECK(value_of(box.life({"hostname"}).out, "hostname") == "name-of-the-container");
    CHECK(read_file("/proc/sys/kernel/hostname") == own);
}

TEST_CASE("hostname: absent leaves the name of the machine", "[hostname]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.config.erase("hostname");
    CHECK(value_of(box.life({"hostname"}).out, "hostname") + "\n" ==
          read_file("/proc/sys/kernel/hostname"));
}

TEST_CASE("hostname: without a UTS namespace is refused, the machine keeps its name",
          "[hostname]") {
    NEEDS(need_runtime());
    Box box;
    const std::string own = read_file("/proc/sys/kernel/hostname");
    box.bundle.remove_namespace("uts");
    Container container = box.try_create();
    CHECK(container.created.code() != 0);
    CHECK(box.leftovers() == Strings{});
    CHECK(read_file("/proc/sys/kernel/hostname") == own);
}

TEST_CASE("hostname: 64 bytes are fine, more are an error", "[hostname]") {
    NEEDS(need_runtime());
    Box box;
    SECTION("64") {
        box.bundle.config["hostname"] = std::string(64, 'h');
        CHECK(value_of(box.life({"hostname"}).out, "hostname") == std::string(64, 'h'));
    }
    SECTION("65") {
        box.bundle.config["hostname"] = std::string(65, 'h');
        Container container = box.try_create();
        CHECK(container.created.code() != 0);
        CHECK(box.leftovers() == Strings{});
    }
}

TEST_CASE("domainname: is set", "[hostname][not-runc]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.config["domainname"] = "example.org";
    CHECK(value_of(box.life({"hostname"}).out, "domainname") == "example.org");
}

// --- propagation -----------------------------------------------------------------------------

TEST_CASE("rootfsPropagation: the root mount is what it says", "[root][not-runc]") {
    NEEDS(need_runtime());
    Box box;
    const std::string kind = GENERATE(as<std::string>(), "private", "slave", "shared", "rprivate");
    CAPTURE(kind);
    box.bundle.linux()["rootfsPropagation"] = kind;
    const std::string text = box.life({"mountinfo"}).out;
    for (const std::string& line : lines_of(text)) {
        if (split(line, ' ').at(4) != "/") continue;
        CAPTURE(line);
        CHECK(contains(line, " shared:") == (kind == "shared"));
    }
}

TEST_CASE("rootfsPropagation: an unknown value is an error", "[root][not-crun]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.linux()["rootfsPropagation"] = "sideways";
    Container container = box.try_create();
    CHECK(container.created.code() != 0);
    CHECK(box.leftovers() == Strings{});
}
