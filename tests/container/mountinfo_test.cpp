// /proc/self/mountinfo of a long list of mounts, as lxcri, crun and runc make it of one bundle.
#include <sys/mount.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "support/catch.h"
#include "support/environment.h"
#include "support/runtime.h"

using namespace lxcri::test;
namespace fs = std::filesystem;

namespace {

std::string sorted(const std::string& text) {
    Strings parts = split(text, ',');
    std::erase_if(parts, [](const std::string& part) {
        return part == "ro" || part == "rw" || part == "mode=755";
    });
    std::sort(parts.begin(), parts.end());
    std::string result;
    for (const auto& part : parts) result += part + ",";
    return result;
}

// By mount point, one line for each mount there: root in its filesystem, options of the mount,
// propagation without the numbers, type and source. Of the options of the filesystem ro and rw are
// left out, which some runtimes give it as well, and the mode of the directory that is covered,
// which they set with chmod. The order of mounts at one place is not that of mountinfo.
std::map<std::string, Strings> parse(const std::string& mountinfo) {
    std::map<std::string, Strings> all;
    for (const std::string& line : lines_of(mountinfo)) {
        const Strings fields = split(line, ' ');
        if (fields.size() < 10) continue;
        std::string text = fields[3] + " " + fields[5] + " [";
        std::size_t i = 6;
        for (; fields[i] != "-"; ++i) text += fields[i].substr(0, fields[i].find(':')) + " ";
        text += "] " + fields[i + 1] + " " + fields[i + 2] + " " + sorted(fields[i + 3]);
        all[fields[4]].push_back(text);
    }
    for (auto& [point, mounts] : all) std::sort(mounts.begin(), mounts.end());
    return all;
}

// What is known to differ and why; nothing else may.
struct Difference {
    const char* peer;
    const char* point;  // this one and all below
    const char* why;
};

constexpr Difference kDifferences[] = {
    {"crun", "/masked", "we add nosuid, nodev and noexec to what covers a directory"},
    {"runc", "/masked", "the same; and its tmpfs is as large as memory is"},
    {"crun", "/mnt/outer/inner/", "readonlyPaths are read-only all the way down with us"},
    {"runc", "/mnt/outer/inner/", "the same"},
    {"crun", "/mnt/taken-back", "an option takes back an earlier one, with crun only some do"},
    {"runc", "/mnt/tmpfs-rro", "runc 1.1 has recursive options for bind mounts alone"},
    {"runc", "/mnt/tmpfs-rnosuid", "the same"},
    {"runc", "/mnt/tmpfs-rnoexec", "the same"},
    {"crun", "/mnt/propagation", "crun 1.8 has them all private without rootfsPropagation"},
};

bool is_known(std::string_view peer, std::string_view point) {
    return std::any_of(std::begin(kDifferences), std::end(kDifferences), [&](const auto& known) {
        return peer == known.peer && point.starts_with(known.point);
    });
}

class LongList {
  public:
    LongList() {
        fs::create_directories(source() / "sub");
        fs::create_directories(source() / "dir");
        write_file(source() / "file", "content\n");
        REQUIRE(::mount("nested", (source() / "sub").c_str(), "tmpfs", 0, nullptr) == 0);
        fs::create_directories(box_ / "lower");
        fs::create_directories(box_.bundle.in_rootfs("masked/dir"));
        write_file(box_.bundle.in_rootfs("masked/file"), "secret");
        fs::create_directories(box_.bundle.in_rootfs("copied"));
        write_file(box_.bundle.in_rootfs("copied/file"), "to be copied");

        // The path of the container's cgroup is not the same for each of them.
        box_.bundle.remove_mount("/sys/fs/cgroup");
        for (const char* option : {"ro", "rw", "nosuid", "nodev", "noexec", "noatime", "nodiratime",
                                   "relatime", "strictatime", "rro", "rnosuid", "rnoexec"}) {
            bind(std::string("bind-") + option, source(), {"bind", option});
            bind(std::string("rbind-") + option, source(), {"rbind", option});
            tmpfs(std::string("tmpfs-") + option, {option});
        }
        bind("defaults", source(), {"rbind", "rprivate", "defaults"});
        bind("several", source(), {"rbind", "ro", "nosuid", "nodev", "noexec", "noatime"});
        bind("taken-back", source(), {"bind", "ro", "nosuid", "rw", "suid"});
        bind("file", source() / "file", {"bind", "ro"});
        for (const char* name :
             {"a b", "tab\there", "line\nbreak", "ha#sh", "back\\slash", "\\040"}) {
            bind(std::string("names/") + name, source(), {"bind"});
        }
        tmpfs("data", {"size=64k", "mode=1750", "uid=7", "gid=8", "nr_inodes=50"});
        tmpfs("flags", {"sync", "dirsync", "nosuid"});
        tmpfs("several-tmpfs", {"nosuid", "nodev", "noexec", "noatime", "nodiratime", "mode=700"});
        mount("/copied", "tmpfs", "tmpfs", {"tmpcopyup", "nodev"});
        tmpfs("covered", {"size=4k"});
        tmpfs("covered", {"size=8k"});
        bind("covered", source(), {"bind"});
        tmpfs("outer", {});
        bind("outer/inner", source(), {"rbind"});
        tmpfs("outer/inner/dir", {"ro"});
        mount("/mnt/pts", "devpts", "devpts", {"newinstance", "ptmxmode=0666", "mode=0620"});
        mount("/mnt/mqueue", "mqueue", "mqueue", {"nosuid"});
        mount("/mnt/overlay", "overlay", "overlay",
              {"lowerdir=" + (box_ / "lower").string(), "upperdir=" + (box_ / "upper").string(),
               "workdir=" + (box_ / "work").string(), "nodev"});
        for (const char* option : {"shared", "rshared", "private", "unbindable", "runbindable"}) {
            tmpfs(std::string("propagation/tmpfs-") + option, {option});
            bind(std::string("propagation/bind-") + option, source(), {"rbind", option});
        }
        box_.bundle.linux()["maskedPaths"] = {"/masked/dir", "/masked/file", "/not/there"};
        box_.bundle.linux()["readonlyPaths"] = {"/proc/sys", "/proc/bus", "/mnt/outer/inner"};
        box_.bundle.linux()["rootfsPropagation"] = "rprivate";
        box_.bundle.config["root"]["readonly"] = true;
        box_.bundle.config["process"]["noNewPrivileges"] = false;
    }
    LongList(const LongList&) = delete;
    LongList& operator=(const LongList&) = delete;
    ~LongList() { (void)::umount2((source() / "sub").c_str(), MNT_DETACH); }

    std::map<std::string, Strings> ours() {
        make_new_layers();
        return parse(box_.life({"mountinfo"}).out);
    }

    std::map<std::string, Strings> of_peer(const std::string& peer) {
        make_new_layers();
        box_.bundle.args({"mountinfo"});
        box_.bundle.write();
        const std::string id = box_.new_id();
        const Finished finished = run_command(
            {find_program(peer), "--root", box_ / peer, "run", "--bundle", box_.bundle.path(), id},
            {});
        INFO(finished.err);
        REQUIRE(finished.code() == 0);
        return parse(finished.out);
    }

  private:
    // An overlay remembers that it was mounted before.
    void make_new_layers() const {
        for (const char* name : {"upper", "work"}) {
            fs::remove_all(box_ / name);
            fs::create_directories(box_ / name);
        }
    }
    fs::path source() const { return box_ / "source"; }
    void mount(const std::string& destination, const char* type, const std::string& source,
               Strings options) {
        box_.bundle.add_mount({{"destination", destination},
                               {"type", type},
                               {"source", source},
                               {"options", std::move(options)}});
    }
    void bind(const std::string& name, const fs::path& source, Strings options) {
        mount("/mnt/" + name, "bind", source, std::move(options));
    }
    void tmpfs(const std::string& name, Strings options) {
        mount("/mnt/" + name, "tmpfs", "name-of-" + name, std::move(options));
    }

    Box box_;
};

}  // namespace

TEST_CASE("mountinfo: a long list of mounts is what crun and runc make of it", "[mounts][lxcri]") {
    NEEDS(need_runtime());
    APPLIES(environment().layout == CgroupLayout::kV1);
    const std::string peer = GENERATE(as<std::string>(), "crun", "runc");
    NEEDS(need_program(peer));
    LongList list;
    const auto ours = list.ours();
    const auto theirs = list.of_peer(peer);
    CAPTURE(peer);
    CHECK(ours.size() > 90);
    for (const auto& [point, seen] : theirs) {
        if (is_known(peer, point)) continue;
        CAPTURE(point);
        REQUIRE(ours.contains(point));
        CHECK(ours.at(point) == seen);
    }
    for (const auto& [point, seen] : ours) {
        CAPTURE(point);
        CHECK(theirs.contains(point));
    }
}
