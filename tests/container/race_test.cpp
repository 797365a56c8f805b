// A process exchanges folders, files and links in the image, or in a volume that several containers
// have, while `create` runs, thousands of times. Whatever create then does, it does inside: a part
// of the host beside it, a Canary, is untouched after each round, and nothing is left behind.
//
// These tests take a minute or two together and have a stage of their own (./dev test race).
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <set>

#include "support/canary.h"
#include "support/catch.h"
#include "support/environment.h"
#include "support/racer.h"
#include "support/runtime.h"
#include "support/sockets.h"

using namespace lxcri::test;
using lxcri::os::UniqueFd;
namespace fs = std::filesystem;

namespace {

// LXCRI_TEST_ROUNDS: more, or fewer, than each of these tests has to have.
int rounds() {
    const char* text = std::getenv("LXCRI_TEST_ROUNDS");
    return text != nullptr ? std::atoi(text) : 2000;
}

struct Mount {
    std::string root;   // the folder of the filesystem that is mounted
    std::string point;  // as the container sees it, after all renaming
    std::string options;
    std::string type;
};

std::vector<Mount> mounts_of(pid_t pid) {
    std::vector<Mount> mounts;
    for (const auto& line : lines_of(read_file("/proc/" + std::to_string(pid) + "/mountinfo"))) {
        const auto fields = split(line, ' ');
        const auto dash = std::find(fields.begin(), fields.end(), "-");
        if (fields.size() < 6 || fields.end() - dash < 2) continue;
        mounts.push_back({fields[3], fields[4], fields[5], *(dash + 1)});
    }
    return mounts;
}

// What a container that has been created has seen.
enum class Seen { original, exchanged };

// A small bundle, and `create` with `delete --force` on it again and again.
class Race {
  public:
    Race() {
        Json& config = box.bundle.config;
        config["mounts"] = {{{"destination", "/proc"}, {"type", "proc"}, {"source", "proc"}}};
        config.erase("hostname");
        box.bundle.linux() = {{"namespaces", {{{"type", "pid"}}, {{"type", "mount"}}}}};
        fs::create_directories(volume());
    }

    Box box;
    Canary canary{box / "outside"};
    std::function<void()> after_create = [] {};  // for what the caller of create takes
    std::function<void()> after_round = [] {};   // for what create may leave in a volume
    Strings flags;                               // of create

    fs::path rootfs() const { return box.bundle.rootfs(); }
    fs::path volume() const { return box / "volume"; }
    void bind(const fs::path& source, const std::string& destination,
              const std::vector<std::string>& options = {"bind"}) {
        box.bundle.add_mount({{"destination", destination},
                              {"type", "bind"},
                              {"source", source},
                              {"options", options}});
    }
    // `look` says what a container has seen; it may check more. A create that fails has to say why
    // in one line: that counts as exchanged when `refusal_means_exchanged`.
    void run(std::vector<Places> groups, bool refusal_means_exchanged,
             const std::function<Seen(const std::vector<Mount>&)>& look);

  private:
    int command(const Strings& arguments);
    std::string error() const;

    UniqueFd null_{::open("/dev/null", O_RDWR | O_CLOEXEC)};
    UniqueFd error_{::memfd_create("stderr", MFD_CLOEXEC)};
};

int Race::command(const Strings& arguments) {
    CommandOptions options;
    (void)::ftruncate(error_.get(), 0);
    (void)::lseek(error_.get(), 0, SEEK_SET);
    // Not pipes: init would hold them.
    options.fds = {{null_.get(), 1}, {error_.get(), 2}};
    return Process(box.command_line(arguments), options).wait_exit_only().code();
}

std::string Race::error() const {
    std::string text(4096, '\0');
    const ssize_t size = ::pread(error_.get(), text.data(), text.size(), 0);
    text.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    return text;
}

void Race::run(std::vector<Places> groups, bool refusal_means_exchanged,
               const std::function<Seen(const std::vector<Mount>&)>& look) {
    box.bundle.write();
    const std::string id = box.new_id();
    const fs::path pid_file = box / "pid";
    Strings create{"--cgroup-manager", "disabled",   "create", "--bundle",
                   box.bundle.path(),  "--pid-file", pid_file};
    create.insert(create.end(), flags.begin(), flags.end());
    create.push_back(id);
    int original = 0;
    int exchanged = 0;
    int refused = 0;
    std::set<std::string> refusals;
    {
        const Racer racer(std::move(groups));
        for (int round = 0; round < rounds(); ++round) {
            CAPTURE(round);
            const int code = command(create);
            const std::string text = error();
            after_create();
            if (code == 0) {
                const pid_t pid = static_cast<pid_t>(std::stol(read_file(pid_file)));
                ++(look(mounts_of(pid)) == Seen::original ? original : exchanged);
                REQUIRE(command({"delete", "--force", id}) == 0);
                (void)wait_for_child(pid);
            } else {
                REQUIRE(code == 1);
                REQUIRE(lines_of(text).size() == 1);
                REQUIRE(text.starts_with("lxcri: "));
                // Nor was any process of the round before left.
                REQUIRE_FALSE(contains(text, "already running"));
                refusals.insert(text);
                ++refused;
            }
            after_round();
            REQUIRE(canary.is_untouched());
            REQUIRE(names_in(box.root()) == Strings{});
        }
        CHECK(racer.exchanges() > static_cast<unsigned>(rounds()));
    }
    CHECK(canary.changes() == Strings{});
    CHECK(box.leftovers() == Strings{});
    std::string all;
    for (const auto& text : refusals) all += text;
    CAPTURE(original, exchanged, refused, all);
    // A race that only one of them has ever won shows nothing.
    CHECK(original > 0);
    CHECK(exchanged + (refusal_means_exchanged ? refused : 0) > 0);
    if (std::getenv("LXCRI_TEST_ROUNDS") != nullptr) {
        WARN("original " << original << ", exchanged " << exchanged << ", refused " << refused
                         << "\n"
                         << all);
    }
}

bool is_one_of(const std::string& text, std::initializer_list<const char*> accepted) {
    return std::any_of(accepted.begin(), accepted.end(),
                       [&](const char* one) { return text == one; });
}

const Mount* find_mount(const std::vector<Mount>& mounts,
                        const std::function<bool(const Mount&)>& is_it) {
    const auto found = std::find_if(mounts.begin(), mounts.end(), is_it);
    return found == mounts.end() ? nullptr : &*found;
}

}  // namespace

TEST_CASE("race: the racer and the canary catch who looks twice", "[.][race][slow][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    Canary canary(box / "outside");
    fs::create_directories(box / "volume/target");
    fs::create_symlink(canary.path(), box / "volume/trap");
    const fs::path target = box / "volume/target";
    const Racer racer({{target, box / "volume/trap"}});
    int caught = 0;
    for (int i = 0; i < 200000 && caught == 0; ++i) {
        struct stat status {};
        // What every one of the attacks lives from.
        if (::lstat(target.c_str(), &status) != 0 || !S_ISDIR(status.st_mode)) continue;
        const UniqueFd made(
            ::open((target / "made").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
        if (!canary.is_untouched()) ++caught;
    }
    CHECK(caught == 1);
    CHECK(canary.changes() != Strings{});
}

TEST_CASE("race: mount targets in a shared volume",
          "[.][race][slow][hostile][CVE-2021-30465][CVE-2024-45310][lxcri]") {
    NEEDS(need_runtime());
    Race race;
    const fs::path volume = race.volume();
    fs::create_directories(volume / "target");
    fs::create_directories(race.rootfs() / "inside");
    fs::create_symlink("/inside", volume / "in");
    fs::create_symlink(race.canary.path(), volume / "out");
    fs::create_symlink("../../outside", volume / "up");
    write_file(volume / "file", "volume");
    fs::create_symlink(race.canary.path() / "file", volume / "file-out");
    fs::create_directories(race.box / "source");
    write_file(race.box / "source/file", "source");
    race.bind(volume, "/volume");
    race.bind(race.box / "source", "/volume/target/made/deep");
    race.bind(race.box / "source/file", "/volume/file");
    const auto clean = [&] {
        for (const char* name : {"target", "in", "out", "up"}) {
            std::error_code ignored;
            // What exists nowhere else, whatever has the name now.
            fs::remove(volume / name / "made/deep", ignored);
            fs::remove(volume / name / "made", ignored);
        }
        std::error_code ignored;
        fs::remove_all(race.rootfs() / "inside/made", ignored);
        // What the links to the outside mean inside, where it is made when it is missing.
        fs::remove_all(race.rootfs() / "outside", ignored);
        fs::remove_all(race.rootfs() / race.canary.path().relative_path(), ignored);
    };
    race.after_round = clean;
    race.run(
        {{volume / "target", volume / "in", volume / "out", volume / "up"},
         {volume / "file", volume / "file-out"}},
        true, [&](const std::vector<Mount>& mounts) {
            const auto* found = find_mount(
                mounts, [](const Mount& mount) { return mount.root.ends_with("/source"); });
            REQUIRE(found != nullptr);
            CAPTURE(found->point);
            const fs::path place = fs::path(found->point).parent_path().parent_path();
            if (place == "/inside" || place == "/outside" || place == race.canary.path()) {
                return Seen::exchanged;  // below the container's root, as all that it can see
            }
            CHECK(is_one_of(place, {"/volume/target", "/volume/in", "/volume/out", "/volume/up"}));
            return Seen::original;
        });
}

TEST_CASE("race: masked and read-only paths, and a false /dev/null",
          "[.][race][slow][hostile][CVE-2025-31133][lxcri]") {
    NEEDS(need_runtime());
    Race race;
    const fs::path etc = race.rootfs() / "etc";
    const fs::path dev = race.rootfs() / "dev";
    const std::string pattern = read_file("/proc/sys/kernel/core_pattern");
    write_file(etc / "secret", "secret");
    fs::create_symlink(race.canary.path() / "secret", etc / "secret-out");
    fs::create_directories(etc / "fixed");
    fs::create_symlink("../../outside", etc / "fixed-out");
    REQUIRE(::mknod((dev / "null").c_str(), S_IFCHR | 0666, makedev(1, 3)) == 0);
    fs::create_symlink("/proc/sys/kernel/core_pattern", dev / "null-proc");
    fs::create_symlink(race.canary.path() / "null", dev / "null-out");
    race.box.bundle.linux()["maskedPaths"] = {"/etc/secret", "/proc/kcore"};
    race.box.bundle.linux()["readonlyPaths"] = {"/etc/fixed"};
    race.run({{dev / "null", dev / "null-proc", dev / "null-out"},
              {etc / "secret", etc / "secret-out"},
              {etc / "fixed", etc / "fixed-out"}},
             false, [&](const std::vector<Mount>& mounts) {
                 const auto* found = find_mount(mounts, [](const Mount& mount) {
                     return mount.point.starts_with("/etc/secret");
                 });
                 if (found == nullptr) return Seen::exchanged;
                 // The host's null device, not what the image calls so.
                 CHECK(found->root == "/null");
                 return Seen::original;
             });
    CHECK(read_file("/proc/sys/kernel/core_pattern") == pattern);
}

TEST_CASE("race: /dev as a link", "[.][race][slow][hostile][CVE-2026-41579][lxcri]") {
    NEEDS(need_runtime());
    Race race;
    // What is outside is inside, too: a volume, where nothing of /dev may be made.
    race.bind(race.canary.path(), "/volume");
    fs::create_symlink("/volume", race.rootfs() / "dev-volume");
    fs::create_symlink(race.canary.path(), race.rootfs() / "dev-out");
    fs::create_symlink("../../outside", race.rootfs() / "dev-up");
    race.run({{race.rootfs() / "dev", race.rootfs() / "dev-volume", race.rootfs() / "dev-out",
               race.rootfs() / "dev-up"}},
             true, [](const std::vector<Mount>&) { return Seen::original; });
}

TEST_CASE("race: /dev/pts and /dev/console", "[.][race][slow][hostile][CVE-2025-52565][lxcri]") {
    NEEDS(need_runtime());
    Race race;
    ReceivingSocket socket(race.box / "console.sock");
    race.box.bundle.process()["terminal"] = true;
    race.flags = {"--console-socket", socket.path()};
    UniqueFd master;  // open: a terminal that hangs up ends the waiting init
    race.after_create = [&] { master = socket.receive().fd; };
    const fs::path dev = race.rootfs() / "dev";
    fs::create_directories(dev / "pts");
    write_file(dev / "console", "image");
    fs::create_symlink(race.canary.path() / "pts", dev / "pts-out");
    fs::create_symlink("/volume/pts", dev / "pts-volume");
    fs::create_symlink(race.canary.path() / "console", dev / "console-out");
    fs::create_symlink("/volume/console", dev / "console-volume");
    race.bind(race.canary.path(), "/volume");
    race.box.bundle.add_mount({{"destination", "/dev/pts"},
                               {"type", "devpts"},
                               {"source", "devpts"},
                               {"options", {"newinstance", "ptmxmode=0666", "mode=0620"}}});
    race.run({{dev / "pts", dev / "pts-out", dev / "pts-volume"},
              {dev / "console", dev / "console-out", dev / "console-volume"}},
             true, [&](const std::vector<Mount>& mounts) {
                 const auto* console = find_mount(mounts, [](const Mount& mount) {
                     return mount.point.starts_with("/dev/console");
                 });
                 REQUIRE(console != nullptr);
                 CHECK(console->type == "devpts");
                 return Seen::original;
             });
}

TEST_CASE("race: /proc, where sysctls and labels are written",
          "[.][race][slow][hostile][CVE-2019-19921][CVE-2025-52881][lxcri]") {
    NEEDS(need_runtime());
    Race race;
    const fs::path root = race.rootfs();
    const std::string own = read_file("/proc/sys/kernel/msgmax");
    for (const char* name : {"fake/sys/kernel", "fake/self/attr", "fake/thread-self/attr"}) {
        fs::create_directories(root / name);
    }
    for (const char* name :
         {"fake/sys/kernel/msgmax", "fake/self/attr/exec", "fake/thread-self/attr/exec"}) {
        write_file(root / name, "image");
    }
    fs::create_symlink("fake", root / "proc-fake");
    fs::create_symlink(race.canary.path(), root / "proc-out");
    race.box.bundle.add_namespace("ipc");
    race.box.bundle.linux()["sysctl"] = {{"kernel.msgmax", "12345"}};
    // The racer moves it around: by this it is found again.
    const auto fake = [&]() -> fs::path {
        for (const char* name : {"proc", "fake"}) {
            if (fs::is_directory(fs::symlink_status(root / name)) &&
                fs::exists(root / name / "sys/kernel/msgmax")) {
                return root / name;
            }
        }
        return {};
    };
    race.run({{root / "proc", root / "proc-fake", root / "proc-out"}}, true,
             [](const std::vector<Mount>& mounts) {
                 const auto* proc =
                     find_mount(mounts, [](const Mount& mount) { return mount.type == "proc"; });
                 REQUIRE(proc != nullptr);
                 CAPTURE(proc->point);
                 CHECK(is_one_of(proc->point, {"/proc", "/proc-fake", "/proc-out"}));
                 return Seen::original;
             });
    CHECK(read_file("/proc/sys/kernel/msgmax") == own);
    CHECK(read_file(fake() / "sys/kernel/msgmax") == "image");
    CHECK(read_file(fake() / "self/attr/exec") == "image");
    CHECK(read_file(fake() / "thread-self/attr/exec") == "image");
}

TEST_CASE("race: mount sources in a shared volume", "[.][race][slow][hostile][lxcri]") {
    NEEDS(need_runtime());
    Race race;
    const fs::path volume = race.volume();
    fs::create_directories(volume / "folder");
    fs::create_symlink(race.canary.path(), volume / "folder-out");
    write_file(volume / "file", "volume");
    fs::create_symlink(race.canary.path() / "file", volume / "file-out");
    fs::create_directories(volume / "mixed");
    write_file(volume / "mixed-file", "volume");
    race.bind(volume / "folder", "/folder", {"bind", "ro"});
    race.bind(volume / "file", "/file", {"bind", "ro"});
    race.bind(volume / "mixed", "/mixed", {"bind", "ro"});
    race.run({{volume / "folder", volume / "folder-out"},
              {volume / "file", volume / "file-out"},
              {volume / "mixed", volume / "mixed-file"}},
             true, [&](const std::vector<Mount>& mounts) {
                 bool exchanged = false;
                 for (const char* point : {"/folder", "/file", "/mixed"}) {
                     const auto* found = find_mount(
                         mounts, [&](const Mount& mount) { return mount.point == point; });
                     CAPTURE(point);
                     REQUIRE(found != nullptr);
                     // Whichever it was, what is asked for holds for it.
                     CHECK(found->options.starts_with("ro,"));
                     exchanged = exchanged || contains(found->root, "/outside");
                 }
                 return exchanged ? Seen::exchanged : Seen::original;
             });
}
