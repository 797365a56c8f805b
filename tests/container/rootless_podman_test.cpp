// Podman and buildah of an ordinary user as the callers.
#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <filesystem>
#include <optional>

#include "support/catch.h"
#include "support/environment.h"
#include "support/ordinary_user.h"
#include "support/runtime.h"
#include "user_podman.h"

using namespace lxcri::test;
namespace fs = std::filesystem;

namespace {

std::optional<std::string> need_rootless_podman() {
    if (auto missing = need_runtime()) return missing;
    for (const char* program : {"podman", "conmon", "newuidmap"}) {
        if (auto missing = need_program(program)) return missing;
    }
    return {};
}

// A network of the user's own.
std::optional<std::string> need_network() {
    if (auto missing = need_rootless_podman()) return missing;
    if (!fs::exists("/dev/net/tun")) return "no /dev/net/tun";
    return need_program("slirp4netns");
}

// The virtual machine's processor is too slow for what says nothing about its host.
bool in_one_view() {
    return in_first_view() && !is_virtual_machine();
}

// What slirp4netns makes a network with; an ordinary machine lets every user open it.
class TunForAll {
  public:
    // The tests' own directory takes no devices.
    explicit TunForAll(const fs::path& directory) {
        constexpr unsigned kMisc = 10;
        constexpr unsigned kTun = 200;
        fs::create_directory(directory);
        REQUIRE(mount("tmpfs", directory.c_str(), "tmpfs", 0, "mode=0755") == 0);
        const fs::path node = directory / "tun";
        const bool made = mknod(node.c_str(), S_IFCHR, makedev(kMisc, kTun)) == 0 &&
                          chmod(node.c_str(), 0666) == 0 &&
                          mount(node.c_str(), kPath, nullptr, MS_BIND, nullptr) == 0;
        umount2(directory.c_str(), MNT_DETACH);
        REQUIRE(made);
    }
    TunForAll(const TunForAll&) = delete;
    TunForAll& operator=(const TunForAll&) = delete;
    ~TunForAll() { umount2(kPath, MNT_DETACH); }

    static constexpr const char* kPath = "/dev/net/tun";
};

// Podman's own directory for large files, for one test. Undone if the test fails before it has
// begun, too.
class OwnVarTmp {
  public:
    explicit OwnVarTmp(const fs::path& directory) {
        fs::create_directory(directory);
        REQUIRE(chmod(directory.c_str(), 01777) == 0);
        REQUIRE(mount(directory.c_str(), "/var/tmp", nullptr, MS_BIND, nullptr) == 0);
    }
    OwnVarTmp(const OwnVarTmp&) = delete;
    OwnVarTmp& operator=(const OwnVarTmp&) = delete;
    ~OwnVarTmp() { umount2("/var/tmp", MNT_DETACH); }
};

enum class Network { none, own };

// With an image of the probe.
class PodmanBox {
  public:
    explicit PodmanBox(Network network = Network::none) : ids_(box_ / "") {
        // First of all: the Podmans of a user share the mounts of the first one.
        if (network == Network::own) tun_.emplace(box_ / "tun");
        var_tmp_.emplace(box_ / "var-tmp");
        const std::string image = "localhost/test";
        REQUIRE(
            run_command({"/bin/tar", "-C", box_.bundle.rootfs(), "-cf", box_ / "image.tar", "."})
                .code() == 0);
        box_.give_to(kUser);
        podman_.emplace(home(), box_.runtime());
        podman_->ok({"import", "-q", box_ / "image.tar", image});
    }

    Finished call(const Strings& arguments) const { return podman_->call(arguments); }
    CommandOptions options() const { return podman_->options(); }
    fs::path home() const { return box_.bundle.path(); }
    Box& box() { return box_; }

  private:
    Box box_;
    const SubordinateIds ids_;
    std::optional<TunForAll> tun_;
    std::optional<OwnVarTmp> var_tmp_;
    std::optional<UserPodman> podman_;
};

void check_good(const Finished& done) {
    INFO(done.out << done.err);
    CHECK(done.code() == 0);
}

// slirp4netns calls the device tap0, pasta gives it a name of the host's.
bool has_network(const std::string& out) {
    for (const std::string& line : lines_of(out)) {
        if (line.ends_with(" up") && line != "lo up") return true;
    }
    return false;
}

}  // namespace

TEST_CASE("rootless: Podman as the caller", "[rootless][podman]") {
    NEEDS(need_rootless_podman());
    APPLIES(in_first_view());
    PodmanBox podman;
    const Finished done = podman.call({"run", "--rm", "--network", "none", "localhost/test",
                                       "/probe", "ids", "--", "cat", "/proc/self/uid_map"});
    check_good(done);
    CHECK(contains(done.out, "uid=0"));
    CHECK(has_line(done.out, map_line(1, kSubordinate, 65536)));
}

// With a network: Podman makes it in the created container's namespace.
TEST_CASE("rootless: Podman with user namespaces below its own", "[rootless][podman]") {
    APPLIES(!is_virtual_machine());  // which lacks slirp4netns and buildah
    NEEDS(need_network());
    APPLIES(in_one_view());
    PodmanBox podman(Network::own);
    const auto run = [&](const Strings& flags) {
        Strings arguments = {"run", "--rm", "--network", "slirp4netns"};
        arguments.insert(arguments.end(), flags.begin(), flags.end());
        for (const char* word : {"localhost/test", "/probe", "ids", "--", "cat",
                                 "/proc/self/uid_map", "--", "ifaces"}) {
            arguments.emplace_back(word);
        }
        Finished done = podman.call(arguments);
        check_good(done);
        CHECK(contains(done.out, "tap0"));
        return done.out;
    };
    const std::string kept = run({"--userns", "keep-id"});
    CHECK(contains(kept, "uid=" + std::to_string(kUser)));
    CHECK(has_line(kept, map_line(kUser, 0, 1)));
    CHECK(has_line(run({"--userns", "nomap"}), map_line(0, 1, 65536)));
    CHECK(contains(run({"--userns", "auto:size=2000"}), " 2000\n"));
    CHECK(has_line(run({"--uidmap", "0:5:1000", "--gidmap", "0:5:1000"}), map_line(0, 5, 1000)));
}

TEST_CASE("rootless: Podman publishes ports", "[rootless][podman]") {
    APPLIES(!is_virtual_machine());  // which lacks slirp4netns and buildah
    NEEDS(need_network());
    APPLIES(in_one_view());
    PodmanBox podman(Network::own);
    const bool keep_id = GENERATE(false, true);
    CAPTURE(keep_id);
    Strings arguments = {"run", "-d", "--name", "one", "--network", "slirp4netns", "-p", "4567"};
    if (keep_id) arguments.insert(arguments.end(), {"--userns", "keep-id"});
    arguments.insert(arguments.end(), {"localhost/test", "/probe", "sleep"});
    check_good(podman.call(arguments));
    CHECK(contains(podman.call({"port", "one"}).out, "4567/tcp -> 0.0.0.0:"));
    const Finished inside = podman.call({"exec", "one", "/probe", "ifaces"});
    check_good(inside);
    CHECK(contains(inside.out, "tap0"));
}

TEST_CASE("rootless: podman build with RUN", "[rootless][podman]") {
    APPLIES(!is_virtual_machine());  // which lacks slirp4netns and buildah
    NEEDS(need_network());
    APPLIES(in_one_view());
    PodmanBox podman(Network::own);
    fs::create_directory(podman.home() / "context");
    write_file(podman.home() / "context/Containerfile",
               "FROM localhost/test\n"
               "RUN [\"/probe\", \"mkdir\", \"/made\", \"--\", \"ifaces\"]\n");
    const Finished built = podman.call({"build", "-t", "built", podman.home() / "context"});
    check_good(built);
    CHECK(has_network(built.out));
    const Finished used = podman.call(
        {"run", "--rm", "--network", "none", "localhost/built", "/probe", "stat", "/made"});
    check_good(used);
    CHECK(contains(used.out, "/made dir "));
}

TEST_CASE("rootless: a pod of Podman", "[rootless][podman]") {
    APPLIES(!is_virtual_machine());  // which lacks slirp4netns and buildah
    NEEDS(need_network());
    APPLIES(in_one_view());
    PodmanBox podman(Network::own);
    check_good(podman.call({"pod", "create", "--name", "pod", "--network", "slirp4netns", "--share",
                            "net,ipc,uts,pid", "--infra-image", "localhost/test", "--infra-command",
                            "/probe sleep"}));
    check_good(podman.call({"run", "-d", "--pod", "pod", "localhost/test", "/probe", "sleep"}));
    const Finished second = podman.call({"run", "--rm", "--pod", "pod", "localhost/test", "/probe",
                                         "processes", "--", "hostname", "--", "ifaces"});
    check_good(second);
    CHECK(contains(second.out, "hostname=pod"));
    CHECK(contains(second.out, "tap0"));
}

TEST_CASE("rootless: buildah", "[rootless][buildah]") {
    APPLIES(!is_virtual_machine());  // which lacks slirp4netns and buildah
    NEEDS(need_network());
    NEEDS(need_program("buildah"));
    APPLIES(in_one_view());
    PodmanBox podman(Network::own);
    const auto buildah = [&](Strings arguments) {
        const Strings common = {find_program("buildah"), "--storage-driver", "vfs"};
        arguments.insert(arguments.begin(), common.begin(), common.end());
        Finished done = run_command(arguments, podman.options());
        check_good(done);
        return done.out;
    };
    (void)buildah({"from", "--name", "working", "localhost/test"});
    const std::string out =
        buildah({"run", "--isolation", "rootless", "--runtime", podman.box().runtime(), "working",
                 "/probe", "mkdir", "/made", "--", "ifaces", "--", "ids"});
    CHECK(has_network(out));
    CHECK(contains(out, "uid=0"));
    const std::string again =
        buildah({"run", "--isolation", "rootless", "--network", "none", "--runtime",
                 podman.box().runtime(), "working", "/probe", "stat", "/made"});
    CHECK(contains(again, "/made dir "));
    (void)buildah({"rm", "working"});
}
