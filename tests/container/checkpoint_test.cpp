// checkpoint and restore, with the real CRIU: in the virtual machine, and where CRIU knows the
// kernel.
#include <fcntl.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>

#include "support/catch.h"
#include "support/cgroup_options.h"
#include "support/environment.h"
#include "support/loaded_profile.h"
#include "support/network.h"
#include "support/podman.h"
#include "support/runtime.h"
#include "support/sockets.h"
#include "support/terminal.h"
#include "support/tracer.h"

using namespace lxcri::test;
namespace fs = std::filesystem;

namespace {

long last_number(const std::string& text) {
    const auto end = text.rfind('\n');
    if (end == std::string::npos || end == 0) return 0;
    const auto begin = text.rfind('\n', end - 1);
    return std::stol(text.substr(begin == std::string::npos ? 0 : begin + 1));
}

// A container that counts, and the directories of its checkpoints.
struct CountingBox : Box {
    const CgroupOptions cgroup_options;
    Strings global_flags;  // of checkpoint and restore

    CountingBox() {
        bundle.args({"count"});
        if (is_virtual_machine()) bundle.process()["noNewPrivileges"] = false;  // CRIU 3.17
    }

    fs::path images(const std::string& name = "images") const { return *this / name; }

    Container counter(const CreateOptions& options = {}) {
        Container container = create(options);
        container.start();
        container.out().wait_for("\n3\n");
        return container;
    }

    Finished checkpoint(const std::string& id, const Strings& flags = {},
                        const std::string& name = "images") {
        Strings line{"checkpoint", "--image-path", images(name)};
        line.insert(line.end(), flags.begin(), flags.end());
        line.push_back(id);
        line.insert(line.begin(), global_flags.begin(), global_flags.end());
        return call(line);
    }

    // With `stream` as its stdout and stderr.
    Finished restore(const std::string& id, Stream& stream, const Strings& flags = {},
                     const std::string& name = "images") {
        Strings line{"restore",  "--detach",    "--image-path", images(name),
                     "--bundle", bundle.path(), "--pid-file",   *this / "restored.pid"};
        line.insert(line.end(), flags.begin(), flags.end());
        line.push_back(id);
        line.insert(line.begin(), global_flags.begin(), global_flags.end());
        clean_up_id(id);
        CommandOptions options;
        options.fds = {{stream.write_end(), 1}, {stream.write_end(), 2}};
        Finished result = call(line, options);
        if (result.code() != 0) {
            stream.take();
            result.err = stream.text();
        }
        return result;
    }

    pid_t restored_pid() const { return std::stoi(read_file(*this / "restored.pid")); }
    std::string status_of(const std::string& id) const {
        return Json::parse(call({"state", id}).out).at("status");
    }
};

#define CHECKPOINT_SUCCEEDS(expression)                  \
    do {                                                 \
        const Finished result_ = (expression);           \
        INFO("it said: " << result_.err << result_.out); \
        REQUIRE(result_.code() == 0);                    \
    } while (false)

// The ID of a container that has been written to `images`, and has ended.
std::string checkpoint_counter(CountingBox& box, const CreateOptions& options = {}) {
    Container container = box.counter(options);
    CHECKPOINT_SUCCEEDS(box.checkpoint(container.id()));
    container.wait();
    return container.id();
}

// To a server on the loopback device. It answers within the tests' deadline or the test fails.
class Connection {
  public:
    explicit Connection(std::uint16_t port)
        : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        const timeval limit{20, 0};
        REQUIRE(::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == 0);
        REQUIRE(::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address),
                          sizeof address) == 0);
    }
    void say(const std::string& text) const {
        REQUIRE(::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL) ==
                static_cast<ssize_t>(text.size()));
    }
    std::string hear() const {
        std::string text(512, '\0');
        const ssize_t size = ::recv(socket_.get(), text.data(), text.size(), 0);
        text.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
        return text;
    }
    std::string echo(const std::string& text) const {
        say(text);
        return hear();
    }

  private:
    UniqueFd socket_;
};

std::uintmax_t size_of_pages(const fs::path& directory) {
    std::uintmax_t size = 0;
    for (const auto& entry : fs::directory_iterator(directory)) {
        if (contains(entry.path().filename().string(), "pages-")) size += entry.file_size();
    }
    return size;
}

bool has_sys_resource() {
    return ::prctl(PR_CAPBSET_READ, CAP_SYS_RESOURCE) == 1;
}

// What `criu lazy-pages` needs for its pipes.
bool may_make_large_pipes() {
    return has_sys_resource() || std::stoul(read_file("/proc/sys/fs/pipe-max-size")) >= 4U << 20U;
}

// The tests may not write to the machine's /etc: an overlay on it, for one test.
class OwnEtc {
  public:
    OwnEtc() {
        fs::create_directories(directory_ / "upper");
        fs::create_directories(directory_ / "work");
        const std::string options = "lowerdir=/etc,upperdir=" + (directory_ / "upper").string() +
                                    ",workdir=" + (directory_ / "work").string();
        REQUIRE(mount("overlay", "/etc", "overlay", 0, options.c_str()) == 0);
    }
    OwnEtc(const OwnEtc&) = delete;
    OwnEtc& operator=(const OwnEtc&) = delete;
    ~OwnEtc() { (void)umount2("/etc", MNT_DETACH); }

  private:
    const TempDir directory_;
};

// Without the numbers of mounts and devices, sorted.
Strings mounts_of(pid_t pid) {
    Strings mounts;
    for (const auto& line : lines_of(read_file("/proc/" + std::to_string(pid) + "/mountinfo"))) {
        Strings words;
        for (std::size_t begin = 0; begin < line.size();) {
            const auto end = std::min(line.find(' ', begin), line.size());
            words.push_back(line.substr(begin, end - begin));
            begin = end + 1;
        }
        mounts.push_back(words[3] + " " + words[4] + " " + words[5]);
    }
    std::sort(mounts.begin(), mounts.end());
    return mounts;
}

}  // namespace

TEST_CASE("checkpoint: the process goes on where it was, as the same container",
          "[checkpoint][vm][lxcri]") {
    NEEDS(need_runtime());
    APPLIES(has_working_criu());
    CountingBox box;
    fs::create_directories(box / "data");
    box.bundle.add_mount({{"destination", "/data"},
                          {"type", "bind"},
                          {"source", box / "data"},
                          {"options", {"rbind", "ro", "nosuid"}}});
    // More of the same filesystem, with the same attributes: CRIU alone restores these as rw.
    write_file(box / "file", "text");
    for (const char* name : {"file", "bundle"}) {
        box.bundle.add_mount({{"destination", std::string("/") + name},
                              {"type", "bind"},
                              {"source", box / name},
                              {"options", {"bind", "ro", "nosuid"}}});
    }
    Container container = box.counter();
    const std::string id = container.id();
    CHECK(box.exec(container, {"write", "/dev/shm/kept", "text"}).code() == 0);
    const Strings mounts = mounts_of(container.pid());
    CHECKPOINT_SUCCEEDS(box.checkpoint(id));
    const long last = last_number(container.out().wait_for_end());
    CHECK(last >= 3);
    CHECK(container.wait_code() == -SIGKILL);
    CHECK(contains(box.call({"state", id}).err, "does not exist"));

    Stream stream;
    CHECKPOINT_SUCCEEDS(box.restore(id, stream));
    stream.close_write_end();
    stream.wait_for("\n" + std::to_string(last + 3) + "\n");
    CHECK(stream.text().starts_with(std::to_string(last + 1) + "\n"));
    const pid_t pid = box.restored_pid();
    CHECK(Json::parse(box.call({"state", id}).out).at("pid") == pid);
    CHECK(box.status_of(id) == "running");
    CHECK(parent_of(pid) == getpid());
    CHECK(mounts_of(pid) == mounts);
    // Everything else works as with a container that was created.
    const Finished inside = box.call({"exec", id, "/probe", "cat", "/dev/shm/kept"});
    CHECK(contains(inside.out, "text"));
    CHECK(box.call({"pause", id}).code() == 0);
    CHECK(box.status_of(id) == "paused");
    CHECK(box.call({"resume", id}).code() == 0);
    CHECK(box.call({"kill", id, "KILL"}).code() == 0);
    CHECK(wait_for_child(pid) == SIGKILL);
    CHECK(box.call({"delete", id}).code() == 0);
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("checkpoint: processes, threads, and what they may do", "[checkpoint][vm][lxcri]") {
    NEEDS(need_runtime());
    APPLIES(has_working_criu());
    CountingBox box;
    box.bundle.args({"spawn", "3", "--", "threads", "2", "--", "count"});
    // Without this capability CRIU does not see the limits of other users' processes.
    if (has_sys_resource()) box.bundle.process()["user"] = {{"uid", 1000}, {"gid", 1001}};
    box.bundle.process()["user"]["additionalGids"] = {5, 7};
    box.bundle.process()["capabilities"] = default_capabilities();
    box.bundle.process()["oomScoreAdj"] = 500;
    box.bundle.process()["rlimits"] =
        Json::array({{{"type", "RLIMIT_NOFILE"}, {"soft", 200}, {"hard", 300}},
                     {{"type", "RLIMIT_CORE"}, {"soft", 0}, {"hard", 0}}});
    box.bundle.linux()["seccomp"] = {
        {"defaultAction", "SCMP_ACT_ALLOW"},
        {"syscalls", Json::array({{{"names", {"mkdir"}}, {"action", "SCMP_ACT_ERRNO"}}})}};
    std::optional<LoadedProfile> profile;
    if (is_virtual_machine()) {  // it has AppArmor
        profile.emplace(box / "");
        box.bundle.process()["apparmorProfile"] = LoadedProfile::kName;
    }
    const auto facts = [&](pid_t pid) {
        const std::string proc = "/proc/" + std::to_string(pid) + "/";
        std::string text = read_file(proc + "limits") + read_file(proc + "oom_score_adj") +
                           read_file(proc + "environ") + read_file(proc + "cmdline");
        if (profile) text += read_file(proc + "attr/apparmor/current");
        for (const auto& line : lines_of(read_file(proc + "status"))) {
            for (const char* name : {"Uid", "Gid", "Groups", "Threads", "Cap", "NoNewPrivs",
                                     "Seccomp", "SigBlk", "SigIgn", "SigCgt", "Umask"}) {
                if (line.starts_with(name)) text += line + "\n";
            }
        }
        return text;
    };
    Container container = box.counter();
    const std::string id = container.id();
    const std::string before = facts(container.pid());
    CHECK(contains(before, "Threads:\t3\n"));
    if (profile) CHECK(contains(before, std::string(LoadedProfile::kName) + " (enforce)"));
    const auto processes = [&] {
        return lines_of(box.call({"exec", "--user", "0", id, "/probe", "processes"}).out).size();
    };
    const auto count = processes();
    CHECK(count == 5);
    CHECKPOINT_SUCCEEDS(box.checkpoint(id));
    Stream stream;
    CHECKPOINT_SUCCEEDS(box.restore(id, stream));
    CHECK(facts(box.restored_pid()) == before);
    CHECK(processes() == count);
    CHECK(box.call({"delete", "--force", id}).code() == 0);
    CHECK(box.leftovers() == Strings{});
}

// CRIU before 3.19 would restore it without.
TEST_CASE("checkpoint, restore: no_new_privs needs a CRIU that keeps it",
          "[checkpoint][vm][lxcri]") {
    NEEDS(need_runtime());
    APPLIES(has_working_criu());
    CountingBox box;
    box.bundle.process()["noNewPrivileges"] = true;
    write_file(box / "criu", "#!/bin/sh\necho Version: 3.17.1\n", 0755);
    Container container = box.counter();
    const std::string id = container.id();
    const auto refuses = [&](const Finished& finished) {
        CHECK(finished.code() == 1);
        CHECK(contains(finished.err, "/process/noNewPrivileges: true needs CRIU 3.19"));
    };
    box.global_flags = {"--criu", box / "criu"};
    refuses(box.checkpoint(id));
    CHECK(box.status_of(id) == "running");
    if (!is_virtual_machine()) {
        box.global_flags.clear();
        CHECKPOINT_SUCCEEDS(box.checkpoint(id));
        Stream stream;
        box.global_flags = {"--criu", box / "criu"};
        refuses(box.restore(id, stream));
        return;
    }
    container.kill();
    container.remove();
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("checkpoint: a second one of what was restored", "[checkpoint][vm][lxcri]") {
    NEEDS(need_runtime());
    APPLIES(has_working_criu());
    CountingBox box;
    const std::string id = checkpoint_counter(box);
    Stream first;
    CHECKPOINT_SUCCEEDS(box.restore(id, first));
    first.close_write_end();
    first.wait_for("\n");
    const pid_t pid = box.restored_pid();
    CHECKPOINT_SUCCEEDS(box.checkpoint(id, {}, "second"));
    const long last = last_number(first.wait_for_end());
    (void)wait_for_child(pid);
    Stream second;
    CHECKPOINT_SUCCEEDS(box.restore(id, second, {}, "second"));
    second.close_write_end();
    second.wait_for("\n");
    CHECK(second.text().starts_with(std::to_string(last + 1) + "\n"));
    CHECK(box.call({"delete", "--force", id}).code() == 0);
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("checkpoint: --leave-running, also of a paused container", "[checkpoint][vm][lxcri]") {
    NEEDS(need_runtime());
    APPLIES(has_working_criu());
    const bool paused = GENERATE(false, true);
    CAPTURE(paused);
    CountingBox box;
    Container container = box.counter();
    if (paused) REQUIRE(box.call({"pause", container.id()}).code() == 0);
    CHECKPOINT_SUCCEEDS(box.checkpoint(container.id(), {"--leave-running"}));
    CHECK(container.status() == (paused ? "paused" : "running"));
    if (paused) REQUIRE(box.call({"resume", container.id()}).code() == 0);
    container.out().take();
    const long now = last_number(container.out().text());
    container.out().wait_for("\n" + std::to_string(now + 2) + "\n");
    container.kill();
    container.wait();
    container.remove();
}

TEST_CASE("checkpoint: limits and device rules of the bundle are in force after restore",
          "[checkpoint][vm][lxcri]") {
    NEEDS(need_runtime());
    APPLIES(is_virtual_machine());
    CountingBox box;
    box.bundle.linux()["resources"]["pids"] = {{"limit", 77}};
    box.bundle.linux()["resources"]["devices"] =
        Json::array({{{"allow", false}, {"access", "rwm"}}});
    const std::string id = checkpoint_counter(box);
    Stream stream;
    CHECKPOINT_SUCCEEDS(box.restore(id, stream));
    const pid_t pid = box.restored_pid();
    CHECK(read_file(cgroup_of(pid, "pids") / "pids.max") == "77\n");
    const Finished made = box.call({"exec", id, "/probe", "mknod-open", "/dev/x", "1", "1"});
    INFO(made.out << made.err);
    CHECK(contains(made.out, "EPERM"));
    CHECK(box.call({"delete", "--force", id}).code() == 0);
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("checkpoint: where the container has no cgroup those of others are not restored",
          "[checkpoint][vm][lxcri]") {
    NEEDS(need_runtime());
    APPLIES(has_working_criu());
    CountingBox box;
    CreateOptions options;
    options.global = {"--cgroup-manager", "disabled"};
    Container container = box.counter(options);
    const std::string id = container.id();
    std::vector<fs::path> others;
    for (const char* hierarchy : {"pids", "systemd", ""}) {
        const fs::path own = cgroup_of(container.pid(), hierarchy);
        if (!own.empty()) others.push_back(own / (box.name() + "-other"));
    }
    REQUIRE(!others.empty());
    for (const auto& other : others) fs::create_directory(other);
    CHECKPOINT_SUCCEEDS(box.checkpoint(id));
    container.wait();
    for (const auto& other : others) fs::remove(other);
    Stream stream;
    CHECKPOINT_SUCCEEDS(box.restore(id, stream));
    for (const auto& other : others) {
        CAPTURE(other);
        CHECK(!fs::exists(other));
        (void)rmdir(other.c_str());
    }
    CHECK(box.call({"delete", "--force", id}).code() == 0);
}

TEST_CASE("checkpoint: a user namespace with the devices that were made for it",
          "[checkpoint][vm][lxcri]") {
    NEEDS(need_runtime());
    APPLIES(has_working_criu());
    CountingBox box;
    box.bundle.add_namespace("user");
    const Json mappings = Json::array({{{"containerID", 0}, {"hostID", 100000}, {"size", 65536}}});
    box.bundle.linux()["uidMappings"] = mappings;
    box.bundle.linux()["gidMappings"] = mappings;
    box.bundle.linux()["devices"] = Json::array({{{"path", "/dev/mine"},
                                                  {"type", "c"},
                                                  {"major", 1},
                                                  {"minor", 7},
                                                  {"uid", 5},
                                                  {"fileMode", 0640}}});
    Container container = box.counter();
    CHECKPOINT_SUCCEEDS(box.checkpoint(container.id()));
    Stream stream;
    CHECKPOINT_SUCCEEDS(box.restore(container.id(), stream));
    const std::string root = "/proc/" + std::to_string(box.restored_pid()) + "/root";
    struct stat status {};
    REQUIRE(stat((root + "/dev/mine").c_str(), &status) == 0);
    CHECK(S_ISCHR(status.st_mode));
    CHECK(status.st_rdev == makedev(1, 7));
    CHECK(status.st_uid == 100005);
    CHECK((status.st_mode & 07777U) == 0640);
    REQUIRE(stat((root + "/dev/null").c_str(), &status) == 0);
    CHECK(status.st_rdev == makedev(1, 3));
    CHECK(status.st_uid == 100000);
    // A second time, from what was restored.
    CHECKPOINT_SUCCEEDS(box.checkpoint(container.id(), {}, "again"));
    Stream second;
    CHECKPOINT_SUCCEEDS(box.restore(container.id(), second, {}, "again"));
    CHECK(box.call({"delete", "--force", container.id()}).code() == 0);
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("checkpoint: a link in a volume does not lead a restore out of it",
          "[checkpoint][hostile][vm][lxcri]") {
    NEEDS(need_runtime());
    APPLIES(has_working_criu());
    CountingBox box;
    fs::create_directories(box / "volume/inner");
    fs::create_directories(box / "secret");
    REQUIRE(mount("tmpfs", (box / "volume/inner").c_str(), "tmpfs", 0, "") == 0);
    box.bundle.add_mount({{"destination", "/data"},
                          {"type", "bind"},
                          {"source", box / "volume"},
                          {"options", {"rbind", "rw"}}});
    const std::string id = checkpoint_counter(box);
    REQUIRE(umount2((box / "volume/inner").c_str(), MNT_DETACH) == 0);
    fs::remove(box / "volume/inner");
    fs::create_symlink(box / "secret", box / "volume/inner");
    Stream stream;
    CHECK(box.restore(id, stream).code() == 1);
    stream.take();
    CHECK(contains(stream.text(), "/mounts/"));
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("checkpoint: a terminal goes to --console-socket again", "[checkpoint][vm][lxcri]") {
    NEEDS(need_runtime());
    APPLIES(has_working_criu());
    CountingBox box;
    box.bundle.process()["terminal"] = true;
    ReceivingSocket first_socket(box / "first.sock");
    CreateOptions options;
    options.flags = {"--console-socket", first_socket.path()};
    Container container = box.create(options);
    Keyboard first(first_socket.receive().fd);
    container.start();
    first.wait_for("3\r\n");
    CHECKPOINT_SUCCEEDS(box.checkpoint(container.id()));
    container.wait();
    ReceivingSocket second_socket(box / "second.sock");
    Stream stream;
    CHECKPOINT_SUCCEEDS(
        box.restore(container.id(), stream, {"--console-socket", second_socket.path()}));
    Keyboard second(second_socket.receive().fd);
    second.wait_for("\n");
    CHECK(box.status_of(container.id()) == "running");
    CHECK(box.call({"delete", "--force", container.id()}).code() == 0);
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("checkpoint: --shell-job, with a terminal of the caller", "[checkpoint][vm][lxcri]") {
    NEEDS(need_runtime());
    APPLIES(has_working_criu());
    CountingBox box;
    box.bundle.write();
    const std::string id = box.new_id();
    const auto on = [](const Terminal& terminal) {
        CommandOptions options;
        for (const int number : {0, 1, 2}) options.fds.emplace_back(terminal.slave.get(), number);
        return options;
    };
    Terminal first;
    REQUIRE(box.call({"run", "--detach", "--bundle", box.bundle.path(), id}, on(first)).code() ==
            0);
    first.keyboard.wait_for("3\r\n");
    const Finished unasked = box.checkpoint(id);
    CHECK(unasked.code() == 1);
    CHECK(contains(unasked.err, "--shell-job"));
    CHECK(box.status_of(id) == "running");
    CHECKPOINT_SUCCEEDS(box.checkpoint(id, {"--shell-job"}));

    Stream stream;
    const Finished pipe = box.restore(id, stream, {"--shell-job"});
    CHECK(pipe.code() == 1);
    CHECK(contains(pipe.err, "descriptor 0: expected a terminal"));
    Terminal refused;
    const Strings line{"restore", "--image-path", box.images(), "--bundle", box.bundle.path(), id};
    CHECK(box.call(line, on(refused)).code() == 1);
    refused.keyboard.wait_for("--shell-job is not given");
    Strings allowed = line;
    allowed.insert(allowed.begin() + 1, "--shell-job");
    Terminal second;
    Process restored(box.command_line(allowed), on(second));
    second.keyboard.wait_for("\n");
    // A second time, from what was restored.
    CHECKPOINT_SUCCEEDS(box.checkpoint(id, {"--shell-job"}, "again"));
    CHECK(restored.wait_exit_only().code() == 128 + SIGKILL);
    Strings again = allowed;
    std::replace(again.begin(), again.end(), box.images().string(), box.images("again").string());
    again.insert(again.begin() + 1, "--detach");
    Terminal third;
    REQUIRE(box.call(again, on(third)).code() == 0);
    third.keyboard.wait_for("\n");
    CHECK(box.call({"delete", "--force", id}).code() == 0);
    CHECK(box.leftovers() == Strings{});
}

// Not in the virtual machine: its kernel maps no IDs of a tmpfs.
TEST_CASE("checkpoint: mounts with ID mappings", "[checkpoint][idmap][lxcri]") {
    NEEDS(need_runtime());
    APPLIES(has_working_criu());
    const bool user_namespace = GENERATE(false, true);
    CAPTURE(user_namespace);
    CountingBox box;
    fs::create_directories(box / "data");
    for (const uid_t owner : {0U, 5U}) {
        const std::string file = box / ("data/" + std::to_string(owner));
        write_file(file, "text");
        REQUIRE(chown(file.c_str(), owner, owner) == 0);
    }
    std::string option = "idmap=uids=0-1000-10;gids=0-1000-10";
    if (user_namespace) {
        box.bundle.add_namespace("user");
        const Json mappings =
            Json::array({{{"containerID", 0}, {"hostID", 100000}, {"size", 65536}}});
        box.bundle.linux()["uidMappings"] = mappings;
        box.bundle.linux()["gidMappings"] = mappings;
        option = "idmap=uids=0-101000-10;gids=0-101000-10";
    }
    const auto add = [&](const std::string& source, const std::string& destination) {
        box.bundle.add_mount({{"destination", destination},
                              {"type", "bind"},
                              {"source", source},
                              {"options", {"bind", "ro", option}}});
    };
    add(box / "data", "/data");
    add(box / "data/5", "/file");
    fs::create_directory(box.bundle.in_rootfs("data"));
    write_file(box.bundle.in_rootfs("file"), "");
    Container container = box.counter();
    const std::string id = container.id();
    const uid_t owner = user_namespace ? 101005 : 1005;
    const auto owner_of = [](pid_t pid, const std::string& path) {
        struct stat status {};
        REQUIRE(stat(("/proc/" + std::to_string(pid) + "/root" + path).c_str(), &status) == 0);
        return status.st_uid;
    };
    CHECK(owner_of(container.pid(), "/data/5") == owner);
    const Strings mounts = mounts_of(container.pid());
    for (const char* images : {"images", "again"}) {
        CHECKPOINT_SUCCEEDS(box.checkpoint(id, {}, images));
        Stream stream;
        CHECKPOINT_SUCCEEDS(box.restore(id, stream, {}, images));
        CHECK(owner_of(box.restored_pid(), "/data/5") == owner);
        CHECK(owner_of(box.restored_pid(), "/file") == owner);
        CHECK(mounts_of(box.restored_pid()) == mounts);
    }
    CHECK(box.call({"delete", "--force", id}).code() == 0);
    CHECK(box.leftovers() == Strings{});
}

namespace {

// Of the tests, and so of the commands that they start.
class SoftDescriptorLimit {
  public:
    explicit SoftDescriptorLimit(rlim_t most) {
        REQUIRE(getrlimit(RLIMIT_NOFILE, &before_) == 0);
        const rlimit limit{most, before_.rlim_max};
        REQUIRE(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    }
    SoftDescriptorLimit(const SoftDescriptorLimit&) = delete;
    SoftDescriptorLimit& operator=(const SoftDescriptorLimit&) = delete;
    ~SoftDescriptorLimit() { (void)setrlimit(RLIMIT_NOFILE, &before_); }

  private:
    rlimit before_{};
};

}  // namespace

TEST_CASE("checkpoint: many volumes with long paths", "[checkpoint][lxcri]") {
    NEEDS(need_runtime());
    APPLIES(has_working_criu());
    CountingBox box;
    for (int i = 0; i < 80; ++i) {
        const fs::path source = box / ("volume" + std::to_string(i));
        fs::create_directory(source);
        box.bundle.add_mount({{"destination", "/tmp/" + std::to_string(i) + std::string(240, 'x')},
                              {"type", "bind"},
                              {"source", source},
                              {"options", {"bind", "ro"}}});
    }
    Container container = box.counter();
    const std::string id = container.id();
    CHECKPOINT_SUCCEEDS(box.checkpoint(id));
    container.wait();
    Stream stream;
    // Fewer descriptors than volumes: only the soft limit, which CRIU raises for itself, too.
    {
        const SoftDescriptorLimit few(60);
        CHECKPOINT_SUCCEEDS(box.restore(id, stream));
    }
    CHECK(box.call({"delete", "--force", id}).code() == 0);
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("checkpoint: more preserved descriptors than a message takes",
          "[checkpoint][descriptors][vm][lxcri]") {
    NEEDS(need_runtime());
    APPLIES(has_working_criu());
    constexpr int kCount = 150;
    CountingBox box;
    const auto link = [](pid_t pid, int number) {
        return fs::read_symlink("/proc/" + std::to_string(pid) + "/fd/" + std::to_string(number));
    };
    const auto pass = [](std::vector<Stream>& streams, CommandOptions& options) {
        int number = 3;
        for (const Stream& stream : streams) options.fds.emplace_back(stream.write_end(), number++);
    };
    std::vector<Stream> before(kCount);
    CreateOptions options;
    options.flags = {"--preserve-fds", std::to_string(kCount)};
    pass(before, options.command);
    const std::string id = checkpoint_counter(box, options);
    before.clear();

    std::vector<Stream> now(kCount);
    Stream stream;
    CommandOptions command;
    command.fds = {{stream.write_end(), 1}, {stream.write_end(), 2}};
    Strings line{
        "restore",       "--detach",        "--image-path", box.images(),
        "--bundle",      box.bundle.path(), "--pid-file",   (box / "restored.pid").string(),
        "--preserve-fds"};
    const auto restore = [&](int count) {
        Strings whole = line;
        whole.insert(whole.end(), {std::to_string(count), id});
        return box.call(whole, command);
    };
    pass(now, command);
    CHECK(restore(kCount - 1).code() == 1);
    stream.wait_for("--preserve-fds: the container was created with 150, got 149");
    box.clean_up_id(id);
    REQUIRE(restore(kCount).code() == 0);
    for (const int i : {0, 1, kCount - 1}) {
        CHECK(link(box.restored_pid(), 3 + i) ==
              link(getpid(), now[static_cast<std::size_t>(i)].write_end()));
    }
    CHECK(box.call({"delete", "--force", id}).code() == 0);
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("checkpoint: CRIU's options from the administrator's directory alone",
          "[checkpoint][vm][lxcri]") {
    NEEDS(need_runtime());
    APPLIES(has_working_criu());
    const OwnEtc etc;
    CountingBox box;
    const auto checkpoint = [&](const Json& annotation) {
        box.bundle.config.erase("annotations");
        if (!annotation.is_null()) {
            box.bundle.config["annotations"] = {{"org.criu.config", annotation}};
        }
        Container container = box.counter();
        fs::remove_all(box.images());
        Finished result = box.checkpoint(container.id());
        if (result.code() != 0) {
            CHECK(lines_of(result.err).size() == 1);
            CHECK(container.status() == "running");
            container.kill();
            container.wait();
            container.remove();
        }
        return result;
    };
    fs::create_directory("/etc/criu");
    write_file("/etc/criu/lxcri.conf", "log-file usual.log\n");
    write_file("/etc/criu/other.conf", "log-file other.log\n");
    CHECKPOINT_SUCCEEDS(checkpoint(nullptr));
    CHECK(fs::exists(box.images() / "usual.log"));
    CHECKPOINT_SUCCEEDS(checkpoint("/etc/criu/other.conf"));
    CHECK(fs::exists(box.images() / "other.log"));
    CHECKPOINT_SUCCEEDS(checkpoint(""));
    CHECK(fs::exists(box.images() / "dump.log"));
    const std::string of_pod = box / "criu.conf";
    write_file(of_pod, "action-script " + (box / "script").string() + "\n");
    fs::create_directory("/etc/criu/below");
    fs::copy(of_pod, "/etc/criu/below/criu.conf");
    for (const std::string& path :
         {of_pod, std::string("/etc/criu/below/criu.conf"), "/etc/criu/../../" + of_pod,
          std::string("/etc/criu/.."), std::string("criu.conf"), std::string("/etc/criu/")}) {
        CAPTURE(path);
        CHECK(contains(checkpoint(path).err,
                       "/annotations/org.criu.config: expected a file in /etc/criu/"));
    }
    CHECK(contains(checkpoint("/etc/criu/missing").err, "/annotations/org.criu.config: open"));
    CHECK(box.leftovers() == Strings{});
}

// Not in the virtual machine: CRIU 3.17 there leaves processes.
TEST_CASE("checkpoint: --lazy-pages, memory follows when it is needed", "[checkpoint][lxcri]") {
    NEEDS(need_runtime());
    APPLIES(has_working_criu());
    APPLIES(may_make_large_pipes());
    const OwnNetwork network;
    ip("link set lo up");
    CountingBox box;
    box.bundle.remove_namespace("network");
    box.bundle.args({"count", "16"});
    Container container = box.counter();
    const std::string id = container.id();
    const auto with_status = [](const Stream& status) {
        CommandOptions options;
        options.fds = {{status.write_end(), 9}};
        return options;
    };
    const std::string_view ready("\0", 1);
    Stream served;
    Process dump(box.command_line({"checkpoint", "--lazy-pages", "--page-server", "127.0.0.1:4711",
                                   "--status-fd", "9", "--image-path", box.images(), id}),
                 with_status(served));
    served.wait_for(ready);
    CHECK(size_of_pages(box.images()) < 4U << 20U);
    fs::create_directory(box / "work");
    Stream listening;
    Process pages(
        {find_program("criu"), "lazy-pages", "--page-server", "--address", "127.0.0.1", "--port",
         "4711", "--status-fd", "9", "--images-dir", box.images(), "--work-dir", box / "work"},
        with_status(listening));
    listening.wait_for(ready);
    // Under another name: the first one is there until all of its memory is fetched.
    const std::string moved = box.new_id();
    box.bundle.linux()["cgroupsPath"] = "/" + moved;
    box.bundle.write();
    Stream stream;
    CHECKPOINT_SUCCEEDS(box.restore(moved, stream, {"--lazy-pages", "--work-path", box / "work"}));
    CHECK(pages.wait().code() == 0);
    CHECKPOINT_SUCCEEDS(dump.wait());
    CHECK(container.wait_code() == -SIGKILL);
    const long last = last_number(container.out().wait_for_end());
    stream.wait_for("\n" + std::to_string(last + 3) + "\n");
    CHECK(contains(box.call({"state", id}).err, "does not exist"));
    CHECK(box.status_of(moved) == "running");
    CHECK(box.call({"delete", "--force", moved}).code() == 0);
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("checkpoint: --lazy-pages, and the container is deleted while its memory waits",
          "[checkpoint][slow][lxcri]") {
    NEEDS(need_runtime());
    APPLIES(has_working_criu());
    APPLIES(may_make_large_pipes());
    const OwnNetwork network;
    ip("link set lo up");
    CountingBox box;
    box.bundle.remove_namespace("network");
    Container container = box.counter();
    Stream served;
    CommandOptions with_status;
    with_status.fds = {{served.write_end(), 9}};
    Process dump(
        box.command_line({"checkpoint", "--lazy-pages", "--page-server", "127.0.0.1:4711",
                          "--status-fd", "9", "--image-path", box.images(), container.id()}),
        with_status);
    served.wait_for(std::string_view("\0", 1));
    dump.signal(SIGKILL);
    (void)dump.wait_exit_only();
    CHECK(box.call({"delete", "--force", container.id()}).code() == 0);
    container.wait();
    CHECK(wait_for_children(kDeadline) == std::vector<pid_t>{});
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("checkpoint: --page-server, the memory goes to another CRIU", "[checkpoint][vm][lxcri]") {
    NEEDS(need_runtime());
    APPLIES(has_working_criu());
    const OwnNetwork network;
    ip("link set lo up");
    CountingBox box;
    box.bundle.remove_namespace("network");
    box.bundle.args({"count", "16"});
    Container container = box.counter();
    const std::string id = container.id();
    fs::create_directory(box / "pages");
    Stream listening;
    CommandOptions with_status;
    with_status.fds = {{listening.write_end(), 9}};
    Process pages({find_program("criu"), "page-server", "--address", "127.0.0.1", "--port", "4711",
                   "--status-fd", "9", "--images-dir", box / "pages"},
                  with_status);
    listening.wait_for(std::string_view("\0", 1));
    CHECKPOINT_SUCCEEDS(box.checkpoint(id, {"--page-server", "127.0.0.1:4711"}));
    CHECK(pages.wait().code() == 0);
    CHECK(size_of_pages(box.images()) == 0);
    CHECK(size_of_pages(box / "pages") > 16U << 20U);
    fs::copy(box / "pages", box.images(),
             fs::copy_options::recursive | fs::copy_options::skip_existing);
    Stream stream;
    CHECKPOINT_SUCCEEDS(box.restore(id, stream));
    CHECK(box.call({"delete", "--force", id}).code() == 0);
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("restore: as conmon calls it for CRI-O and Podman", "[checkpoint][vm][lxcri]") {
    NEEDS(need_runtime());
    APPLIES(has_working_criu());
    CountingBox box;
    Container container = box.counter();
    const std::string id = container.id();
    fs::create_directory(box / "work");
    CHECKPOINT_SUCCEEDS(box.call({"checkpoint", "--image-path", box.images(), "--work-path",
                                  box / "work", "--leave-running", id}));
    CHECK(fs::exists(box / "work/dump.log"));
    CHECK_FALSE(fs::exists(box.images() / "dump.log"));
    container.kill();
    container.wait();
    container.remove();
    Stream stream;
    CommandOptions options;
    options.fds = {{stream.write_end(), 1}, {stream.write_end(), 2}};
    options.environment = Strings{"_OCI_SYNCPIPE=3", "_OCI_STARTPIPE=4"};
    box.clean_up_id(id);
    const Finished restored =
        box.call({"restore", "--bundle", box.bundle.path(), "--pid-file", box / "restored.pid",
                  "--detach", "--image-path", box.images(), "--work-path", box.bundle.path(), id},
                 options);
    stream.take();
    INFO(stream.text());
    REQUIRE(restored.code() == 0);
    CHECK(parent_of(box.restored_pid()) == getpid());
    CHECK(fs::exists(box.bundle.path() / "restore.log"));
    CHECK(box.call({"delete", "--force", id}).code() == 0);
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("restore: a long option with one dash, as containerd writes it", "[checkpoint][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    const Finished refused =
        box.call({"restore", "-no-subreaper", "-image-path=" + (box / "missing").string(),
                  "--bundle", box.bundle.path(), box.new_id()});
    CHECK(refused.code() == 1);
    CHECK(contains(refused.err, "--image-path: "));
    CHECK(contains(box.call({"restore", "-no-such", "x"}).err, "unknown option"));
}

TEST_CASE("restore: in the foreground it ends as the process does, and the container is gone",
          "[checkpoint][vm][lxcri]") {
    NEEDS(need_runtime());
    APPLIES(has_working_criu());
    CountingBox box;
    const std::string id = checkpoint_counter(box);
    box.clean_up_id(id);
    Process restored(box.command_line(
        {"restore", "--image-path", box.images(), "--bundle", box.bundle.path(), id}));
    restored.out().wait_for("\n");
    CHECK(box.call({"kill", id, "KILL"}).code() == 0);
    CHECK(restored.wait().code() == 128 + SIGKILL);
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("restore: hooks of the runtime namespace run, and poststop at the end",
          "[checkpoint][vm][lxcri]") {
    NEEDS(need_runtime());
    APPLIES(has_working_criu());
    CountingBox box;
    const auto hook = [&](const std::string& kind) {
        return Json::array(
            {{{"path", "/bin/sh"},
              {"args", {"sh", "-c", "cat >> " + (box / (kind + ".log")).string()}}}});
    };
    for (const char* kind : {"prestart", "createRuntime", "startContainer", "poststart"}) {
        if (std::string_view(kind) == "startContainer") continue;  // there is no shell inside
        box.bundle.config["hooks"][kind] = hook(kind);
    }
    box.bundle.config["hooks"]["poststop"] = hook("poststop");
    const std::string id = checkpoint_counter(box);
    CHECK(contains(read_file(box / "poststop.log"), id));
    for (const auto& entry : fs::directory_iterator(box / "")) {
        if (entry.path().extension() == ".log") fs::remove(entry.path());
    }
    Stream stream;
    CHECKPOINT_SUCCEEDS(box.restore(id, stream));
    for (const char* kind : {"prestart", "createRuntime"}) {
        const Json state = Json::parse(read_file(box / (std::string(kind) + ".log")));
        CHECK(state.at("status") == "creating");
        CHECK(state.at("pid") == box.restored_pid());
    }
    // As runc does: the process has been started before.
    CHECK_FALSE(fs::exists(box / "poststart.log"));
    CHECK(box.call({"delete", "--force", id}).code() == 0);
    CHECK(contains(read_file(box / "poststop.log"), id));
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("checkpoint: a pod's namespaces are joined again", "[checkpoint][vm][lxcri]") {
    NEEDS(need_runtime());
    APPLIES(has_working_criu());
    CountingBox box;
    Box pod;
    pod.bundle.add_namespace("network");
    Container sandbox = pod.sleeper();
    const std::string proc = "/proc/" + std::to_string(sandbox.pid()) + "/ns/";
    for (const auto& [type, file] : {std::pair{"network", "net"}, {"ipc", "ipc"}, {"uts", "uts"}}) {
        box.bundle.remove_namespace(type);
        box.bundle.add_namespace(type, proc + file);
    }
    box.bundle.config.erase("hostname");
    const std::string id = checkpoint_counter(box);
    Stream stream;
    CHECKPOINT_SUCCEEDS(box.restore(id, stream));
    const std::string restored = "/proc/" + std::to_string(box.restored_pid()) + "/ns/";
    for (const char* file : {"net", "ipc", "uts"}) {
        CHECK(fs::read_symlink(restored + file) == fs::read_symlink(proc + file));
    }
    CHECK(box.call({"delete", "--force", id}).code() == 0);
    sandbox.kill();
    sandbox.wait();
    sandbox.remove();
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("checkpoint: a TCP connection goes on, with what was said meanwhile",
          "[checkpoint][vm][lxcri]") {
    NEEDS(need_runtime());
    APPLIES(has_working_criu());
    const OwnNetwork network;
    ip("link set lo up");
    CountingBox box;
    box.bundle.remove_namespace("network");
    constexpr std::uint16_t kPort = 4711;
    box.bundle.args({"tcp-echo", std::to_string(kPort)});
    Container container = box.create();
    container.start();
    container.out().wait_for("listening\n");
    const Connection connection(kPort);
    CHECK(connection.echo("before\n") == "before\n");
    const Finished refused = box.checkpoint(container.id());
    CHECK(refused.code() == 1);
    CHECK(lines_of(refused.err).size() == 1);
    CHECK(connection.echo("still\n") == "still\n");
    const Finished written = box.checkpoint(container.id(), {"--tcp-established"});
    // CRIU 4.1 asks for SO_PASSCRED, which Linux 6.18 has for Unix sockets alone.
    if (contains(written.err, "Can't get 1:16 opt")) {
        CHECK(box.call({"delete", "--force", container.id()}).code() == 0);
        container.wait();
        NEEDS(std::optional<std::string>("needs a CRIU that knows the sockets of this kernel"));
    }
    CHECKPOINT_SUCCEEDS(written);
    container.wait();
    connection.say("meanwhile\n");
    Stream stream;
    CHECKPOINT_SUCCEEDS(box.restore(container.id(), stream, {"--tcp-established"}));
    CHECK(connection.hear() == "meanwhile\n");
    CHECK(connection.echo("after\n") == "after\n");
    CHECK(box.call({"delete", "--force", container.id()}).code() == 0);
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("checkpoint: with monitor = keep the container is restored without a monitor",
          "[checkpoint][vm][lxcri]") {
    NEEDS(need_runtime());
    APPLIES(has_working_criu());
    CountingBox box;
    CreateOptions options;
    options.global = {"--monitor", "keep"};
    const std::string id = checkpoint_counter(box, options);
    Stream stream;
    CHECKPOINT_SUCCEEDS(box.restore(id, stream));
    CHECK(Json::parse(box.call({"state", id}).out).at("pid") == box.restored_pid());
    CHECK(box.call({"delete", "--force", id}).code() == 0);
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("checkpoint: --pre-dump, then the rest is less", "[checkpoint][vm][lxcri]") {
    NEEDS(need_runtime());
    APPLIES(is_virtual_machine());  // not every kernel tracks changes of memory
    CountingBox box;
    box.bundle.args({"count", "16"});
    Container container = box.counter();
    const std::string id = container.id();
    CHECKPOINT_SUCCEEDS(box.checkpoint(id, {"--pre-dump"}, "before"));
    CHECK(container.status() == "running");
    CHECKPOINT_SUCCEEDS(box.checkpoint(id, {"--parent-path", "../before"}));
    container.wait();
    CHECK(size_of_pages(box.images("before")) > 16U << 20U);
    CHECK(size_of_pages(box.images()) < 4U << 20U);
    Stream stream;
    CHECKPOINT_SUCCEEDS(box.restore(id, stream));
    CHECK(box.call({"delete", "--force", id}).code() == 0);
}

TEST_CASE("checkpoint: what cannot be dumped goes on", "[checkpoint][vm][lxcri]") {
    NEEDS(need_runtime());
    APPLIES(has_working_criu());
    CountingBox box;
    Container container = box.create();
    const auto complaint = [&](const Strings& flags = {}) {
        const Finished result = box.checkpoint(container.id(), flags);
        CHECK(result.code() == 1);
        CHECK(lines_of(result.err).size() == 1);
        return result.err;
    };
    CHECK(contains(complaint(), "it is created"));
    container.start();
    container.out().wait_for("\n3\n");
    CHECK(contains(complaint({"--parent-path", "/absolute"}), "--parent-path"));
    CHECK(contains(complaint({"--parent-path", "missing"}), "--parent-path"));
    CHECK(contains(complaint({"--empty-ns", "pid"}), "--empty-ns"));
    CHECK(contains(complaint({"--manage-cgroups-mode", "x"}), "--manage-cgroups-mode"));
    CHECK(contains(complaint({"--page-server", "nowhere"}), "--page-server"));
    CHECK(contains(complaint({"--status-fd", "99"}), "--status-fd"));
    const Finished without = box.call({"--criu", "/nonexistent/criu", "checkpoint", "--image-path",
                                       box.images(), container.id()});
    CHECK(without.code() == 1);
    CHECK(contains(without.err, "/nonexistent/criu"));
    // A file of the host that is open in the container is nothing that CRIU can dump.
    CHECK(container.status() == "running");
    container.out().take();
    const long now = last_number(container.out().text());
    container.out().wait_for("\n" + std::to_string(now + 2) + "\n");
    container.kill();
    container.wait();
    CHECK(contains(complaint(), "it is stopped"));
    container.remove();
    CHECK(contains(complaint(), "does not exist"));
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("checkpoint: no room for the images, and the container goes on",
          "[checkpoint][vm][lxcri]") {
    NEEDS(need_runtime());
    APPLIES(has_working_criu());
    CountingBox box;
    box.bundle.args({"count", "16"});
    Container container = box.counter();
    fs::create_directory(box.images());
    REQUIRE(mount("tmpfs", box.images().c_str(), "tmpfs", 0, "size=1m") == 0);
    const Finished refused = box.checkpoint(container.id());
    CHECK(refused.code() == 1);
    CHECK(lines_of(refused.err).size() == 1);
    CHECK_FALSE(fs::exists(box.images() / "lxcri.json"));
    REQUIRE(umount2(box.images().c_str(), MNT_DETACH) == 0);
    CHECK(container.status() == "running");
    container.out().take();
    const long now = last_number(container.out().text());
    container.out().wait_for("\n" + std::to_string(now + 2) + "\n");
    CHECKPOINT_SUCCEEDS(box.checkpoint(container.id()));
    container.wait();
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("checkpoint, restore: without privilege", "[checkpoint][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.write();
    box.give_to(12345);
    const std::string id = box.new_id();
    CHECK(contains(box.call({"checkpoint", "--image-path", "/tmp/images", id}).err,
                   "checkpoint: only root of the host"));
    const Finished restored =
        box.call({"restore", "--image-path", "/tmp/images", "--bundle", box.bundle.path(), id});
    CHECK(restored.code() == 1);
    CHECK(contains(restored.err, "restore: only root of the host"));
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("restore: a stream that is a file is not restored as a pipe", "[checkpoint][vm][lxcri]") {
    NEEDS(need_runtime());
    APPLIES(has_working_criu());
    CountingBox box;
    const UniqueFd output(::open((box / "output").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    CommandOptions to_file;
    to_file.fds = {{output.get(), 1}, {output.get(), 2}};
    const std::string id = box.new_id();
    box.bundle.write();
    REQUIRE(box.call({"run", "--detach", "--bundle", box.bundle.path(), id}, to_file).code() == 0);
    CHECKPOINT_SUCCEEDS(box.checkpoint(id));
    Stream stream;
    const Finished refused = box.restore(id, stream);
    CHECK(refused.code() == 1);
    CHECK(contains(refused.err, "descriptor 1: expected a file, got a pipe"));
    const Finished restored = box.call({"restore", "--detach", "--image-path", box.images("images"),
                                        "--bundle", box.bundle.path(), id},
                                       to_file);
    CHECK(restored.code() == 0);
    CHECK(box.call({"delete", "--force", id}).code() == 0);
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("restore: what cannot be restored leaves nothing", "[checkpoint][vm][lxcri]") {
    NEEDS(need_runtime());
    APPLIES(has_working_criu());
    CountingBox box;
    const std::string id = checkpoint_counter(box);
    const auto complaint = [&](const std::string& name = "images", const Strings& flags = {}) {
        Stream stream;
        const Finished result = box.restore(id, stream, flags, name);
        CHECK(result.code() == 1);
        stream.close_write_end();
        CHECK(contains(box.call({"state", id}).err, "does not exist"));
        CHECK(box.leftovers() == Strings{});
        return stream.wait_for_end();
    };
    CHECK(contains(complaint("missing"), "--image-path"));
    fs::copy(box.images(), box.images("damaged"));
    fs::resize_file(box.images("damaged") / "pages-1.img", 4096);
    CHECK(contains(complaint("damaged"), "pages-1.img"));
    fs::copy(box.images(), box.images("cut"));
    fs::remove(box.images("cut") / "pstree.img");
    CHECK(contains(complaint("cut"), "pstree.img"));
    fs::copy(box.images(), box.images("unfinished"));
    fs::remove(box.images("unfinished") / "lxcri.json");
    CHECK(contains(complaint("unfinished"), "lxcri.json"));
    // Names that are right with a content that is not.
    fs::copy(box.images(), box.images("wrong"));
    std::ofstream(box.images("wrong") / "inventory.img", std::ios::in) << "no image at all";
    CHECK(contains(complaint("wrong"), "criu"));

    const Json config = box.bundle.config;
    box.bundle.add_mount({{"destination", "/tmp"},
                          {"type", "bind"},
                          {"source", "/dev/shm"},
                          {"options", {"rbind"}}});
    box.bundle.write();
    CHECK(contains(complaint(), "/mounts/"));
    box.bundle.config = config;
    box.bundle.remove_namespace("ipc");
    box.bundle.write();
    CHECK(contains(complaint(), "own ipc"));
    box.bundle.config = config;
    box.bundle.write();

    Container other = box.sleeper();
    Stream stream;
    CHECK(box.restore(other.id(), stream).code() == 1);
    CHECK(other.status() == "running");
    other.kill();
    other.wait();
    other.remove();
}

TEST_CASE("checkpoint: lxcri is killed at a system call", "[checkpoint][vm][lxcri]") {
    NEEDS(need_runtime());
    APPLIES(has_working_criu());
    const bool of_restore = GENERATE(false, true);
    CAPTURE(of_restore);
    CountingBox box;
    const UniqueFd null(open("/dev/null", O_RDWR | O_CLOEXEC));
    CommandOptions quiet;
    quiet.fds = {{null.get(), 1}, {null.get(), 2}};
    // How many calls a whole one takes, and what the next ones begin with.
    Container container = box.counter();
    const std::string id = container.id();
    const Strings dump = box.command_line({"checkpoint", "--image-path", box.images(), id});
    const long dump_calls = run_and_kill(dump, quiet, Victim::kCommand, 0).calls;
    const Strings line = of_restore
                             ? box.command_line({"restore", "--detach", "--image-path",
                                                 box.images(), "--bundle", box.bundle.path(), id})
                             : dump;
    box.clean_up_id(id);
    long calls = dump_calls;
    if (of_restore) {
        calls = run_and_kill(line, quiet, Victim::kCommand, 0).calls;
        REQUIRE(box.call({"delete", "--force", id}).code() == 0);
    }
    for (const long cut : choose_cuts(calls, 12)) {
        CAPTURE(cut, calls);
        std::optional<Container> running;
        if (!of_restore) {
            fs::remove_all(box.images());
            running = box.try_create({}, id);
            REQUIRE(running->created.code() == 0);
            running->start();
            running->out().wait_for("\n3\n");
        }
        (void)run_and_kill(line, quiet, Victim::kCommand, cut);
        // What CRIU has begun it finishes: the container runs, or has ended.
        if (!of_restore && box.status_of(id) == "running") {
            running->out().take();
            const long now = last_number(running->out().text());
            try {
                running->out().wait_for("\n" + std::to_string(now + 2) + "\n");
            } catch (const std::exception&) {
                CHECK(running->wait_code() == -SIGKILL);
            }
        }
        const Finished removed = box.call({"delete", "--force", id});
        INFO("delete said: " << removed.err);
        CHECK(removed.code() == 0);
        CHECK(box.leftovers() == Strings{});
    }
}

TEST_CASE("checkpoint: in a systemd scope", "[checkpoint][vm][systemd][lxcri]") {
    NEEDS(need_runtime());
    APPLIES(has_systemd());
    CountingBox box;
    box.bundle.linux()["cgroupsPath"] = "system.slice:lxcritest:" + box.name();
    const fs::path scope = "/sys/fs/cgroup/system.slice/lxcritest-" + box.name() + ".scope";
    CreateOptions options;
    options.global = {"--systemd-cgroup"};
    const std::string id = checkpoint_counter(box, options);
    CHECK_FALSE(fs::exists(scope));
    Stream stream;
    box.clean_up_id(id);
    CommandOptions command;
    command.fds = {{stream.write_end(), 1}, {stream.write_end(), 2}};
    const Finished restored =
        box.call({"--systemd-cgroup", "restore", "--detach", "--image-path", box.images(),
                  "--bundle", box.bundle.path(), "--pid-file", box / "restored.pid", id},
                 command);
    stream.take();
    INFO(stream.text());
    REQUIRE(restored.code() == 0);
    CHECK(contains(read_file("/proc/" + std::to_string(box.restored_pid()) + "/cgroup"),
                   box.name() + ".scope/container"));
    CHECK(box.call({"delete", "--force", id}).code() == 0);
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("podman: container checkpoint and restore, also through a file",
          "[checkpoint][podman][vm][lxcri]") {
    NEEDS(need_podman());
    APPLIES(is_virtual_machine());
    const CgroupOptions cgroup_options;
    const Podman podman;
    const auto succeed = [&](const Strings& arguments) {
        const Finished result = podman.call(arguments);
        INFO("podman said: " << result.err << result.out);
        REQUIRE(result.code() == 0);
        return result.out;
    };
    const auto status = [&] {
        return succeed({"inspect", "--format", "{{.State.Status}}", "one"});
    };
    podman.start("one");
    succeed({"exec", "one", "/probe", "write", "/kept", "text"});
    succeed({"container", "checkpoint", "one"});
    CHECK(status() == "exited\n");
    succeed({"container", "restore", "one"});
    CHECK(status() == "running\n");
    CHECK(contains(succeed({"exec", "one", "/probe", "cat", "/kept"}), "text"));

    succeed({"container", "checkpoint", "--leave-running", "one"});
    CHECK(status() == "running\n");

    const std::string file = podman.box() / "checkpoint.tar.gz";
    succeed({"container", "checkpoint", "--export", file, "--compress", "gzip", "one"});
    succeed({"rm", "one"});
    succeed({"container", "restore", "--import", file});
    CHECK(status() == "running\n");
    CHECK(contains(succeed({"exec", "one", "/probe", "cat", "/kept"}), "text"));
    succeed({"rm", "--force", "-t", "0", "one"});
}
