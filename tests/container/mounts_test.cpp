// mounts[]: order, kinds, options, hostile destinations.
#include <sys/stat.h>

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

// A directory outside of the root filesystem with a file in it.
fs::path make_source(const Box& box, const std::string& name = "source") {
    fs::create_directories(box / name);
    write_file(box / name / "file", "from " + name + "\n");
    return box / name;
}

// The line of mountinfo for a mount point, the last one if several.
std::string mount_line(const std::string& mountinfo, const std::string& point) {
    std::string found;
    for (const std::string& line : lines_of(mountinfo)) {
        const Strings fields = split(line, ' ');
        if (fields.size() > 4 && fields[4] == point) found = line;
    }
    return found;
}

}  // namespace

// --- kinds -----------------------------------------------------------------------------------

TEST_CASE("mounts: the usual ones are there", "[mounts]") {
    NEEDS(need_runtime());
    Box box;
    const std::string text = box.life({"mountinfo"}).out;
    const std::pair<const char*, const char*> expected[] = {
        {"/proc", "proc"},     {"/dev", "tmpfs"},         {"/dev/pts", "devpts"},
        {"/dev/shm", "tmpfs"}, {"/dev/mqueue", "mqueue"}, {"/sys", "sysfs"}};
    for (const auto& [point, type] : expected) {
        CAPTURE(point);
        CHECK(contains(mount_line(text, point), std::string(" - ") + type + " "));
    }
}

TEST_CASE("mounts: nothing but config.json's mounts is there", "[mounts]") {
    NEEDS(need_runtime());
    Box box;
    const std::string text = box.life({"mountinfo"}).out;
    for (const std::string& line : lines_of(text)) {
        const std::string point = split(line, ' ').at(4);
        CAPTURE(line);
        bool known = point == "/";
        for (const Json& mount : box.bundle.config["mounts"]) {
            const std::string destination = mount["destination"];
            known = known || point == destination || point.starts_with("/sys/fs/cgroup");
        }
        for (const char* list : {"maskedPaths", "readonlyPaths"}) {
            for (const Json& path : box.bundle.linux()[list]) {
                known = known || point == path.get<std::string>();
            }
        }
        CHECK(known);
        if (point != "/") CHECK(!contains(line, "/bundle"));
    }
}

TEST_CASE("mounts: files and directories are bound", "[mounts]") {
    NEEDS(need_runtime());
    Box box;
    const fs::path source = make_source(box);
    box.bundle.add_mount(bind_mount(source, "/data"))
        .add_mount(bind_mount(source / "file", "/etc/one"));
    const Outcome outcome = box.life({"cat", "/data/file", "/etc/one", "--", "write", "/data/new",
                                      "written", "--", "stat", "/etc/one"});
    CHECK(outcome.out.starts_with("from source\nfrom source\n"));
    CHECK(facts_of(outcome.out, "/etc/one").starts_with("file "));
    CHECK(read_file(source / "new") == "written");
}

TEST_CASE("mounts: bind follows from the options, whatever the type says", "[mounts]") {
    NEEDS(need_runtime());
    Box box;
    Json mount = bind_mount(make_source(box), "/data");
    SECTION("type none") {
        mount["type"] = "none";
    }
    SECTION("no type") {
        mount.erase("type");
    }
    SECTION("rbind") {
        mount["options"] = {"rbind"};
    }
    box.bundle.add_mount(mount);
    CHECK(box.life({"cat", "/data/file"}).out == "from source\n");
}

TEST_CASE("mounts: a relative source starts at the bundle", "[mounts]") {
    NEEDS(need_runtime());
    Box box;
    fs::create_directories(box.bundle.path() / "data");
    write_file(box.bundle.path() / "data/file", "in the bundle\n");
    box.bundle.add_mount(bind_mount("data", "/data"));
    CHECK(box.life({"cat", "/data/file"}).out == "in the bundle\n");
}

TEST_CASE("mounts: a missing destination is made", "[mounts]") {
    NEEDS(need_runtime());
    Box box;
    const fs::path source = make_source(box);
    box.bundle.add_mount(bind_mount(source, "/a/b/c"))
        .add_mount(bind_mount(source / "file", "/d/e/file"));
    const Outcome outcome = box.life({"cat", "/a/b/c/file", "/d/e/file"});
    CHECK(outcome.out == "from source\nfrom source\n");
    CHECK(fs::is_regular_file(box.bundle.in_rootfs("d/e/file")));
    CHECK(fs::is_directory(box.bundle.in_rootfs("a/b/c")));
}

TEST_CASE("mounts: a directory that is made has mode 0755", "[mounts][not-crun][not-runc]") {
    NEEDS(need_runtime());
    Box box;
    CreateOptions options;
    options.command.umask = GENERATE(0u, 077u);
    box.bundle.add_mount(bind_mount(make_source(box), "/a/b"));
    const Outcome outcome = box.life({"stat", "/a"}, options);
    CHECK(facts_of(outcome.out, "/a").starts_with("dir 0755 0 0"));
}

TEST_CASE("mounts: a missing source is an error that names it", "[mounts]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.add_mount(bind_mount("/not/there", "/data"));
    CHECK(contains(box.refusal(), "/not/there"));
}

TEST_CASE("mounts: names with blanks and other characters", "[mounts]") {
    NEEDS(need_runtime());
    Box box;
    const std::string name =
        GENERATE(as<std::string>(), "two words", "tab\there", "back\\slash", "line\nbreak", "#x",
                 "comma,here", "quote\"", "optional", "create=dir", "colon:here", "\xc3\xa4");
    CAPTURE(name);
    const fs::path source = make_source(box, name);
    box.bundle.add_mount(bind_mount(source, "/mnt/" + name));
    CHECK(box.life({"cat", "/mnt/" + name + "/file"}).out == "from " + name + "\n");
}

TEST_CASE("mounts: rbind takes what is mounted below, bind does not", "[mounts]") {
    NEEDS(need_runtime());
    Box box;
    fs::create_directories(box / "source/sub");
    REQUIRE(run_command({"/bin/mount", "-t", "tmpfs", "none", box / "source/sub"}).code() == 0);
    write_file(box / "source/sub/deep", "deep\n");
    const bool recursive = GENERATE(true, false);
    box.bundle.add_mount(bind_mount(box / "source", "/data", {recursive ? "rbind" : "bind"}));
    const Outcome outcome = box.life({"cat", "/data/sub/deep"});
    CHECK(outcome.out == (recursive ? "deep\n" : "cat /data/sub/deep: ENOENT\n"));
    REQUIRE(run_command({"/bin/umount", box / "source/sub"}).code() == 0);
}

// --- order -----------------------------------------------------------------------------------

TEST_CASE("mounts: are made in the order given, one inside the other", "[mounts]") {
    NEEDS(need_runtime());
    Box box;
    const fs::path first = make_source(box, "first");
    const fs::path second = make_source(box, "second");
    fs::create_directories(first / "inner");
    box.bundle.add_mount(bind_mount(first, "/data")).add_mount(bind_mount(second, "/data/inner"));
    box.bundle.add_mount({{"destination", "/data/inner/tmp"}, {"type", "tmpfs"}, {"source", "t"}});
    const Outcome outcome =
        box.life({"cat", "/data/file", "/data/inner/file", "--", "ls", "/data/inner/tmp"});
    CHECK(outcome.out == "from first\nfrom second\n");
}

TEST_CASE("mounts: the later one covers the earlier one", "[mounts]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.add_mount(bind_mount(make_source(box, "first"), "/data"))
        .add_mount(bind_mount(make_source(box, "second"), "/data"));
    CHECK(box.life({"cat", "/data/file"}).out == "from second\n");
}

TEST_CASE("mounts: a mount over a parent hides the earlier ones below", "[mounts]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.add_mount(bind_mount(make_source(box, "first"), "/data/inner"))
        .add_mount(bind_mount(make_source(box, "second"), "/data"));
    CHECK(box.life({"ls", "/data"}).out == "file\n");
}

// --- options ---------------------------------------------------------------------------------

TEST_CASE("mounts: ro really is read-only", "[mounts][options]") {
    NEEDS(need_runtime());
    Box box;
    const fs::path source = make_source(box);
    box.bundle.add_mount(bind_mount(source, "/data", {"bind", "ro"}))
        .add_mount(bind_mount(source / "file", "/one", {"bind", "ro"}));
    box.bundle.add_mount(
        {{"destination", "/t"}, {"type", "tmpfs"}, {"source", "t"}, {"options", {"ro"}}});
    const Outcome outcome = box.life({"write", "/data/new", "x", "--", "write", "/one", "x", "--",
                                      "write", "/t/new", "x", "--", "cat", "/one"});
    CHECK(has_line(outcome.out, "write /data/new: EROFS"));
    CHECK(has_line(outcome.out, "write /one: EROFS"));
    CHECK(has_line(outcome.out, "write /t/new: EROFS"));
    CHECK(has_line(outcome.out, "from source"));
    write_file(source / "still", "writable outside");
}

TEST_CASE("mounts: flags arrive at a bind mount", "[mounts][options]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.add_mount(
        bind_mount(make_source(box), "/data", {"bind", "nosuid", "nodev", "noexec", "noatime"}));
    const std::string text = box.life({"statfs", "/data"}).out;
    for (const char* flag : {"nosuid,", "nodev,", "noexec,", "noatime,"}) {
        CAPTURE(flag, text);
        CHECK(contains(text, flag));
    }
    CHECK(!contains(text, "=ro,"));
}

TEST_CASE("mounts: noexec really is", "[mounts][options]") {
    NEEDS(need_runtime());
    Box box;
    const fs::path source = make_source(box);
    fs::copy_file(environment().probe, source / "probe");
    box.bundle.add_mount(bind_mount(source, "/data", {"bind", "noexec"}));
    CHECK(box.life({"exec", "/data/probe", "true"}).out == "exec /data/probe: EACCES\n");
}

TEST_CASE("mounts: rro is read-only all the way down", "[mounts][options][not-runc]") {
    NEEDS(need_runtime());
    Box box;
    fs::create_directories(box / "source/sub");
    REQUIRE(run_command({"/bin/mount", "-t", "tmpfs", "none", box / "source/sub"}).code() == 0);
    box.bundle.add_mount(bind_mount(box / "source", "/data", {"rbind", "rro"}));
    const Outcome outcome =
        box.life({"write", "/data/new", "x", "--", "write", "/data/sub/new", "x"});
    CHECK(has_line(outcome.out, "write /data/new: EROFS"));
    CHECK(has_line(outcome.out, "write /data/sub/new: EROFS"));
    write_file(box / "source/sub/still", "writable outside");
    REQUIRE(run_command({"/bin/umount", box / "source/sub"}).code() == 0);
}

TEST_CASE("mounts: nosymfollow refuses symlinks", "[mounts][options][not-crun][not-runc]") {
    NEEDS(need_runtime());
    Box box;
    const fs::path source = make_source(box);
    fs::create_symlink("file", source / "link");
    box.bundle.add_mount(bind_mount(source, "/data", {"bind", "nosymfollow"}));
    const Outcome outcome = box.life({"cat", "/data/file", "/data/link"});
    CHECK(outcome.out == "from source\ncat /data/link: ELOOP\n");
}

TEST_CASE("mounts: data options arrive at a tmpfs", "[mounts][options]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.add_mount({{"destination", "/t"},
                          {"type", "tmpfs"},
                          {"source", "tmpfs"},
                          {"options", {"size=65536", "mode=0711", "uid=12", "gid=34", "noexec"}}});
    const Outcome outcome = box.life({"statfs", "/t", "--", "stat", "/t"});
    CHECK(contains(outcome.out, "size=65536 "));
    CHECK(contains(outcome.out, "noexec,"));
    CHECK(contains(outcome.out, "/t dir 0711 12 34"));
}

TEST_CASE("mounts: an option that the file system does not know is an error", "[mounts][options]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.add_mount({{"destination", "/t"},
                          {"type", "tmpfs"},
                          {"source", "tmpfs"},
                          {"options", {GENERATE(as<std::string>(), "nosuchoption", "size=x")}}});
    (void)box.refusal();
}

TEST_CASE("mounts: an unknown type is an error", "[mounts]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.add_mount({{"destination", "/t"}, {"type", "nosuchfs"}, {"source", "x"}});
    (void)box.refusal();
}

TEST_CASE("mounts: propagation is what the options say", "[mounts][options][not-crun]") {
    NEEDS(need_runtime());
    Box box;
    const std::string kind = GENERATE(as<std::string>(), "shared", "private", "unbindable");
    CAPTURE(kind);
    box.bundle.add_mount(bind_mount(make_source(box), "/data", {"bind", kind}));
    const std::string line = mount_line(box.life({"mountinfo"}).out, "/data");
    CAPTURE(line);
    CHECK(contains(line, " shared:") == (kind == "shared"));
    CHECK(contains(line, " unbindable") == (kind == "unbindable"));
}

TEST_CASE("mounts: the container's tree does not propagate to the outside", "[mounts]") {
    NEEDS(need_runtime());
    Box box;
    fs::create_directories(box / "shared");
    REQUIRE(run_command({"/bin/mount", "-t", "tmpfs", "none", box / "shared"}).code() == 0);
    REQUIRE(run_command({"/bin/mount", "--make-shared", box / "shared"}).code() == 0);
    fs::create_directories(box / "shared/in");
    box.bundle.process()["capabilities"]["bounding"].push_back("CAP_SYS_ADMIN");
    box.bundle.process()["capabilities"]["permitted"].push_back("CAP_SYS_ADMIN");
    box.bundle.process()["capabilities"]["effective"].push_back("CAP_SYS_ADMIN");
    box.bundle.add_mount(bind_mount(box / "shared", "/data", {"rbind"}));
    CHECK(box.life({"mount", "/data/in"}).out == "mount /data/in: ok\n");
    CHECK(mount_line(read_file("/proc/self/mountinfo"), box / "shared/in") == "");
    REQUIRE(run_command({"/bin/umount", "-R", box / "shared"}).code() == 0);
}

// --- /dev/pts, /proc, /sys -------------------------------------------------------------------

TEST_CASE("mounts: devpts is a new instance with the mode asked for", "[mounts]") {
    NEEDS(need_runtime());
    Box box;
    const Outcome outcome = box.life({"ls", "/dev/pts", "--", "stat", "/dev/pts/ptmx", "--",
                                      "readlink", "/dev/ptmx", "--", "open", "/dev/ptmx", "rw"});
    CHECK(has_line(outcome.out, "ptmx"));
    CHECK(facts_of(outcome.out, "/dev/pts/ptmx").starts_with("char 0666 0 0 5:2"));
    CHECK(has_line(outcome.out, "/dev/ptmx -> pts/ptmx"));
    CHECK(has_line(outcome.out, "open /dev/ptmx: ok"));
}

TEST_CASE("mounts: sysfs is of the container's network namespace", "[mounts]") {
    NEEDS(need_runtime());
    Box box;
    CHECK(box.life({"ls", "/sys/class/net"}).out.find("eth0") == std::string::npos);
}

TEST_CASE("mounts: a read-only sysfs is", "[mounts]") {
    NEEDS(need_runtime());
    Box box;
    CHECK(contains(box.life({"statfs", "/sys"}).out, "flags=ro,"));
}

TEST_CASE("mounts: the cgroup mount shows the container's own cgroup as its root",
          "[mounts][cgroup]") {
    NEEDS(need_runtime());
    Box box;
    const Outcome outcome = box.life({"cat", "/proc/self/cgroup", "--", "ls", "/sys/fs/cgroup"});
    CHECK(!contains(outcome.out, box.name()));
    if (environment().layout == CgroupLayout::kV2) {
        CHECK(has_line(outcome.out, "0::/"));
        CHECK(has_line(outcome.out, "cgroup.procs"));
    } else {
        CHECK(has_line(outcome.out, "memory"));
        CHECK(has_line(outcome.out, "pids"));
    }
}

// --- hostile root filesystems ----------------------------------------------------------------

TEST_CASE("mounts: symlinks in a destination stay within the root filesystem",
          "[mounts][hostile]") {
    NEEDS(need_runtime());
    Box box;
    const fs::path outside = make_source(box, "outside");
    fs::create_directories(box.bundle.in_rootfs("real"));
    const std::string target =
        GENERATE_COPY(as<std::string>(), "/real", "real", outside.string(), "../../outside",
                      "../../../../../../../../../../../../real");
    CAPTURE(target);
    fs::create_symlink(target, box.bundle.in_rootfs("link"));
    box.bundle.add_mount(bind_mount(make_source(box), "/link/below"));
    Container container = box.try_create();
    if (container.created.code() == 0) {
        container.start();
        CHECK(container.wait_code() == 0);
    }
    CHECK(names_in(outside) == Strings{"file"});
}

TEST_CASE("mounts: a destination that is a symlink is mounted at its target inside",
          "[mounts][hostile]") {
    NEEDS(need_runtime());
    Box box;
    fs::create_directories(box.bundle.in_rootfs("real"));
    fs::create_symlink("/real", box.bundle.in_rootfs("link"));
    box.bundle.add_mount(bind_mount(make_source(box), "/link"));
    CHECK(box.life({"cat", "/real/file"}).out == "from source\n");
}

TEST_CASE("mounts: .. in a destination stays within the root filesystem", "[mounts][hostile]") {
    NEEDS(need_runtime());
    Box box;
    const fs::path outside = make_source(box, "outside");
    box.bundle.add_mount(bind_mount(make_source(box), "/../../outside"));
    Container container = box.try_create();
    if (container.created.code() == 0) {
        container.start();
        CHECK(container.wait_code() == 0);
    }
    CHECK(read_file(outside / "file") == "from outside\n");
}

TEST_CASE("mounts: /proc, /sys or /dev as a symlink to the outside: the outside is untouched",
          "[mounts][hostile][not-runc]") {
    NEEDS(need_runtime());
    Box box;
    const std::string name = GENERATE(as<std::string>(), "proc", "sys", "dev");
    const bool relative = GENERATE(true, false);
    CAPTURE(name, relative);
    const fs::path outside = make_source(box, "outside");
    fs::remove_all(box.bundle.in_rootfs(name));
    fs::create_symlink(relative ? fs::path("../../outside") : outside, box.bundle.in_rootfs(name));
    Container container = box.try_create();
    CHECK(container.created.err == container.err().text());
    CHECK(names_in(outside) == Strings{"file"});
    if (container.created.code() != 0) CHECK(box.leftovers() == Strings{});
}

TEST_CASE("mounts: /proc or /sys as a symlink is refused", "[mounts][hostile][not-crun]") {
    NEEDS(need_runtime());
    Box box;
    const std::string name = GENERATE(as<std::string>(), "proc", "sys");
    const fs::path outside = make_source(box, "outside");
    fs::remove_all(box.bundle.in_rootfs(name));
    fs::create_symlink(GENERATE_COPY(outside.string(), std::string("tmp")),
                       box.bundle.in_rootfs(name));
    (void)box.refusal();
    CHECK(names_in(outside) == Strings{"file"});
}

TEST_CASE("mounts: /dev as a symlink to the outside is refused", "[mounts][hostile][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    const fs::path outside = make_source(box, "outside");
    fs::remove_all(box.bundle.in_rootfs("dev"));
    fs::create_symlink(outside, box.bundle.in_rootfs("dev"));
    (void)box.refusal();
    CHECK(names_in(outside) == Strings{"file"});
}

TEST_CASE("mounts: a mount over the root is refused", "[mounts][hostile]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.add_mount(
        bind_mount(make_source(box), GENERATE(as<std::string>(), "/tmp/..", "/../tmp/..")));
    Container container = box.try_create();
    CHECK(container.created.code() != 0);
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("mounts: a file cannot be bound over a directory, nor the other way round", "[mounts]") {
    NEEDS(need_runtime());
    Box box;
    const fs::path source = make_source(box);
    if (GENERATE(true, false)) {
        box.bundle.add_mount(bind_mount(source / "file", "/etc"));
    } else {
        box.bundle.add_mount(bind_mount(source, "/probe"));
    }
    (void)box.refusal();
}

TEST_CASE("mounts: without any the program still runs", "[mounts][not-crun][not-runc]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.config["mounts"] = Json::array();
    box.bundle.linux().erase("maskedPaths");
    box.bundle.linux().erase("readonlyPaths");
    CHECK(box.life({"echo", "bare"}).out == "bare\n");
}

TEST_CASE("mounts: a devpts on the image's own /dev stays", "[mounts][devices]") {
    NEEDS(need_runtime());
    Box box;
    for (const char* path : {"/dev", "/dev/shm", "/dev/mqueue"}) box.bundle.remove_mount(path);
    CHECK(contains(box.life({"statfs", "/dev/pts"}).out, "1cd1"));
}

// --- ID mappings
// -----------------------------------------------------------------------------------

namespace {

Json mapping(int inside, int outside, int size) {
    return Json::array({{{"containerID", inside}, {"hostID", outside}, {"size", size}}});
}

}  // namespace

TEST_CASE("mounts: idmap with mappings of the mount", "[mounts][idmap][not-crun][not-runc]") {
    NEEDS(need_runtime());
    Box box;
    fs::create_directories(box.bundle.path() / "source" / "below");
    write_file(box.bundle.path() / "source" / "file", "text");
    REQUIRE(chown((box.bundle.path() / "source" / "file").c_str(), 0, 0) == 0);
    const bool recursive = GENERATE(false, true);
    box.bundle.add_mount({{"destination", "/mapped"},
                          {"type", "bind"},
                          {"source", "source"},
                          {"options", {"rbind", recursive ? "ridmap" : "idmap"}},
                          {"uidMappings", mapping(0, 1000, 10)},
                          {"gidMappings", mapping(0, 2000, 10)}});
    const std::string out = box.life({"stat", "/mapped/file", "/mapped/below"}).out;
    CHECK(contains(facts_of(out, "/mapped/file"), " 1000 2000 "));
    CHECK(contains(facts_of(out, "/mapped/below"), " 1000 2000 "));
}

TEST_CASE("mounts: idmap in a user namespace: its root owns what root owns outside",
          "[mounts][idmap][userns][not-runc]") {
    NEEDS(need_runtime());
    Box box;
    fs::permissions(box.bundle.path().parent_path(), fs::perms(0755));
    fs::create_directories(box.bundle.path() / "source");
    write_file(box.bundle.path() / "source" / "file", "text");
    box.bundle.add_namespace("user");
    box.bundle.linux()["uidMappings"] = mapping(0, 100000, 65536);
    box.bundle.linux()["gidMappings"] = mapping(0, 100000, 65536);
    box.bundle.add_mount({{"destination", "/tmp/mapped"},
                          {"type", "bind"},
                          {"source", "source"},
                          {"options", {"idmap", "rw", "rprivate", "rbind"}}});
    const std::string out =
        box.life({"stat", "/tmp/mapped/file", "--", "write", "/tmp/mapped/new", "x"}).out;
    CHECK(contains(facts_of(out, "/tmp/mapped/file"), " 0 0 "));
    struct stat status {};
    REQUIRE(stat((box.bundle.path() / "source" / "new").c_str(), &status) == 0);
    CHECK(status.st_uid == 0);
}

TEST_CASE("mounts: idmap without any mappings is an error", "[mounts][idmap][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.add_mount({{"destination", "/mapped"},
                          {"type", "bind"},
                          {"source", "."},
                          {"options", {"rbind", "idmap"}}});
    CHECK(contains(box.refusal(), "/options"));
}
