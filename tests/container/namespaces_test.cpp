// linux.namespaces: new ones, joined ones, wrong ones; loopback.
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "support/catch.h"
#include "support/environment.h"
#include "support/runtime.h"

using namespace lxcri::test;
namespace fs = std::filesystem;

namespace {

std::string own_namespace(const std::string& kind) {
    return fs::read_symlink("/proc/self/ns/" + kind);
}

// A sleeping process with the namespaces of `unshare FLAGS`, there when this returns.
class Holder {
  public:
    explicit Holder(const Strings& flags) : process_(command(flags)) {
        process_.out().wait_for("ready");
    }
    std::string path(const std::string& kind) const {
        return "/proc/" + std::to_string(process_.pid()) + "/ns/" + kind;
    }

  private:
    static Strings command(const Strings& flags) {
        Strings result = {"/usr/bin/unshare"};
        result.insert(result.end(), flags.begin(), flags.end());
        for (const std::string& word : {environment().probe.string(), std::string("trap"),
                                        std::string("TERM"), std::string("0")}) {
            result.push_back(word);
        }
        return result;
    }
    Process process_;
};

}  // namespace

TEST_CASE("namespaces: each listed one is new, the others are the caller's", "[namespaces]") {
    NEEDS(need_runtime());
    Box box;
    const std::string type = GENERATE(as<std::string>(), "pid", "network", "ipc", "uts", "cgroup");
    CAPTURE(type);
    for (const char* other : {"pid", "network", "ipc", "uts", "cgroup"}) {
        if (other != type) box.bundle.remove_namespace(other);
    }
    if (type != "uts") box.bundle.config.erase("hostname");
    // Without a network namespace of its own a container may not mount sysfs; bind it instead.
    box.bundle.remove_mount("/sys").remove_mount("/sys/fs/cgroup").remove_mount("/dev/mqueue");
    const std::string text = box.life({"ns"}).out;
    const std::pair<const char*, const char*> kinds[] = {
        {"pid", "pid"}, {"network", "net"}, {"ipc", "ipc"}, {"uts", "uts"}, {"cgroup", "cgroup"}};
    for (const auto& [name, kind] : kinds) {
        CAPTURE(kind, text);
        CHECK(has_line(text, own_namespace(kind)) == (name != type));
    }
    CHECK(!has_line(text, own_namespace("mnt")));
    CHECK(has_line(text, own_namespace("user")));
}

TEST_CASE("namespaces: by path the container joins that one", "[namespaces]") {
    NEEDS(need_runtime());
    const std::pair<std::string, std::string> kind =
        GENERATE(std::pair<std::string, std::string>{"network", "net"},
                 std::pair<std::string, std::string>{"ipc", "ipc"},
                 std::pair<std::string, std::string>{"uts", "uts"});
    CAPTURE(kind.first);
    Holder holder({"--net", "--ipc", "--uts"});
    Box box;
    box.bundle.add_namespace(kind.first, holder.path(kind.second));
    if (kind.first == "uts") box.bundle.config.erase("hostname");
    const std::string text = box.life({"ns"}).out;
    CHECK(has_line(text, fs::read_symlink(holder.path(kind.second)).string()));
}

TEST_CASE("namespaces: several by path at once", "[namespaces]") {
    NEEDS(need_runtime());
    Holder holder({"--net", "--ipc", "--uts"});
    Box box;
    box.bundle.config.erase("hostname");
    box.bundle.add_namespace("network", holder.path("net"))
        .add_namespace("ipc", holder.path("ipc"))
        .add_namespace("uts", holder.path("uts"));
    const std::string text = box.life({"ns"}).out;
    for (const char* kind : {"net", "ipc", "uts"}) {
        CAPTURE(kind);
        CHECK(has_line(text, fs::read_symlink(holder.path(kind)).string()));
    }
}

TEST_CASE("namespaces: a pid namespace by path: the container is a process in it", "[namespaces]") {
    NEEDS(need_runtime());
    Box first;
    first.bundle.args({"trap", "TERM", "0"});
    Container holder = first.create();
    holder.start();
    holder.out().wait_for("ready");
    Box second;
    second.bundle.add_namespace("pid", "/proc/" + std::to_string(holder.pid()) + "/ns/pid");
    const Outcome outcome = second.life({"pid", "--", "processes"});
    CHECK(!contains(outcome.out, "pid=1 "));
    CHECK(has_line(outcome.out, "1 probe"));
    CHECK(holder.status() == "running");
}

TEST_CASE("namespaces: a container can join another one's as a pod does", "[namespaces]") {
    NEEDS(need_runtime());
    Box first;
    first.bundle.args({"trap", "TERM", "0"});
    Container pause = first.create();
    pause.start();
    pause.out().wait_for("ready");
    const std::string base = "/proc/" + std::to_string(pause.pid()) + "/ns/";
    Box second;
    second.bundle.config.erase("hostname");
    second.bundle.add_namespace("network", base + "net")
        .add_namespace("ipc", base + "ipc")
        .add_namespace("uts", base + "uts");
    const Outcome outcome = second.life({"hostname", "--", "ns"});
    CHECK(value_of(outcome.out, "hostname") == "lxcri-test");
    CHECK(has_line(outcome.out, fs::read_symlink(base + "net").string()));
}

TEST_CASE("namespaces: a namespace file held by a bind mount works", "[namespaces]") {
    NEEDS(need_runtime());
    Box box;
    write_file(box / "netns", "");
    {
        Holder holder({"--net"});
        REQUIRE(run_command({"/bin/mount", "--bind", holder.path("net"), box / "netns"}).code() ==
                0);
    }
    box.bundle.add_namespace("network", (box / "netns").string());
    CHECK(box.life({"ifaces"}).out == "lo down\n");
    CHECK(run_command({"/bin/umount", box / "netns"}).code() == 0);
}

TEST_CASE("namespaces: a path of another type is an error", "[namespaces][not-crun]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.config.erase("hostname");
    const std::pair<std::string, std::string> wrong =
        GENERATE(std::pair<std::string, std::string>{"network", "/proc/self/ns/ipc"},
                 std::pair<std::string, std::string>{"ipc", "/proc/self/ns/uts"},
                 std::pair<std::string, std::string>{"uts", "/proc/self/ns/net"});
    CAPTURE(wrong.first);
    box.bundle.add_namespace(wrong.first, wrong.second);
    Container container = box.try_create();
    CHECK(container.created.code() != 0);
    CHECK(container.created.err != "");
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("namespaces: a path that is no namespace is an error", "[namespaces]") {
    NEEDS(need_runtime());
    Box box;
    const std::string path =
        GENERATE(as<std::string>(), "/not/there", "/etc/passwd", "/proc", "/dev/null");
    CAPTURE(path);
    box.bundle.add_namespace("network", path);
    Container container = box.try_create();
    CHECK(container.created.code() != 0);
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("namespaces: an unknown type or one twice is an error", "[namespaces][not-crun]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.linux()["namespaces"].push_back(
        {{"type", GENERATE(as<std::string>(), "nosuch", "pid", "network", "")}});
    Container container = box.try_create();
    CHECK(container.created.code() != 0);
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("network: loopback is up in a new namespace", "[namespaces][network]") {
    NEEDS(need_runtime());
    Box box;
    const Outcome outcome = box.life({"ifaces", "--", "ping-self"});
    CHECK(has_line(outcome.out, "lo up"));
    CHECK(has_line(outcome.out, "ping-self: ok"));
}

TEST_CASE("network: a joined namespace is left as it is", "[namespaces][network]") {
    NEEDS(need_runtime());
    Holder holder({"--net"});
    Box box;
    box.bundle.add_namespace("network", holder.path("net"));
    CHECK(has_line(box.life({"ifaces"}).out, "lo down"));
}

// --- user namespace --------------------------------------------------------------------------

namespace {

void map_ids(Box& box, unsigned host_id = 100000, unsigned size = 65536) {
    box.bundle.add_namespace("user");
    const Json mapping = {{{"containerID", 0}, {"hostID", host_id}, {"size", size}}};
    box.bundle.linux()["uidMappings"] = mapping;
    box.bundle.linux()["gidMappings"] = mapping;
    // The root filesystem belongs to the container's root.
    for (const auto& entry : fs::recursive_directory_iterator(box.bundle.rootfs())) {
        REQUIRE(lchown(entry.path().c_str(), host_id, host_id) == 0);
    }
    REQUIRE(lchown(box.bundle.rootfs().c_str(), host_id, host_id) == 0);
}

}  // namespace

TEST_CASE("user namespace: root inside is the mapped user outside", "[userns]") {
    NEEDS(need_runtime());
    Box box;
    map_ids(box);
    box.bundle.args({"ids", "--", "cat", "/proc/self/uid_map", "/proc/self/gid_map", "--", "write",
                     "/tmp/new", "x", "--", "stat", "/tmp/new", "/probe"});
    const Outcome outcome = box.life();
    CHECK(value_of(outcome.out, "uid") == "0,0,0");
    CHECK(value_of(outcome.out, "gid") == "0,0,0");
    CHECK(facts_of(outcome.out, "/tmp/new").starts_with("file 0644 0 0"));
    CHECK(facts_of(outcome.out, "/probe").starts_with("file 0755 0 0"));
    struct stat info {};
    REQUIRE(stat(box.bundle.in_rootfs("tmp/new").c_str(), &info) == 0);
    CHECK(info.st_uid == 100000);
    for (const std::string& line : lines_of(outcome.out)) {
        const Strings words = split(line, ' ');
        if (words.size() == 3 && words[1] == "100000") CHECK(words[2] == "65536");
    }
}

TEST_CASE("user namespace: all the other properties work in it too", "[userns]") {
    NEEDS(need_runtime());
    Box box;
    map_ids(box);
    box.bundle.process()["user"] = {{"uid", 1000}, {"gid", 1001}, {"additionalGids", {5, 6}}};
    box.bundle.process()["cwd"] = "/work/folder";
    const Outcome outcome =
        box.life({"ids", "--", "cwd", "--", "hostname", "--", "fds", "--", "open", "/dev/null",
                  "rw", "--", "ifaces", "--", "caps", "--", "stat", "/dev/null"});
    CHECK(outcome.code == 0);
    CHECK(value_of(outcome.out, "uid") == "1000,1000,1000");
    CHECK(value_of(outcome.out, "gid") == "1001,1001,1001");
    CHECK(value_of(outcome.out, "groups") == "5,6");
    CHECK(has_line(outcome.out, "/work/folder"));
    CHECK(value_of(outcome.out, "hostname") == "lxcri-test");
    CHECK(has_line(outcome.out, "open /dev/null: ok"));
    CHECK(has_line(outcome.out, "lo up"));
    CHECK(contains(facts_of(outcome.out, "/dev/null"), " 1:3 "));
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("user namespace: the process is that user for the machine", "[userns]") {
    NEEDS(need_runtime());
    Box box;
    map_ids(box);
    box.bundle.process()["user"] = {{"uid", 7}, {"gid", 8}};
    box.bundle.args({"trap", "TERM", "0"});
    Container container = box.create();
    container.start();
    container.out().wait_for("ready");
    const std::string status = read_file("/proc/" + std::to_string(container.pid()) + "/status");
    CHECK(line_after(status, "Uid:").starts_with("100007"));
    CHECK(line_after(status, "Gid:").starts_with("100008"));
}

TEST_CASE("user namespace: without mappings it is an error", "[userns][not-crun]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.add_namespace("user");
    Container container = box.try_create();
    CHECK(container.created.code() != 0);
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("user namespace: mappings without the namespace are an error",
          "[userns][not-crun][not-runc]") {
    NEEDS(need_runtime());
    Box box;
    const Json mapping = {{{"containerID", 0}, {"hostID", 100000}, {"size", 65536}}};
    box.bundle.linux()["uidMappings"] = mapping;
    box.bundle.linux()["gidMappings"] = mapping;
    (void)box.refusal();
}

TEST_CASE("user namespace: a mapping that the kernel refuses is an error", "[userns]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.add_namespace("user");
    box.bundle.linux()["uidMappings"] = Json::parse(R"([
        {"containerID": 0, "hostID": 100000, "size": 10},
        {"containerID": 5, "hostID": 200000, "size": 10}])");
    box.bundle.linux()["gidMappings"] = box.bundle.linux()["uidMappings"];
    Container container = box.try_create();
    CHECK(container.created.code() != 0);
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("timeOffsets: both clocks, with seconds and nanoseconds", "[namespaces][not-crun]") {
    NEEDS(need_runtime());
    if (environment().runtime_name == "runc") return;  // Debian's has no time namespaces
    Box box;
    box.bundle.add_namespace("time");
    box.bundle.linux()["timeOffsets"] = {{"monotonic", {{"secs", 86400}, {"nanosecs", 5}}},
                                         {"boottime", {{"secs", 172800}}}};
    box.bundle.args({"cat", "/proc/self/timens_offsets"});
    const std::string out = box.life().out;
    const auto fields = [&](const std::string& clock) {
        return split(line_after(out, clock), ' ');
    };
    CHECK(fields("monotonic") == Strings{"86400", "5"});
    CHECK(fields("boottime") == Strings{"172800", "0"});
    Container container = box.sleeper();
    const auto name = [](const std::string& pid) {
        return std::filesystem::read_symlink("/proc/" + pid + "/ns/time").string();
    };
    CHECK(name(std::to_string(container.pid())) != name("self"));
    CHECK(has_line(box.exec(container, {"ns"}).out, name(std::to_string(container.pid()))));
    container.kill();
    container.wait();
    container.remove();
}

TEST_CASE("timeOffsets: backwards, and one that the kernel refuses", "[namespaces][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.add_namespace("time");
    box.bundle.linux()["timeOffsets"] = {{"monotonic", {{"secs", -5}}}};
    box.bundle.args({"cat", "/proc/self/timens_offsets"});
    CHECK(split(line_after(box.life().out, "monotonic"), ' ') == Strings{"-5", "0"});
    box.bundle.linux()["timeOffsets"] = {{"monotonic", {{"secs", -1000000000}}}};
    CHECK(contains(box.refusal(), "/linux/timeOffsets"));
}
