// Options of mounts that the specification does not have, or leaves open, and callers rely on.
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "support/catch.h"
#include "support/environment.h"
#include "support/podman.h"
#include "support/runtime.h"

using namespace lxcri::test;
namespace fs = std::filesystem;

namespace {

Json bind_mount(const fs::path& source, const std::string& destination, Strings options) {
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

void make_file(const fs::path& path, const std::string& content) {
    fs::create_directories(path.parent_path());
    write_file(path, content);
}

// A tmpfs of the host that is mounted with these flags.
class HostMount {
  public:
    HostMount(fs::path point, unsigned long flags) : point_(std::move(point)) {
        fs::create_directories(point_);
        REQUIRE(::mount("none", point_.c_str(), "tmpfs", flags, "mode=755") == 0);
    }
    HostMount(const HostMount&) = delete;
    HostMount& operator=(const HostMount&) = delete;
    ~HostMount() { (void)::umount2(point_.c_str(), MNT_DETACH); }

    const fs::path& point() const { return point_; }

  private:
    fs::path point_;
};

// The options of the mount at this place: "ro,nosuid".
std::string options_at(const std::string& mountinfo, const std::string& point) {
    for (const std::string& line : lines_of(mountinfo)) {
        const Strings fields = split(line, ' ');
        if (fields.size() > 5 && fields[4] == point) return fields[5];
    }
    return "none";
}

Json mapping(unsigned inside, unsigned outside, unsigned size) {
    return {{"containerID", inside}, {"hostID", outside}, {"size", size}};
}

void add_user_namespace(Box& box, const Json& mappings) {
    box.bundle.add_namespace("user");
    box.bundle.linux()["uidMappings"] = mappings;
    box.bundle.linux()["gidMappings"] = mappings;
    fs::permissions(box.bundle.path().parent_path(), fs::perms(0755));
}

// Files that belong to these users, and to the same groups, named so.
fs::path make_owned_files(const Box& box, const std::vector<uid_t>& owners) {
    const fs::path source = box.bundle.path() / "owned";
    for (const uid_t owner : owners) {
        const fs::path file = source / std::to_string(owner);
        make_file(file, "text");
        REQUIRE(::chown(file.c_str(), owner, owner) == 0);
    }
    return source;
}

}  // namespace

// --- tmpfs -----------------------------------------------------------------------------------

TEST_CASE("mount options: a tmpfs where the image has nothing is open to all, each time",
          "[mounts][options][not-runc]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.process()["user"] = {{"uid", 1000}, {"gid", 1000}};
    box.bundle.add_mount(filesystem("tmpfs", "/new/deep", {"nosuid"}))
        .add_mount(filesystem("tmpfs", "/mode", {"mode=0750"}));
    for (const char* start : {"first", "second"}) {
        CAPTURE(start);
        const std::string out =
            box.life({"stat", "/new/deep", "/mode", "--", "write", "/new/deep/file", "x"}).out;
        CHECK(facts_of(out, "/new/deep").starts_with("dir 1777 0 0"));
        CHECK(facts_of(out, "/mode").starts_with("dir 0750 0 0"));
        CHECK(has_line(out, "write /new/deep/file: ok"));
    }
    if (environment().runtime_name == "crun") return;
    // What is on the way there, and what covers nothing of its mode, is as ever.
    const auto mode_of = [&](const char* path) {
        return fs::status(box.bundle.in_rootfs(path)).permissions();
    };
    CHECK(mode_of("/new") == fs::perms(0755));
    CHECK(mode_of("/mode") == fs::perms(0755));
}

TEST_CASE("mount options: a tmpfs on a directory of the image has its mode",
          "[mounts][options][not-crun]") {
    NEEDS(need_runtime());
    Box box;
    fs::create_directories(box.bundle.in_rootfs("own"));
    fs::permissions(box.bundle.in_rootfs("own"), fs::perms(0750));
    box.bundle.add_mount(filesystem("tmpfs", "/own"));
    CHECK(facts_of(box.life({"stat", "/own"}).out, "/own").starts_with("dir 0750"));
}

// --- ID mappings -----------------------------------------------------------------------------

TEST_CASE("mount options: idmap with its own mappings", "[mounts][idmap][not-crun][not-runc]") {
    NEEDS(need_runtime());
    Box box;
    const fs::path source = make_owned_files(box, {0, 5, 7});
    const std::string name = GENERATE(as<std::string>(), "idmap", "ridmap");
    box.bundle.add_mount(
        bind_mount(source, "/mapped", {"rbind", name + "=uids=0-1000-1#5-2005-2;gids=0-3000-10"}));
    const std::string out = box.life({"stat", "/mapped/0", "/mapped/5", "/mapped/7"}).out;
    CHECK(contains(facts_of(out, "/mapped/0"), " 1000 3000 "));
    CHECK(contains(facts_of(out, "/mapped/5"), " 2005 3005 "));
    CHECK(contains(facts_of(out, "/mapped/7"), " 65534 3007 "));
}

TEST_CASE("mount options: idmap with mappings relative to the user namespace",
          "[mounts][idmap][userns][not-crun][not-runc]") {
    NEEDS(need_runtime());
    Box box;
    const fs::path source = make_owned_files(box, {0, 1});
    add_user_namespace(box, Json::array({mapping(0, 100000, 10), mapping(10, 300000, 100)}));
    fs::create_directories(box.bundle.in_rootfs("mapped"));
    box.bundle.add_mount(
        bind_mount(source, "/mapped", {"bind", "idmap=uids=@0-20-2;gids=0-100003-1#@1-15-1"}));
    const std::string out = box.life({"stat", "/mapped/0", "/mapped/1"}).out;
    CHECK(contains(facts_of(out, "/mapped/0"), " 20 3 "));
    CHECK(contains(facts_of(out, "/mapped/1"), " 21 15 "));
}

TEST_CASE("mount options: idmap without r leaves what is mounted below, ridmap does not",
          "[mounts][idmap][not-crun][not-runc]") {
    NEEDS(need_runtime());
    Box box;
    const fs::path source = make_owned_files(box, {0});
    const HostMount below(source / "below", 0);
    const bool recursive = GENERATE(false, true);
    box.bundle.add_mount(bind_mount(
        source, "/mapped",
        {"rbind", std::string(recursive ? "ridmap" : "idmap") + "=uids=0-1000-1;gids=0-1000-1"}));
    const std::string out = box.life({"stat", "/mapped/0", "/mapped/below"}).out;
    CHECK(contains(facts_of(out, "/mapped/0"), " 1000 1000 "));
    CHECK(contains(facts_of(out, "/mapped/below"), recursive ? " 1000 1000 " : " 0 0 "));
}

// --- options that are refused ----------------------------------------------------------------

TEST_CASE("mount options: what may be a restriction is refused, not passed over",
          "[mounts][options][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    const std::string option = GENERATE(
        as<std::string>(), "context=system_u:object_r:etc_t:s0", "uid=1000", "nothing=else",
        "idmap=uids=0-1-1", "idmap=uids=0-1-1;gids=0-1-0", "idmap=uids=0-1;gids=0-1-1",
        "idmap=uids=@0-1-1;gids=0-1-1", "ridmap=users=0-1-1", "idmap=uids=0-1-9#5-1-1;gids=0-1-1");
    CAPTURE(option);
    const std::size_t index = box.bundle.config["mounts"].size();
    box.bundle.add_mount(bind_mount("/etc", "/data", {"bind", option}));
    CHECK(contains(box.refusal(), "/mounts/" + std::to_string(index) + "/options/1"));
}

// --- links -----------------------------------------------------------------------------------

TEST_CASE("mount options: copy-symlink", "[mounts][options][not-crun][not-runc]") {
    NEEDS(need_runtime());
    Box box;
    make_file(box / "source/file", "of the host\n");
    fs::create_symlink("/no/where", box / "source/link");
    box.bundle.add_mount(bind_mount(box / "source/link", "/new/link", {"bind", "copy-symlink"}))
        .add_mount(bind_mount(box / "source/file", "/new/file", {"bind", "copy-symlink"}));
    SECTION("a link is made anew, what is none is bound") {
        // The second time it is there.
        for (int i = 0; i < 2; ++i) {
            const std::string out =
                box.life({"readlink", "/new/link", "--", "cat", "/new/file"}).out;
            CHECK(out == "/new/link -> /no/where\nof the host\n");
        }
    }
    SECTION("another link is in its place") {
        fs::create_directories(box.bundle.in_rootfs("new"));
        fs::create_symlink("else/where", box.bundle.in_rootfs("new/link"));
        CHECK(contains(box.refusal(), "\"/new/link\" exists"));
    }
    SECTION("a file is in its place") {
        make_file(box.bundle.in_rootfs("new/link"), "");
        CHECK(contains(box.refusal(), "\"/new/link\" exists"));
    }
    SECTION("together with another") {
        box.bundle.add_mount(bind_mount("/etc", "/e", {"bind", "copy-symlink", "dest-nofollow"}));
        CHECK(contains(box.refusal(), "copy-symlink"));
    }
    SECTION("where nothing is bound") {
        box.bundle.add_mount(filesystem("tmpfs", "/t", {"copy-symlink"}));
        CHECK(contains(box.refusal(), "copy-symlink"));
    }
}

TEST_CASE("mount options: src-nofollow takes the link itself",
          "[mounts][options][not-crun][not-runc]") {
    NEEDS(need_runtime());
    Box box;
    make_file(box / "source/file", "of the host\n");
    fs::create_symlink("/etc/inside", box / "source/link");
    make_file(box.bundle.in_rootfs("etc/inside"), "inside\n");
    box.bundle.add_mount(bind_mount(box / "source/link", "/data", {"bind", "src-nofollow"}))
        .add_mount(bind_mount(box / "source/file", "/plain", {"bind", "src-nofollow"}));
    const std::string out = box.life({"readlink", "/data", "--", "cat", "/data", "/plain"}).out;
    CHECK(out == "/data -> /etc/inside\ninside\nof the host\n");
}

TEST_CASE("mount options: dest-nofollow mounts on the link itself",
          "[mounts][options][not-crun][not-runc]") {
    NEEDS(need_runtime());
    Box box;
    make_file(box / "file", "of the host\n");
    make_file(box.bundle.in_rootfs("etc/target"), "target\n");
    fs::create_symlink("etc/target", box.bundle.in_rootfs("link"));
    fs::create_symlink("/no/where", box.bundle.in_rootfs("dangling"));
    for (const char* place : {"/link", "/dangling", "/new"}) {
        box.bundle.add_mount(bind_mount(box / "file", place, {"bind", "dest-nofollow"}));
    }
    const std::string out = box.life({"cat", "/link", "/dangling", "/new", "/etc/target"}).out;
    CHECK(out == "of the host\nof the host\nof the host\ntarget\n");
    CHECK(fs::is_symlink(box.bundle.in_rootfs("link")));
    CHECK(!fs::exists(box.bundle.in_rootfs("no")));
}

// --- overlays --------------------------------------------------------------------------------

TEST_CASE("mount options: several options of an overlay in one string", "[mounts][options]") {
    NEEDS(need_runtime());
    Box box;
    make_file(box / "lower/below", "from below\n");
    // As mount(2) has it, a comma of a name is behind a backslash.
    for (const char* name : {"upper", "work", "up,per", "wo,rk"})
        fs::create_directories(box / name);
    const std::string lower = "lowerdir=" + (box / "lower").string();
    const std::string base = (box / "").string();
    std::string upper = "upper";
    Strings options;
    SECTION("all of them") {
        options = {lower + ",upperdir=" + base + "upper,workdir=" + base + "work", "nosuid"};
    }
    SECTION("commas in names") {
        upper = "up,per";
        options = {lower + ",upperdir=" + base + "up\\,per",
                   "workdir=" + base + "wo\\,rk,xino=off"};
    }
    box.bundle.add_mount(filesystem("overlay", "/data", options));
    const std::string out = box.life({"cat", "/data/below", "--", "write", "/data/new", "x"}).out;
    CHECK(out == "from below\nwrite /data/new: ok\n");
    CHECK(read_file(box / upper / "new") == "x");
}

TEST_CASE("mount options: an overlay of more layers than fit into a page",
          "[mounts][options][not-crun][not-runc]") {
    NEEDS(need_runtime());
    Box box;
    // Beyond what one call of fsconfig(2) takes, too.
    const std::size_t length = GENERATE(60U, 250U);
    std::string lower = "lowerdir=";
    for (int i = 0; i < 100; ++i) {
        const std::string name = "a:b" + std::string(length, 'n') + std::to_string(i);
        make_file(box / name / ("file-" + std::to_string(i)), std::to_string(i) + "\n");
        if (i > 0) lower += ":";
        for (const char c : (box / name).string()) lower += c == ':' ? "\\:" : std::string(1, c);
    }
    REQUIRE(lower.size() > 4096);
    write_file(box / ("a:b" + std::string(length, 'n') + "0") / "file-7", "covered\n");
    fs::create_directories(box / "upper");
    fs::create_directories(box / "work");
    box.bundle.add_mount(filesystem(
        "overlay", "/data",
        {lower, "upperdir=" + (box / "upper").string(), "workdir=" + (box / "work").string()}));
    const std::string out = box.life({"cat", "/data/file-99", "/data/file-0", "/data/file-7", "--",
                                      "write", "/data/new", "x"})
                                .out;
    CHECK(out == "99\n0\ncovered\nwrite /data/new: ok\n");
    CHECK(read_file(box / "upper/new") == "x");
}

// --- sources in the root filesystem ----------------------------------------------------------

TEST_CASE("mount options: a source in the root filesystem shows the mounts before it", "[mounts]") {
    NEEDS(need_runtime());
    Box box;
    make_file(box / "outside/file", "mounted\n");
    make_file(box / "outside/sub/deep", "deep\n");
    make_file(box.bundle.in_rootfs("data/file"), "image\n");
    fs::create_directories(box.bundle.in_rootfs("top/inner"));
    fs::create_symlink("data", box.bundle.in_rootfs("link"));
    const fs::path root = box.bundle.rootfs();
    box.bundle.add_mount(bind_mount(root / "data", "/before", {"bind"}))
        .add_mount(bind_mount(box / "outside", "/data", {"bind"}))
        .add_mount(filesystem("tmpfs", "/data/sub/tmp"))
        .add_mount(bind_mount(root / "data", "/after", {"bind"}))
        .add_mount(bind_mount(root / "data/sub", "/part", {"bind", "ro"}))
        .add_mount(bind_mount(root / "link", "/linked", {"bind"}))
        .add_mount(bind_mount("rootfs/data", "/relative", {"rbind"}))
        .add_mount(bind_mount(box / "outside", "/top/inner", {"bind"}))
        .add_mount(bind_mount(root / "top", "/alone", {"bind"}))
        .add_mount(bind_mount(root / "top", "/whole", {"rbind"}));
    const std::string out = box.life({"cat", "/before/file", "/after/file", "/part/deep",
                                      "/linked/file", "/relative/file", "/whole/inner/file", "--",
                                      "write", "/part/new", "x", "--", "ls", "/alone/inner"})
                                .out;
    CHECK(out == "image\nmounted\ndeep\nmounted\nmounted\nmounted\nwrite /part/new: EROFS\n");
}

TEST_CASE("mount options: a source in the root filesystem does not lead out of it",
          "[mounts][hostile][not-crun][not-runc]") {
    NEEDS(need_runtime());
    Box box;
    make_file(box / "secret/file", "secret\n");
    const std::string target = GENERATE_REF((box / "secret").string(), std::string("../../secret"));
    fs::create_symlink(target, box.bundle.in_rootfs("link"));
    box.bundle.add_mount(bind_mount(box.bundle.rootfs() / "link", "/data", {"bind"}));
    CHECK(contains(box.refusal(), "/link"));
}

// --- flags of the source ---------------------------------------------------------------------

TEST_CASE("mount options: who names an attribute of a bind mount names all of them",
          "[mounts][options][not-crun][not-runc]") {
    NEEDS(need_runtime());
    Box box;
    const HostMount source(box / "source", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME);
    fs::copy_file(environment().probe, source.point() / "probe");
    const std::pair<Strings, std::string> cases[] = {
        {{"bind"}, "rw,nosuid,nodev,noexec,noatime"},
        {{"rbind", "rprivate"}, "rw,nosuid,nodev,noexec,noatime"},
        {{"bind", "rro"}, "ro,nosuid,nodev,noexec,noatime"},
        {{"rbind", "rprivate", "rw"}, "rw,noatime"},
        {{"rbind", "ro"}, "ro,noatime"},
        {{"bind", "nosuid"}, "rw,nosuid,noatime"},
        {{"bind", "ro", "rnodev"}, "ro,nodev,noatime"},
        {{"bind", "exec", "relatime"}, "rw,relatime"},
    };
    int number = 0;
    for (const auto& [options, expected] : cases) {
        box.bundle.add_mount(
            bind_mount(source.point(), "/place" + std::to_string(number++), options));
    }
    const std::string out = box.life({"mountinfo"}).out;
    number = 0;
    for (const auto& [options, expected] : cases) {
        CAPTURE(Json(options).dump());
        CHECK(options_at(out, "/place" + std::to_string(number++)) == expected);
    }
}

TEST_CASE("mount options: a program runs from a read-only bind of a noexec filesystem",
          "[mounts][options]") {
    NEEDS(need_runtime());
    Box box;
    const HostMount source(box / "source", MS_NOSUID | MS_NODEV | MS_NOEXEC);
    fs::copy_file(environment().probe, source.point() / "probe");
    box.bundle.add_mount(bind_mount(source.point(), "/data", {"rbind", "ro", "rprivate"}));
    CHECK(box.life({"exec", "/data/probe", "echo", "it runs"}).out == "it runs\n");
}

TEST_CASE("mount options: flags that an ordinary user's kernel has locked stay",
          "[mounts][options][rootless][not-crun][not-runc]") {
    NEEDS(need_runtime());
    Box box;
    const HostMount source(box / "source", MS_NOSUID | MS_NODEV | MS_NOEXEC);
    box.bundle.remove_namespace("network");
    box.bundle.remove_mount("/sys/fs/cgroup");
    box.bundle.linux().erase("cgroupsPath");
    add_user_namespace(box, Json::array({mapping(0, 12345, 1)}));
    box.bundle.add_mount(bind_mount(source.point(), "/data", {"rbind", "ro"}));
    box.give_to(12345);
    SECTION("those that the bundle does not name") {
        CHECK(contains(options_at(box.life({"mountinfo"}).out, "/data"), "ro,nosuid,nodev,noexec"));
    }
    SECTION("one that the bundle takes away is an error") {
        box.bundle.add_mount(bind_mount(source.point(), "/exec", {"bind", "exec"}));
        Container container = box.try_create();
        CHECK(container.created.code() != 0);
        CHECK(contains(container.created.err, "/exec"));
        CHECK(box.leftovers().size() == 1);  // our own mount
    }
}

// --- on the root -----------------------------------------------------------------------------

TEST_CASE("mount options: a bind on / is another root filesystem",
          "[mounts][root][not-crun][not-runc]") {
    NEEDS(need_runtime());
    Box box;
    const fs::path other = box / "other";
    fs::copy(box.bundle.rootfs(), other, fs::copy_options::recursive);
    make_file(other / "marker", "the other\n");
    make_file(box.bundle.in_rootfs("secret"), "covered\n");
    const std::string destination = GENERATE(as<std::string>(), "/", "//.");
    const bool readonly = GENERATE(false, true);
    Json& mounts = box.bundle.config["mounts"];
    mounts.insert(mounts.begin(),
                  bind_mount(other, destination, {"rbind", readonly ? "ro" : "rw"}));
    box.bundle.add_mount(filesystem("tmpfs", "/made/for/it"));
    // A process that goes up, or may chroot, does not reach what is covered.
    box.bundle.process()["capabilities"]["effective"].push_back("CAP_SYS_CHROOT");
    box.bundle.args({"cat", "/marker", "/secret", "/../secret", "--", "write", "/new", "x", "--",
                     "mountinfo", "--", "trap", "TERM", "0"});
    Container container = box.create();
    container.start();
    container.out().wait_for("ready");
    const std::string out = container.out().text();
    CHECK(has_line(out, "the other"));
    CHECK(has_line(out, "cat /secret: ENOENT"));
    CHECK(has_line(out, "cat /../secret: ENOENT"));
    CHECK(has_line(out, readonly ? "write /new: EROFS" : "write /new: ok"));
    CHECK(fs::exists(other / "new") == !readonly);
    CHECK(!fs::exists(box.bundle.in_rootfs("new")));
    CHECK(options_at(out, "/made/for/it").starts_with("rw"));
    // The only one on /, so that the covered one cannot be had back.
    int on_root = 0;
    for (const std::string& line : lines_of(out)) {
        const Strings fields = split(line, ' ');
        if (fields.size() > 5 && fields[4] == "/") ++on_root;
    }
    CHECK(on_root == 1);
    CHECK(box.exec(container, {"cat", "/marker"}).out == "the other\n");
    container.kill("TERM");
    CHECK(container.wait_code() == 0);
    container.remove();
    CHECK(box.leftovers() == Strings{});
}

// --- Podman ----------------------------------------------------------------------------------

TEST_CASE("podman: --tmpfs where the image has nothing, for an ordinary user; idmap of a volume",
          "[podman][mounts]") {
    NEEDS(need_podman());
    APPLIES(enough_descriptors() && in_first_view());
    const Podman podman;
    const fs::path source = podman.box() / "volume";
    make_file(source / "file", "text");
    const Finished finished = podman.run(
        {"--user", "1000:1000", "--tmpfs", "/new", "--volume",
         source.string() + ":/mapped:idmap=uids=0-1000-10;gids=0-2000-10", "localhost/test",
         "/probe", "write", "/new/file", "x", "--", "stat", "/mapped/file"});
    INFO(finished.err);
    CHECK(has_line(finished.out, "write /new/file: ok"));
    CHECK(contains(facts_of(finished.out, "/mapped/file"), " 1000 2000 "));
}
