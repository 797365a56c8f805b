// What liblxc touches, in the image and on the host, and what it must not.
#include <fcntl.h>
#include <limits.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <map>
#include <set>

#include "hooks.h"
#include "os/unique_fd.h"
#include "support/catch.h"
#include "support/environment.h"
#include "support/runtime.h"

using namespace lxcri::test;
namespace os = lxcri::os;
namespace fs = std::filesystem;

namespace {

// Everything that is opened, made, changed or taken away in a tree while this lives.
class Watch {
  public:
    explicit Watch(const fs::path& top) : fd_(inotify_init1(IN_CLOEXEC | IN_NONBLOCK)), top_(top) {
        REQUIRE(fd_.valid());
        add(top);
        for (const auto& entry : fs::recursive_directory_iterator(top)) add(entry.path());
        (void)seen();  // what we have opened for this
    }

    // "open etc/passwd", each once.
    std::set<std::string> seen() {
        std::set<std::string> found;
        alignas(inotify_event) std::array<char, 65536> buffer;
        ssize_t size = 0;
        while ((size = read(fd_.get(), buffer.data(), buffer.size())) > 0) {
            for (ssize_t at = 0; at < size;) {
                inotify_event event{};
                std::memcpy(&event, buffer.data() + at, sizeof event);
                const char* name = buffer.data() + at + sizeof event;
                const fs::path path =
                    event.len > 0 ? watched_[event.wd] / name : watched_[event.wd];
                if ((event.mask & IN_IGNORED) == 0) {
                    found.insert(word(event.mask) + " " + path.lexically_relative(top_).string());
                }
                at += static_cast<ssize_t>(sizeof event + event.len);
            }
        }
        return found;
    }

  private:
    void add(const fs::path& path) {
        const int number = inotify_add_watch(
            fd_.get(), path.c_str(),
            IN_OPEN | IN_MODIFY | IN_ATTRIB | IN_CREATE | IN_DELETE | IN_MOVE | IN_DONT_FOLLOW);
        REQUIRE(number >= 0);
        watched_[number] = path;
    }
    static std::string word(std::uint32_t mask) {
        if ((mask & IN_OPEN) != 0) return "open";
        if ((mask & IN_MODIFY) != 0) return "modify";
        if ((mask & IN_ATTRIB) != 0) return "attributes";
        if ((mask & IN_CREATE) != 0) return "create";
        if ((mask & IN_DELETE) != 0) return "delete";
        return "other";
    }

    os::UniqueFd fd_;
    fs::path top_;
    std::map<int, fs::path> watched_;
};

// Puts something of the kind at `path` that a careless program stumbles over.
void plant(const fs::path& path, const std::string& kind) {
    if (kind == "FIFO") REQUIRE(mkfifo(path.c_str(), 0666) == 0);
    if (kind == "directory") fs::create_directories(path / "with/contents");
    if (kind == "link") fs::create_symlink("/probe", path);
    if (kind == "dangling link") fs::create_symlink("/not/there", path);
    if (kind == "link to itself") fs::create_symlink(path.filename(), path);
    if (kind == "file") write_file(path, "the image's own", 0600);
    if (kind == "device") REQUIRE(mknod(path.c_str(), S_IFCHR | 0666, makedev(1, 5)) == 0);
    if (kind == "socket") {
        const os::UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        const os::UniqueFd directory(open(path.parent_path().c_str(), O_PATH | O_CLOEXEC));
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        const std::string name =
            "/proc/self/fd/" + std::to_string(directory.get()) + "/" + path.filename().string();
        REQUIRE(name.size() < sizeof address.sun_path);
        std::memcpy(address.sun_path, name.c_str(), name.size() + 1);
        REQUIRE(bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    }
}

constexpr std::array kKinds{"FIFO", "directory",      "link",   "dangling link",
                            "file", "link to itself", "device", "socket"};

struct Facts {
    ino_t inode = 0;
    mode_t mode = 0;
    off_t size = 0;
    timespec changed{};
    bool operator==(const Facts& other) const {
        return inode == other.inode && mode == other.mode && size == other.size &&
               changed.tv_sec == other.changed.tv_sec && changed.tv_nsec == other.changed.tv_nsec;
    }
};

Facts facts(const fs::path& path) {
    struct stat status {};
    REQUIRE(lstat(path.c_str(), &status) == 0);
    return {status.st_ino, status.st_mode, status.st_size, status.st_ctim};
}

Json one_mapping(unsigned outside) {
    return Json::array({{{"containerID", 0}, {"hostID", outside}, {"size", 65536}}});
}

void map_ids(Box& box) {
    box.bundle.add_namespace("user");
    box.bundle.linux()["uidMappings"] = one_mapping(100000);
    box.bundle.linux()["gidMappings"] = one_mapping(100000);
}

}  // namespace

TEST_CASE("liblxc: no name in the image means anything to us", "[hostile][lxcri]") {
    NEEDS(need_runtime());
    for (const std::string kind : kKinds) {
        CAPTURE(kind);
        Box box;
        box.bundle.args({"exit", "5"});
        const fs::path planted = box.bundle.in_rootfs(".lxc_keep");
        plant(planted, kind);
        const Facts before = facts(planted);
        const Facts root_before = facts(box.bundle.rootfs());
        CHECK(box.life().code == 5);
        CHECK(facts(planted) == before);
        CHECK(facts(box.bundle.rootfs()) == root_before);
        CHECK(box.leftovers() == Strings{});
    }
}

TEST_CASE("liblxc: nothing of the image is opened or changed but the program and /etc/passwd",
          "[hostile][lxcri]") {
    NEEDS(need_runtime());
    const bool users = GENERATE(false, true);
    Box box;
    if (users) map_ids(box);
    box.bundle.args({"exit", "5"});
    for (const char* name : {".lxc_keep", "dev/null", "dev/ptmx", "etc/passwd", "etc/fstab",
                             "etc/lxc", "sbin", "run", "partial", "config"}) {
        write_file(box.bundle.in_rootfs(name), "text");
    }
    Watch watch(box.bundle.rootfs());
    CHECK(box.life().code == 5);
    CHECK(watch.seen() == std::set<std::string>{"open etc/passwd", "open probe"});
}

TEST_CASE("liblxc: the /dev/null of the image is not opened", "[hostile][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    for (const char* place : {"/dev", "/dev/pts", "/dev/shm", "/dev/mqueue"}) {
        box.bundle.remove_mount(place);
    }
    box.bundle.args({"exit", "5"});
    REQUIRE(mknod(box.bundle.in_rootfs("dev/null").c_str(), S_IFCHR | 0666, makedev(1, 3)) == 0);
    CreateOptions options;
    options.command.input = "";  // where stdin is /dev/null, init opens the container's for it
    Watch watch(box.bundle.in_rootfs("dev"));
    CHECK(box.life(options).code == 5);
    CHECK(watch.seen().count("open null") == 0);
}

TEST_CASE("liblxc: a runtime root that only its owner can search, with a user namespace",
          "[namespaces][lxcri]") {
    NEEDS(need_runtime());
    const bool kept = GENERATE(false, true);
    const bool root_itself = GENERATE(false, true);
    Box box;
    if (kept) {
        box.settings = {"--monitor-annotation"};
        box.bundle.config["annotations"]["org.linuxcontainers.lxcri.monitor"] = "keep";
    }
    map_ids(box);
    box.bundle.args({"exit", "5"});
    const fs::path closed = box / "closed";
    fs::create_directories(closed / "root");
    fs::create_directory_symlink(closed / "root", box.root());
    fs::permissions(root_itself ? closed / "root" : closed, fs::perms::owner_all);
    CHECK(box.life().code == 5);
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("liblxc: the process that sets the container up can be traced by root alone",
          "[namespaces][hostile][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    map_ids(box);
    box.bundle.args({"exit", "5"});
    // proc(5): the files of a process that cannot be traced belong to root.
    const fs::path owner = box / "owner";
    box.bundle.config["hooks"]["createRuntime"] = Json::array({hook(
        {"-c", "pid=$(sed 's/.*\"pid\": *\\([0-9]*\\).*/\\1/'); stat -c %u /proc/$pid/stat > " +
                   owner.string()},
        "/bin/sh")});
    box.bundle.config["hooks"]["createRuntime"][0]["env"] = {"PATH=/usr/bin:/bin"};
    CHECK(box.life().code == 5);
    CHECK(read_file(owner) == "0\n");
}

TEST_CASE("liblxc: a low stack limit of the caller is that of the container", "[limits][lxcri]") {
    NEEDS(need_runtime());
    NEEDS(need_program("prlimit"));
    const std::string limit = GENERATE(as<std::string>(), "65536:8388608", "65536:65536");
    const std::string shown = limit.substr(0, 5) + " " + limit.substr(6);
    Box box;
    if (GENERATE(false, true)) map_ids(box);
    box.bundle.args({"rlimits"});
    box.bundle.write();
    Strings line = {find_program("prlimit"), "--stack=" + limit};
    for (const std::string& word :
         box.command_line({"run", "--bundle", box.bundle.path(), box.new_id()})) {
        line.push_back(word);
    }
    const Finished done = run_command(line);
    CAPTURE(done.err);
    CHECK(done.code() == 0);
    CHECK(has_line(done.out, "STACK " + shown));
    CHECK(box.leftovers() == Strings{});
}
