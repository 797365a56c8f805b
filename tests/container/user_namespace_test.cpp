// A user namespace that others have made, joined by its path, as the containers of a pod do; and
// what is in a container with a user namespace.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>

#include "hooks.h"
#include "support/catch.h"
#include "support/environment.h"
#include "support/podman.h"
#include "support/runtime.h"

using namespace lxcri::test;
namespace fs = std::filesystem;

namespace {

constexpr unsigned kFirst = 100000;
constexpr unsigned kSize = 65536;

Json mapping(unsigned inside, unsigned outside, unsigned size) {
    return {{"containerID", inside}, {"hostID", outside}, {"size", size}};
}

// An empty list: none.
void set_mappings(Bundle& bundle, const Json& mappings) {
    bundle.linux().erase("uidMappings");
    bundle.linux().erase("gidMappings");
    if (mappings.empty()) return;
    bundle.linux()["uidMappings"] = mappings;
    bundle.linux()["gidMappings"] = mappings;
}

void give_rootfs(const Box& box, unsigned id) {
    for (const auto& entry : fs::recursive_directory_iterator(box.bundle.rootfs())) {
        REQUIRE(lchown(entry.path().c_str(), id, id) == 0);
    }
    REQUIRE(lchown(box.bundle.rootfs().c_str(), id, id) == 0);
}

struct UserBox : Box {
    UserBox() {
        bundle.add_namespace("user");
        set_mappings(bundle, Json::array({mapping(0, kFirst, kSize)}));
        give_rootfs(*this, kFirst);
    }
    void add_device(const Json& device) { bundle.linux()["devices"].push_back(device); }
};

std::string namespace_path(const Container& container, const std::string& kind) {
    return "/proc/" + std::to_string(container.pid()) + "/ns/" + kind;
}

// A pod: a first container with namespaces, of which the others join some.
struct Pod {
    Pod() = default;
    ~Pod() { (void)first.call({"delete", "--force", sandbox.id()}); }
    Pod(const Pod&) = delete;
    Pod& operator=(const Pod&) = delete;

    void join(const std::string& type, const std::string& kind) {
        box.bundle.remove_namespace(type);
        box.bundle.add_namespace(type, namespace_path(sandbox, kind));
    }
    void join_all() {
        join("user", "user");
        join("network", "net");
        join("ipc", "ipc");
        join("uts", "uts");
    }

    UserBox first;
    Container sandbox = first.sleeper();
    UserBox box;
};

std::string name_of_namespace(const std::string& path) {
    return fs::read_symlink(path).string();
}

}  // namespace

TEST_CASE("joined user namespace: a container of a pod", "[userns][joined][not-runc]") {
    NEEDS(need_runtime());
    APPLIES(enough_descriptors());  // the joined namespaces take some
    Pod pod;
    pod.join_all();
    const auto mappings = GENERATE(Json::array(), Json::array({mapping(0, kFirst, kSize)}),
                                   Json::array({mapping(0, 0, 1)}));
    CAPTURE(mappings.dump());
    set_mappings(pod.box.bundle, mappings);
    pod.box.bundle.args({"ids",      "--",       "cat",    "/proc/self/uid_map",
                         "--",       "ns",       "--",     "write",
                         "/tmp/new", "x",        "--",     "stat",
                         "/tmp/new", "/dev/pts", "/probe", "--",
                         "ifaces",   "--",       "trap",   "TERM",
                         "3"});
    Container container = pod.box.create();
    CHECK(container.status() == "created");
    container.start();
    container.out().wait_for("ready");
    const std::string out = container.out().text();
    CHECK(value_of(out, "uid") == "0,0,0");
    CHECK(contains(out, std::to_string(kFirst)));
    CHECK(facts_of(out, "/tmp/new").starts_with("file 0644 0 0"));
    CHECK(facts_of(out, "/dev/pts").starts_with("dir 0755 0 0"));
    CHECK(facts_of(out, "/probe").starts_with("file 0755 0 0"));
    CHECK(has_line(out, "lo up"));
    for (const char* kind : {"user", "net", "ipc", "uts"}) {
        CHECK(has_line(out, name_of_namespace(namespace_path(pod.sandbox, kind))));
    }
    for (const char* kind : {"pid", "mnt"}) {
        CHECK(!has_line(out, name_of_namespace(namespace_path(pod.sandbox, kind))));
    }
    const Finished ids = pod.box.exec(container, {"ids", "--", "write", "/tmp/more", "x"});
    CHECK(ids.code() == 0);
    CHECK(value_of(ids.out, "uid") == "0,0,0");
    struct stat info {};
    REQUIRE(stat(pod.box.bundle.in_rootfs("tmp/more").c_str(), &info) == 0);
    CHECK(info.st_uid == kFirst);
    CHECK(container.status() == "running");
    container.kill("TERM");
    CHECK(container.wait_code() == 3);
    container.remove();
}

TEST_CASE("joined user namespace: as another user, with what mappings are needed for",
          "[userns][joined][not-runc]") {
    NEEDS(need_runtime());
    APPLIES(enough_descriptors());  // the joined namespaces take some
    Pod pod;
    pod.join_all();
    set_mappings(pod.box.bundle, Json::array());
    pod.box.bundle.process()["user"] = {{"uid", 1000}, {"gid", 1001}, {"additionalGids", {5, 6}}};
    pod.box.add_device({{"path", "/dev/one"},
                        {"type", "c"},
                        {"major", 1},
                        {"minor", 3},
                        {"fileMode", 0640},
                        {"uid", 1000},
                        {"gid", 7}});
    const Outcome outcome = pod.box.life({"ids", "--", "stat", "/dev/one", "/dev/null", "--",
                                          "open", "/dev/one", "rw", "--", "hostname"});
    CHECK(value_of(outcome.out, "uid") == "1000,1000,1000");
    CHECK(value_of(outcome.out, "groups") == "5,6");
    if (environment().runtime_name == "lxcri") {
        CHECK(facts_of(outcome.out, "/dev/one").starts_with("char 0640 1000 7 1:3"));
        CHECK(has_line(outcome.out, "open /dev/one: ok"));
    }
    CHECK(value_of(outcome.out, "hostname") == "lxcri-test");
}

TEST_CASE("joined user namespace: other mappings than it has are an error",
          "[userns][joined][lxcri]") {
    NEEDS(need_runtime());
    Pod pod;
    pod.join_all();
    set_mappings(pod.box.bundle, Json::array({mapping(0, 200000, kSize)}));
    const std::string error = pod.box.refusal();
    CHECK(contains(error, "/linux/uidMappings: got \"0 200000 65536\""));
    CHECK(contains(error, "\"0 100000 65536\""));
    set_mappings(pod.box.bundle, Json::array({mapping(0, kFirst, kSize)}));
    pod.box.bundle.linux()["gidMappings"] = Json::array({mapping(0, kFirst, 10)});
    CHECK(contains(pod.box.refusal(), "/linux/gidMappings: got"));
}

TEST_CASE("joined user namespace: other namespaces that do not belong to it",
          "[userns][joined][not-runc]") {
    NEEDS(need_runtime());
    Pod pod;
    Box host;
    const Container other = host.sleeper();
    pod.join("user", "user");
    set_mappings(pod.box.bundle, Json::array());
    pod.box.bundle.remove_namespace("network");
    pod.box.bundle.add_namespace("network", namespace_path(other, "net"));
    pod.box.bundle.remove_mount("/sys/fs/cgroup");
    const std::string text = pod.box.life({"ns", "--", "ids"}).out;
    CHECK(has_line(text, name_of_namespace(namespace_path(other, "net"))));
    CHECK(has_line(text, name_of_namespace(namespace_path(pod.sandbox, "user"))));
    CHECK(value_of(text, "uid") == "0,0,0");
    (void)host.call({"delete", "--force", other.id()});
}

TEST_CASE("joined user namespace: that of the runtime is no user namespace",
          "[userns][joined][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    const std::string own = "/proc/" + std::to_string(getpid()) + "/ns/user";
    box.bundle.add_namespace("user", own);
    set_mappings(box.bundle, Json::array({mapping(0, 0, 1)}));  // Podman with --userns=container:X
    CHECK(has_line(box.life({"ns"}).out, name_of_namespace(own)));
    set_mappings(box.bundle, Json::array({mapping(0, kFirst, kSize)}));
    CHECK(contains(box.refusal(), "/linux/uidMappings: got"));
}

TEST_CASE("joined user namespace: the host's mount namespace cannot be used in it",
          "[userns][joined][lxcri]") {
    NEEDS(need_runtime());
    Pod pod;
    pod.join("user", "user");
    set_mappings(pod.box.bundle, Json::array());
    pod.box.bundle.remove_namespace("mount");
    CHECK(contains(pod.box.refusal(), "must belong to the container's user namespace"));
}

// Who is root of the user namespace has CAP_SYS_PTRACE there, and sees what sets another container
// up where they share the pid namespace. Nothing of the host may be had from that.
TEST_CASE("joined user namespace: those in it cannot get at a container that is being made",
          "[userns][joined][hostile][not-runc]") {
    NEEDS(need_runtime());
    UserBox first;
    for (const char* set : {"bounding", "effective", "permitted"}) {
        first.bundle.process()["capabilities"][set] = {"CAP_SYS_PTRACE", "CAP_DAC_OVERRIDE",
                                                       "CAP_DAC_READ_SEARCH"};
    }
    const Container sandbox = first.sleeper();
    UserBox box;
    for (const char* type : {"user", "pid"}) {
        box.bundle.remove_namespace(type);
        box.bundle.add_namespace(type, namespace_path(sandbox, type));
    }
    set_mappings(box.bundle, Json::array());
    // While the hook waits liblxc's child is root of the user namespace, with the host's files.
    REQUIRE(mkfifo((box / "fifo").c_str(), 0600) == 0);
    box.bundle.config["hooks"]["createRuntime"] =
        Json::array({hook({"cat", (box / "fifo").string()})});
    box.bundle.args({"true"});
    box.bundle.write();
    const std::string id = box.new_id();
    Process create(box.command_line({"create", "--bundle", box.bundle.path(), id}));
    lxcri::os::UniqueFd fifo;
    const auto begin = std::chrono::steady_clock::now();
    while (!fifo.valid()) {  // until the hook reads from it
        REQUIRE(milliseconds_left(begin, kDeadline) > 0);
        fifo.reset(open((box / "fifo").c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
    }
    int tried = 0;
    for (const std::string& name : lines_of(first.exec(sandbox, {"ls", "/proc"}).out)) {
        if (name.find_first_not_of("0123456789") != std::string::npos || name == "1") continue;
        const std::string directory = "/proc/" + name;
        const std::string out = first
                                    .exec(sandbox, {"readlink", directory + "/root", "--", "open",
                                                    directory + "/mem", "rw"})
                                    .out;
        CAPTURE(out, directory);
        CHECK(!contains(out, "-> "));
        CHECK(!contains(out, ": ok"));
        if (contains(out, "EACCES") || contains(out, "EPERM")) ++tried;
    }
    CHECK(tried > 0);
    fifo.reset();
    (void)create.wait_exit_only();
    (void)box.call({"delete", "--force", id});
    (void)first.call({"delete", "--force", sandbox.id()});
}

// --- devices ---------------------------------------------------------------------------------

TEST_CASE("user namespace: devices have the properties that are asked for",
          "[userns][devices][lxcri]") {
    NEEDS(need_runtime());
    UserBox box;
    box.add_device({{"path", "/dev/foo"}, {"type", "c"}, {"major", 1}, {"minor", 8}});
    box.add_device({{"path", "/dev/kmsg"},
                    {"type", "c"},
                    {"major", 1},
                    {"minor", 11},
                    {"fileMode", 0600},
                    {"uid", 5},
                    {"gid", 6}});
    box.add_device({{"path", "/dev/sub/foo"},
                    {"type", "b"},
                    {"major", 7},
                    {"minor", 250},
                    {"fileMode", 0660}});
    box.add_device({{"path", "/dev/pipe"}, {"type", "p"}, {"fileMode", 0640}, {"uid", 7}});
    // As an engine writes it that sees the host's devices without their owner.
    box.add_device({{"path", "/dev/bar"},
                    {"type", "c"},
                    {"major", 1},
                    {"minor", 3},
                    {"uid", 65534},
                    {"gid", 65534}});
    struct stat before {};
    struct stat after {};
    REQUIRE(stat("/dev/null", &before) == 0);
    const Outcome outcome =
        box.life({"stat", "/dev/null", "/dev/foo", "/dev/kmsg", "/dev/sub/foo", "/dev/pipe",
                  "/dev/bar", "--", "open", "/dev/foo", "--", "open", "/dev/null", "rw"});
    CHECK(facts_of(outcome.out, "/dev/null").starts_with("char 0666 0 0 1:3"));
    CHECK(facts_of(outcome.out, "/dev/foo").starts_with("char 0666 0 0 1:8"));
    CHECK(facts_of(outcome.out, "/dev/kmsg").starts_with("char 0600 5 6 1:11"));
    CHECK(facts_of(outcome.out, "/dev/sub/foo").starts_with("block 0660 0 0 7:250"));
    CHECK(facts_of(outcome.out, "/dev/pipe").starts_with("fifo 0640 7 0"));
    CHECK(facts_of(outcome.out, "/dev/bar").starts_with("char 0666 65534 65534 1:3"));
    CHECK(has_line(outcome.out, "open /dev/foo: ok"));
    CHECK(has_line(outcome.out, "open /dev/null: ok"));
    REQUIRE(stat("/dev/null", &after) == 0);
    CHECK(after.st_uid == before.st_uid);
}

TEST_CASE("user namespace: nothing of what devices are made from stays in sight",
          "[userns][devices]") {
    NEEDS(need_runtime());
    UserBox box;
    const std::string out = box.life({"cat", "/proc/self/mountinfo", "--", "ls", "/dev"}).out;
    for (const std::string& line : lines_of(out)) {
        const Strings fields = split(line, ' ');
        if (fields.size() > 8) CHECK(!contains(fields[3], "//deleted"));
    }
    CHECK(!has_line(out, "0"));
}

TEST_CASE("user namespace: a device's owner that is not mapped is an error",
          "[userns][devices][lxcri]") {
    NEEDS(need_runtime());
    UserBox box;
    box.add_device(
        {{"path", "/dev/foo"}, {"type", "c"}, {"major", 1}, {"minor", 8}, {"uid", 70000}});
    CHECK(contains(box.refusal(), "/linux/devices/0/uid: got 70000"));
}

// --- filesystems that show a namespace of others -----------------------------------------------

TEST_CASE("user namespace: sysctls with the host's pid namespace", "[userns][sysctl]") {
    NEEDS(need_runtime());
    UserBox box;
    box.bundle.remove_namespace("pid");
    box.bundle.remove_mount("/proc");
    box.bundle.add_mount({{"destination", "/proc"},
                          {"type", "bind"},
                          {"source", "/proc"},
                          {"options", {"rbind", "nosuid", "nodev", "noexec"}}});
    // Podman's default.
    box.bundle.linux()["sysctl"] = {{"net.ipv4.ping_group_range", "0 0"}};
    const std::string out = box.life({"cat", "/proc/sys/net/ipv4/ping_group_range"}).out;
    CHECK(split(lines_of(out).at(0), '\t') == Strings{"0", "0"});
}

TEST_CASE("user namespace: namespaces of others, and the filesystems that show them",
          "[userns][not-runc]") {
    NEEDS(need_runtime());
    APPLIES(enough_descriptors());  // the joined namespaces take some
    Box host;
    const Container other = host.sleeper();
    UserBox box;
    const std::pair<std::string, std::string> kinds[] = {
        {"pid", "pid"}, {"ipc", "ipc"}, {"network", "net"}};
    for (const auto& [type, kind] : kinds) {
        box.bundle.remove_namespace(type);
        box.bundle.add_namespace(type, namespace_path(other, kind));
    }
    const std::string out =
        box.life({"ns", "--", "cat", "/proc/1/cmdline", "--", "cat", "/proc/self/mountinfo", "--",
                  "ls", "/sys/class/net", "--", "write", "/proc/sys/kernel/msgmax", "1"})
            .out;
    for (const auto& [type, kind] : kinds) {
        CHECK(has_line(out, name_of_namespace(namespace_path(other, kind))));
    }
    CHECK(contains(out, "sleep"));
    CHECK(contains(out, " - mqueue "));
    CHECK(has_line(out, "lo"));
    CHECK(!contains(out, "msgmax: ok"));
    (void)host.call({"delete", "--force", other.id()});
}

TEST_CASE("user namespace: the host's pid namespace, and no /proc", "[userns][lxcri]") {
    NEEDS(need_runtime());
    UserBox box;
    box.bundle.remove_namespace("pid");
    box.bundle.remove_mount("/proc");
    box.bundle.linux().erase("maskedPaths");
    box.bundle.linux().erase("readonlyPaths");
    box.bundle.linux()["sysctl"] = {{"net.ipv4.ping_group_range", "0 0"}};
    const std::string out = box.life({"ids", "--", "ls", "/proc"}).out;
    CHECK(value_of(out, "uid") == "0,0,0");
    CHECK(!has_line(out, "self"));
}

// --- Podman -----------------------------------------------------------------------------------

TEST_CASE("podman: containers that share a user namespace", "[userns][podman]") {
    NEEDS(need_podman());
    const Podman podman;
    const Strings map = {"--uidmap", "0:100000:65536", "--gidmap", "0:100000:65536"};
    podman.start("first", map);
    const Strings words = {"localhost/test", "/probe", "ids", "--", "cat", "/proc/self/uid_map"};
    const auto joined = [&](const Strings& flags) {
        Strings arguments = {"run", "--rm", "--userns", "container:first"};
        arguments.insert(arguments.end(), flags.begin(), flags.end());
        arguments.insert(arguments.end(), words.begin(), words.end());
        const Finished finished = podman.call(arguments);
        INFO(finished.err);
        CHECK(finished.code() == 0);
        CHECK(value_of(finished.out, "uid") == "0,0,0");
        CHECK(contains(finished.out, "100000"));
    };
    joined({"--network", "none"});
    joined({"--network", "container:first", "--ipc", "container:first"});
    CHECK(podman.call({"exec", "first", "/probe", "ids"}).code() == 0);
}

TEST_CASE("podman: --userns=container:X where X has the host's", "[userns][podman]") {
    NEEDS(need_podman());
    const Podman podman;
    podman.start("first");
    const Finished finished =
        podman.run({"--userns", "container:first", "localhost/test", "/probe", "ids"});
    INFO(finished.err);
    CHECK(value_of(finished.out, "uid") == "0,0,0");
}

TEST_CASE("podman: a pod with a user namespace", "[userns][podman]") {
    NEEDS(need_podman());
    APPLIES(enough_descriptors());  // the joined namespaces take some
    const Podman podman;
    const auto call = [&](const Strings& arguments) {
        const Finished finished = podman.call(arguments);
        INFO(finished.err);
        CHECK(finished.code() == 0);
        return finished.out;
    };
    call({"import", "-q", "--change", R"(CMD ["/probe","sleep"])", podman.box() / "image.tar",
          "localhost/pause"});
    call({"pod", "create", "--name", "pod", "--network", "none", "--uidmap", "0:100000:65536",
          "--gidmap", "0:100000:65536", "--infra-image", "localhost/pause"});
    const std::string out =
        call({"run", "--rm", "--pod", "pod", "localhost/test", "/probe", "ids", "--", "cat",
              "/proc/self/uid_map", "--", "write", "/tmp/new", "x", "--", "stat", "/tmp/new"});
    CHECK(value_of(out, "uid") == "0,0,0");
    CHECK(contains(out, "100000"));
    CHECK(facts_of(out, "/tmp/new").starts_with("file 0644 0 0"));
    call({"run", "-d", "--name", "second", "--pod", "pod", "localhost/test", "/probe", "sleep"});
    CHECK(value_of(call({"exec", "second", "/probe", "ids"}), "uid") == "0,0,0");
    // Podman 4.3 itself may find /dev/shm busy, with crun too: its clean-up runs at the same time.
    (void)podman.call({"pod", "rm", "--force", "--time", "0", "pod"});
    call({"pod", "rm", "--force", "--ignore", "--time", "0", "pod"});
}
