// What Podman's options for mounts, devices and namespaces become.
#include <sys/mount.h>

#include <filesystem>

#include "support/catch.h"
#include "support/podman.h"

using namespace lxcri::test;
namespace fs = std::filesystem;

namespace {

// They take their time; what they say does not depend on how the cgroups look.
bool in_the_lane_of_podman_options() {
    return environment().layout == CgroupLayout::kV1 && enough_descriptors();
}

// Options, optional fields and type of the mount at this place: "rw,relatime shared:7 - tmpfs".
std::string mount_at(const std::string& mountinfo, const std::string& point) {
    for (const std::string& line : lines_of(mountinfo)) {
        const Strings fields = split(line, ' ');
        if (fields.size() < 9 || fields[4] != point) continue;
        std::string text = fields[5];
        for (std::size_t i = 6; i < fields.size(); ++i) {
            text += " " + fields[i];
            if (fields[i] == "-") return text + " " + fields[i + 1];
        }
    }
    return "none";
}

// "ipc:[4026532405]"
std::string namespace_of(const std::string& output, const std::string& type) {
    for (const std::string& line : lines_of(output)) {
        if (line.starts_with(type + ":[")) return line;
    }
    return "";
}

class Mounted {
  public:
    Mounted(const char* type, const fs::path& source, fs::path point, unsigned long flags)
        : point_(std::move(point)) {
        REQUIRE(::mount(source.c_str(), point_.c_str(), type, flags, nullptr) == 0);
    }
    Mounted(const Mounted&) = delete;
    Mounted& operator=(const Mounted&) = delete;
    ~Mounted() { (void)::umount2(point_.c_str(), MNT_DETACH); }

  private:
    fs::path point_;
};

}  // namespace

TEST_CASE("podman: --volume with ro, rshared, O; --mount of each type", "[podman][mounts]") {
    NEEDS(need_podman());
    APPLIES(in_the_lane_of_podman_options());
    const Podman podman;
    const fs::path source = podman.box() / "volume";
    const fs::path shared = podman.box() / "shared";
    fs::create_directories(source);
    fs::create_directories(shared);
    write_file(source / "file", "from the host\n");
    const Mounted mounted("tmpfs", "none", shared, 0);
    REQUIRE(::mount(nullptr, shared.c_str(), nullptr, MS_SHARED, nullptr) == 0);
    const Finished finished =
        podman.run({"--volume",
                    source.string() + ":/ro:ro",
                    "--volume",
                    source.string() + ":/over:O",
                    "--volume",
                    shared.string() + ":/shared:rshared",
                    "--mount",
                    "type=bind,source=" + source.string() + ",target=/bind,ro",
                    "--mount",
                    "type=tmpfs,target=/tmpfs,tmpfs-size=64k",
                    "--mount",
                    "type=volume,source=named,target=/named",
                    "--mount",
                    "type=devpts,target=/other-pts",
                    "localhost/test",
                    "/probe",
                    "mountinfo",
                    "--",
                    "cat",
                    "/ro/file",
                    "/over/file",
                    "/bind/file",
                    "--",
                    "write",
                    "/ro/new",
                    "x",
                    "--",
                    "write",
                    "/over/new",
                    "x",
                    "--",
                    "write",
                    "/named/new",
                    "x"});
    INFO(finished.err);
    INFO(finished.out);
    CHECK(finished.code() == 1);  // of the write that is refused
    CHECK(mount_at(finished.out, "/ro").starts_with("ro,"));
    CHECK(mount_at(finished.out, "/bind").starts_with("ro,"));
    CHECK(contains(mount_at(finished.out, "/over"), " - overlay"));
    CHECK(contains(mount_at(finished.out, "/shared"), " shared:"));
    CHECK(contains(mount_at(finished.out, "/tmpfs"), " - tmpfs"));
    CHECK(contains(mount_at(finished.out, "/other-pts"), " - devpts"));
    CHECK(contains(mount_at(finished.out, "/named"), "nosuid,nodev"));
    CHECK(contains(finished.out, "from the host\nfrom the host\nfrom the host\n"));
    CHECK(has_line(finished.out, "write /ro/new: EROFS"));
    CHECK(has_line(finished.out, "write /over/new: ok"));
    CHECK(has_line(finished.out, "write /named/new: ok"));
    CHECK(!fs::exists(source / "new"));
}

TEST_CASE("podman: --read-only, --tmpfs, --device, --sysctl, --hostname", "[podman][mounts]") {
    NEEDS(need_podman());
    APPLIES(in_the_lane_of_podman_options());
    const Podman podman;
    const Finished finished = podman.run({"--read-only",
                                          "--tmpfs",
                                          "/scratch:rw,size=64k",
                                          "--device",
                                          "/dev/null:/dev/mine:r",
                                          "--sysctl",
                                          "net.ipv4.ip_forward=1",
                                          "--sysctl",
                                          "kernel.msgmax=9000",
                                          "--hostname",
                                          "inside",
                                          "localhost/test",
                                          "/probe",
                                          "write",
                                          "/new",
                                          "x",
                                          "--",
                                          "write",
                                          "/scratch/new",
                                          "x",
                                          "--",
                                          "write",
                                          "/tmp/new",
                                          "x",
                                          "--",
                                          "stat",
                                          "/dev/mine",
                                          "--",
                                          "hostname",
                                          "--",
                                          "cat",
                                          "/proc/sys/net/ipv4/ip_forward",
                                          "/proc/sys/kernel/msgmax"});
    INFO(finished.err);
    INFO(finished.out);
    CHECK(finished.code() == 1);  // of the write that is refused
    CHECK(has_line(finished.out, "write /new: EROFS"));
    CHECK(has_line(finished.out, "write /scratch/new: ok"));
    CHECK(has_line(finished.out, "write /tmp/new: ok"));
    CHECK(facts_of(finished.out, "/dev/mine").starts_with("char "));
    CHECK(contains(facts_of(finished.out, "/dev/mine"), " 1:3"));
    CHECK(value_of(finished.out, "hostname") == "inside");
    CHECK(contains(finished.out, "\n1\n9000\n"));
}

TEST_CASE("podman: --privileged: the host's devices, nothing hidden", "[podman][mounts]") {
    NEEDS(need_podman());
    APPLIES(in_the_lane_of_podman_options());
    const Podman podman;
    const Finished finished = podman.run({"--privileged", "localhost/test", "/probe", "mountinfo",
                                          "--", "stat", "/dev/kmsg", "--", "mount", "/tmp"});
    INFO(finished.err);
    INFO(finished.out);
    CHECK(finished.code() == 0);
    CHECK(mount_at(finished.out, "/sys").starts_with("rw,"));
    CHECK(mount_at(finished.out, "/proc/kcore") == "none");
    CHECK(mount_at(finished.out, "/proc/sys") == "none");
    CHECK(facts_of(finished.out, "/dev/kmsg").starts_with("char "));
    CHECK(has_line(finished.out, "mount /tmp: ok"));
}

TEST_CASE("podman: --uidmap, --userns=auto", "[podman][userns]") {
    NEEDS(need_podman());
    APPLIES(in_the_lane_of_podman_options());
    const Podman podman;
    Strings command;
    std::string map;
    SECTION("--uidmap") {
        command = {"--uidmap", "0:100000:5000", "--gidmap", "0:200000:5000"};
        map = "0 100000 5000";
    }
    SECTION("--userns=auto") {
        command = {"--userns=auto:size=3000"};
        map = "0 300000 3000";
    }
    // In the mount namespace of the tests alone.
    write_file(podman.box() / "subid", "containers:300000:200000\n");
    const Mounted uids(nullptr, podman.box() / "subid", "/etc/subuid", MS_BIND);
    const Mounted gids(nullptr, podman.box() / "subid", "/etc/subgid", MS_BIND);
    for (const char* word :
         {"localhost/test", "/probe", "cat", "/proc/self/uid_map", "--", "stat", "/probe", "--",
          "write", "/tmp/new", "x", "--", "open", "/dev/null", "rw"}) {
        command.emplace_back(word);
    }
    const Finished finished = podman.run(command);
    INFO(finished.err);
    INFO(finished.out);
    CHECK(finished.code() == 0);
    std::string words;
    for (const std::string& word : split(lines_of(finished.out).at(0), ' ')) {
        if (!word.empty()) words += (words.empty() ? "" : " ") + word;
    }
    CHECK(words == map);
    CHECK(contains(facts_of(finished.out, "/probe"), " 0 0"));
    CHECK(has_line(finished.out, "write /tmp/new: ok"));
    CHECK(has_line(finished.out, "open /dev/null: ok"));
}

TEST_CASE("podman: a pod: its containers share what it says", "[podman][namespaces]") {
    NEEDS(need_podman());
    APPLIES(in_the_lane_of_podman_options());
    const Podman podman;
    const Finished pod =
        podman.call({"pod", "create", "--name", "pod", "--share", "ipc,net,uts,pid",
                     "--infra-image", "localhost/test", "--infra-command", "/probe sleep",
                     "--network", "none", "--hostname", "pod-host"});
    INFO(pod.err);
    REQUIRE(pod.code() == 0);
    const Strings in_pod = {"run", "--pod", "pod", "--security-opt", "seccomp=unconfined"};
    const auto run = [&](Strings flags, const Strings& command) {
        flags.insert(flags.begin(), in_pod.begin(), in_pod.end());
        flags.insert(flags.end(), {"localhost/test", "/probe"});
        flags.insert(flags.end(), command.begin(), command.end());
        const Finished finished = podman.call(flags);
        INFO(finished.err);
        CHECK(finished.code() == 0);
        return finished.out;
    };
    run({"--name", "member", "--detach"}, {"sleep"});
    const std::string second = run({"--rm"}, {"ns", "--", "hostname", "--", "processes"});
    const Finished first = podman.call({"exec", "member", "/probe", "ns"});
    for (const char* type : {"ipc", "net", "uts", "pid"}) {
        CAPTURE(type);
        CHECK(namespace_of(first.out, type) != "");
        CHECK(namespace_of(first.out, type) == namespace_of(second, type));
    }
    CHECK(namespace_of(first.out, "mnt") != namespace_of(second, "mnt"));
    CHECK(value_of(second, "hostname") == "pod-host");
    CHECK(lines_of(second.substr(second.find("\n1 "))).size() >= 3);
    CHECK(podman.call({"pod", "rm", "--force", "-t", "0", "pod"}).code() == 0);
}

TEST_CASE("podman: --network, --pid, --ipc and --uts of another container",
          "[podman][namespaces]") {
    NEEDS(need_podman());
    APPLIES(in_the_lane_of_podman_options());
    const Podman podman;
    podman.start("first", {"--ipc", "shareable", "--hostname", "of-the-first"});
    const Finished first = podman.call({"exec", "first", "/probe", "ns"});
    const Finished second = podman.call({"run", "--rm", "--security-opt", "seccomp=unconfined",
                                         "--network", "container:first", "--pid", "container:first",
                                         "--ipc", "container:first", "--uts", "container:first",
                                         "localhost/test", "/probe", "ns", "--", "hostname"});
    INFO(second.err);
    CHECK(second.code() == 0);
    for (const char* type : {"ipc", "net", "uts", "pid"}) {
        CAPTURE(type);
        CHECK(namespace_of(first.out, type) != "");
        CHECK(namespace_of(first.out, type) == namespace_of(second.out, type));
    }
    CHECK(value_of(second.out, "hostname") == "of-the-first");
}
