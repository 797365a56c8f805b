// Propagation of mounts: each one as it asks for, after the root has been changed, and towards the
// host. The tests have a mount namespace of their own and share mounts only within it.
#include <sys/mount.h>
#include <sys/stat.h>

#include <array>
#include <filesystem>

#include "support/catch.h"
#include "support/environment.h"
#include "support/runtime.h"

using namespace lxcri::test;
namespace fs = std::filesystem;

namespace {

// A shared mount, and another one on "sub" in it.
class SharedMounts {
  public:
    explicit SharedMounts(fs::path path) : path_(std::move(path)) {
        fs::create_directories(path_);
        mount_shared(path_);
        fs::create_directories(path_ / "sub");
        fs::create_directories(path_ / "in");
        mount_shared(path_ / "sub");
    }
    SharedMounts(const SharedMounts&) = delete;
    SharedMounts& operator=(const SharedMounts&) = delete;
    ~SharedMounts() { (void)run_command({"/bin/umount", "--recursive", "--lazy", path_}); }

    const fs::path& path() const { return path_; }

  private:
    static void mount_shared(const fs::path& path) {
        REQUIRE(::mount("none", path.c_str(), "tmpfs", 0, nullptr) == 0);
        REQUIRE(::mount(nullptr, path.c_str(), nullptr, MS_SHARED, nullptr) == 0);
    }
    fs::path path_;
};

// What mountinfo says about the topmost mount of this name: "", "shared", "master", "master
// shared", "unbindable"; "none" without such a mount.
std::string propagation(const std::string& mountinfo, const std::string& point) {
    std::string found = "none";
    for (const std::string& line : lines_of(mountinfo)) {
        const Strings fields = split(line, ' ');
        if (fields.size() < 7 || fields[4] != point) continue;
        bool shared = false;
        bool master = false;
        bool unbindable = false;
        for (std::size_t i = 6; fields[i] != "-"; ++i) {
            shared = shared || fields[i].starts_with("shared:");
            master = master || fields[i].starts_with("master:");
            unbindable = unbindable || fields[i] == "unbindable";
        }
        found = unbindable         ? "unbindable"
                : shared && master ? "master shared"
                : shared           ? "shared"
                : master           ? "master"
                                   : "";
    }
    return found;
}

Json bind_mount(const fs::path& source, const std::string& destination, Strings options) {
    return {{"destination", destination},
            {"type", "bind"},
            {"source", source.string()},
            {"options", std::move(options)}};
}

void allow_mounts(Box& box) {
    for (const char* set : {"bounding", "permitted", "effective", "inheritable", "ambient"}) {
        box.bundle.process()["capabilities"][set].push_back("CAP_SYS_ADMIN");
    }
}

bool is_mounted(const fs::path& point) {
    return propagation(read_file("/proc/self/mountinfo"), point) != "none";
}

struct Expected {
    const char* option;
    const char* top;
    const char* below;
    const char* tmpfs;  // of a filesystem that is new
};

constexpr std::array<Expected, 9> kExpected{{
    {"", "", "", ""},
    {"shared", "shared", "shared", "shared"},
    {"rshared", "shared", "shared", "shared"},
    {"slave", "master", "master", ""},
    {"rslave", "master", "master", ""},
    {"private", "", "", ""},
    {"rprivate", "", "", ""},
    {"unbindable", "unbindable", "", "unbindable"},
    {"runbindable", "unbindable", "unbindable", "unbindable"},
}};

}  // namespace

TEST_CASE("propagation: each mount has what its options say, whatever rootfsPropagation says",
          "[propagation][not-crun][not-runc]") {
    NEEDS(need_runtime());
    APPLIES(enough_descriptors());  // each unbindable mount takes one
    Box box;
    const SharedMounts shared(box / "shared");
    const std::string root = GENERATE(as<std::string>(), "", "rshared", "rslave", "runbindable");
    CAPTURE(root);
    if (!root.empty()) box.bundle.linux()["rootfsPropagation"] = root;
    for (const auto& [option, top, below, tmpfs] : kExpected) {
        if (*option == 0) continue;
        const std::string name = std::string("/") + option;
        box.bundle.add_mount(bind_mount(shared.path(), "/bind" + name, {"rbind", option}))
            .add_mount({{"destination", "/tmpfs" + name},
                        {"type", "tmpfs"},
                        {"source", "tmpfs"},
                        {"options", {option}}});
    }
    const std::string text = box.life({"mountinfo"}).out;
    for (const auto& [option, top, below, tmpfs] : kExpected) {
        if (*option == 0) continue;
        CAPTURE(option);
        const std::string name = std::string("/") + option;
        CHECK(propagation(text, "/bind" + name) == top);
        CHECK(propagation(text, "/bind" + name + "/sub") == below);
        CHECK(propagation(text, "/tmpfs" + name) == tmpfs);
    }
}

TEST_CASE(
    "propagation: rootfsPropagation is that of the root, and if recursive of all that asks "
    "for none",
    "[propagation][not-crun][not-runc]") {
    NEEDS(need_runtime());
    APPLIES(enough_descriptors());
    Box box;
    const SharedMounts shared(box / "shared");
    const auto& [option, top, below, tmpfs] =
        GENERATE(from_range(kExpected.begin(), kExpected.end()));
    CAPTURE(option);
    const bool recursive = *option == 'r';
    if (*option != 0) box.bundle.linux()["rootfsPropagation"] = option;
    box.bundle.add_mount(bind_mount(shared.path(), "/bind", {"rbind"}));
    // A root that can be a slave.
    const SharedMounts root(box / "image");
    fs::copy(box.bundle.rootfs(), root.path(), fs::copy_options::recursive);
    box.bundle.config["root"]["path"] = root.path();
    const std::string text = box.life({"mountinfo"}).out;
    CHECK(propagation(text, "/sub") == (recursive || std::string(option) == "slave" ? below : ""));
    CHECK(propagation(text, "/") == top);
    CHECK(propagation(text, "/bind") == (recursive ? top : ""));
    CHECK(propagation(text, "/bind/sub") == (recursive ? below : ""));
    CHECK(propagation(text, "/tmp") == "none");
    CHECK(propagation(text, "/dev/shm") == (recursive ? tmpfs : ""));
}

TEST_CASE("propagation: rshared: what is mounted inside is on the host, and the other way round",
          "[propagation][not-crun][not-runc]") {
    NEEDS(need_runtime());
    Box box;
    const SharedMounts shared(box / "shared");
    allow_mounts(box);
    box.bundle.add_mount(bind_mount(shared.path(), "/data", {"rbind", "rshared"}));
    Container container = box.sleeper();
    CHECK(box.exec(container, {"mount", "/data/in"}).out == "mount /data/in: ok\n");
    CHECK(is_mounted(shared.path() / "in"));
    fs::create_directories(shared.path() / "sub/deep");
    CHECK(box.exec(container, {"mount", "/data/sub/deep"}).out == "mount /data/sub/deep: ok\n");
    CHECK(is_mounted(shared.path() / "sub/deep"));

    fs::create_directories(shared.path() / "sub/from-host");
    REQUIRE(run_command({"/bin/mount", "-t", "tmpfs", "none", shared.path() / "sub/from-host"})
                .code() == 0);
    CHECK(propagation(box.exec(container, {"mountinfo"}).out, "/data/sub/from-host") == "shared");
    container.kill();
    container.wait();
    container.remove();
    // What was mounted inside lives as long as its peer on the host.
    CHECK(is_mounted(shared.path() / "in"));
}

TEST_CASE("propagation: rslave: the host's mounts appear inside, those of the container stay there",
          "[propagation][not-crun]") {
    NEEDS(need_runtime());
    Box box;
    const SharedMounts shared(box / "shared");
    allow_mounts(box);
    box.bundle.add_mount(bind_mount(shared.path(), "/data", {"rbind", "rslave"}));
    Container container = box.sleeper();
    CHECK(box.exec(container, {"mount", "/data/in"}).out == "mount /data/in: ok\n");
    CHECK(!is_mounted(shared.path() / "in"));
    fs::create_directories(shared.path() / "sub/from-host");
    REQUIRE(run_command({"/bin/mount", "-t", "tmpfs", "none", shared.path() / "sub/from-host"})
                .code() == 0);
    CHECK(propagation(box.exec(container, {"mountinfo"}).out, "/data/sub/from-host") != "none");
}

TEST_CASE("propagation: is that of the mount, not of what a path leads to later",
          "[propagation][not-crun][not-runc]") {
    NEEDS(need_runtime());
    Box box;
    const SharedMounts shared(box / "shared");
    fs::create_directories(box.bundle.in_rootfs("run/real"));
    fs::create_directory_symlink("run", box.bundle.in_rootfs("link"));
    box.bundle.add_mount(bind_mount(shared.path(), "/link/real", {"rbind", "rslave"}))
        .add_mount(bind_mount(shared.path(), "/covered", {"rbind", "rslave"}))
        .add_mount({{"destination", "/covered"}, {"type", "tmpfs"}, {"source", "tmpfs"}})
        .add_mount({{"destination", "/link/real/in"}, {"type", "tmpfs"}, {"source", "tmpfs"}});
    const std::string text = box.life({"mountinfo"}).out;
    CHECK(propagation(text, "/run/real") == "master");
    CHECK(propagation(text, "/run/real/sub") == "master");
    CHECK(propagation(text, "/run/real/in") == "");
    CHECK(propagation(text, "/covered") == "");
}

TEST_CASE("propagation: readonlyPaths in a mount that is unbindable",
          "[propagation][not-crun][not-runc]") {
    NEEDS(need_runtime());
    Box box;
    const SharedMounts shared(box / "shared");
    box.bundle.add_mount(bind_mount(shared.path(), "/data", {"rbind", "runbindable"}));
    box.bundle.linux()["readonlyPaths"] = {"/data/in"};
    const Outcome outcome = box.life({"write", "/data/in/new", "x", "--", "mountinfo"});
    CHECK(has_line(outcome.out, "write /data/in/new: EROFS"));
    CHECK(propagation(outcome.out, "/data") == "unbindable");
}
