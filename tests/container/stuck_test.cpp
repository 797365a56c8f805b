// A process in the state D: not even SIGKILL ends it before the kernel has what it waits for. Here
// that is an answer of a filesystem in user space, which never comes.
#include <fcntl.h>
#include <linux/fuse.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <filesystem>

#include "os/unique_fd.h"
#include "support/catch.h"
#include "support/environment.h"
#include "support/runtime.h"

using namespace lxcri::test;
namespace os = lxcri::os;
namespace fs = std::filesystem;

namespace {

// fuse(4): answers what a mount needs, and to no LOOKUP.
class SilentFilesystem {
  public:
    explicit SilentFilesystem(fs::path mount_point) : mount_point_(std::move(mount_point)) {
        device_.reset(open("/dev/fuse", O_RDWR | O_CLOEXEC));
        REQUIRE(device_.valid());
        const std::string options = "fd=" + std::to_string(device_.get()) +
                                    ",rootmode=40755,user_id=0,group_id=0,allow_other";
        REQUIRE(mount("silent", mount_point_.c_str(), "fuse", 0, options.c_str()) == 0);
        server_ = fork();
        REQUIRE(server_ >= 0);
        if (server_ == 0) serve();
    }
    SilentFilesystem(const SilentFilesystem&) = delete;
    SilentFilesystem& operator=(const SilentFilesystem&) = delete;
    ~SilentFilesystem() { end(); }

    // From then on the process that asked cannot be killed.
    void wait_for_lookup() { asked_.wait_for("lookup"); }

    // The kernel then answers by itself: ENOTCONN.
    void end() {
        if (server_ <= 0) return;
        ::kill(server_, SIGKILL);
        waitpid(server_, nullptr, 0);
        server_ = -1;
        device_.reset();
        umount2(mount_point_.c_str(), MNT_DETACH);
    }

  private:
    template <class Body>
    void reply(std::uint64_t unique, int error, const Body* body) const {
        fuse_out_header header{};
        header.unique = unique;
        header.error = error;
        header.len = sizeof header + (body == nullptr ? 0 : sizeof(Body));
        std::array<char, 512> message{};
        std::memcpy(message.data(), &header, sizeof header);
        if (body != nullptr) std::memcpy(message.data() + sizeof header, body, sizeof(Body));
        (void)!write(device_.get(), message.data(), header.len);
    }

    [[noreturn]] void serve() const {
        std::array<char, 1 << 17> request{};
        while (read(device_.get(), request.data(), request.size()) > 0) {
            fuse_in_header header{};
            std::memcpy(&header, request.data(), sizeof header);
            if (header.opcode == FUSE_INIT) {
                fuse_init_out init{};
                init.major = FUSE_KERNEL_VERSION;
                init.minor = 31;
                init.max_write = 4096;
                reply(header.unique, 0, &init);
            } else if (header.opcode == FUSE_GETATTR) {
                fuse_attr_out attributes{};
                attributes.attr_valid = 1000;
                attributes.attr.ino = FUSE_ROOT_ID;
                attributes.attr.mode = S_IFDIR | 0755;
                attributes.attr.nlink = 2;
                reply(header.unique, 0, &attributes);
            } else if (header.opcode == FUSE_LOOKUP) {
                (void)!write(asked_.write_end(), "lookup", 6);
            } else if (header.opcode != FUSE_FORGET) {
                reply<fuse_attr_out>(header.unique, -ENOSYS, nullptr);
            }
        }
        _exit(0);
    }

    fs::path mount_point_;
    os::UniqueFd device_;
    Stream asked_;
    pid_t server_ = -1;
};

std::string state_of(pid_t pid) {
    return line_after(read_file("/proc/" + std::to_string(pid) + "/status"), "State:");
}

}  // namespace

TEST_CASE("stuck: kill and delete of a container in the state D end", "[stuck][kill][lxcri]") {
    NEEDS(need_runtime());
    APPLIES(in_first_view());
    Box box;
    fs::create_directory(box / "silent");
    SilentFilesystem filesystem(box / "silent");
    box.bundle.add_mount({{"destination", "/mnt"},
                          {"type", "bind"},
                          {"source", box / "silent"},
                          {"options", {"bind"}}});
    box.bundle.args({"echo", "going", "--", "cat", "/mnt/file"});
    Container container = box.create();
    container.start();
    filesystem.wait_for_lookup();
    container.kill("KILL");
    for (int i = 0; i < 1000 && state_of(container.pid())[0] != 'D'; ++i) {
        let_time_pass(std::chrono::milliseconds{2});
    }
    REQUIRE(state_of(container.pid())[0] == 'D');

    CHECK(container.status() == "running");
    CHECK(box.call({"kill", "--all", container.id(), "KILL"}).code() == 0);
    const Finished deleted =
        box.call({"--delete-timeout", "1", "delete", "--force", container.id()});
    CHECK(deleted.code() == 1);
    CHECK(lines_of(deleted.err).size() == 1);
    CHECK(contains(deleted.err, "does not end"));
    CHECK(deleted.duration > std::chrono::milliseconds{900});
    CHECK(deleted.duration < std::chrono::seconds{5});
    CHECK(container.status() == "running");

    filesystem.end();
    CHECK(container.wait_code() == -9);
    CHECK(box.call({"delete", container.id()}).code() == 0);
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("stuck: create with a helper that says nothing ends in time", "[stuck][lxcri]") {
    NEEDS(need_runtime());
    APPLIES(in_first_view());
    Box box;
    const fs::path prefix = environment().runtime.parent_path().parent_path();
    fs::copy(prefix / "libexec/lxcri", box / "libexec");
    fs::remove(box / "libexec/lxcri-start");
    write_file(box / "libexec/lxcri-start", "#!/bin/sh\nexec sleep 1000\n", 0755);
    CreateOptions options;
    options.global = {"--libexec", box / "libexec", "--create-timeout", "1"};
    CHECK(contains(box.refusal(options), "was not ready within 1 seconds"));
}

TEST_CASE("stuck: kill of a container that others have frozen ends in time",
          "[stuck][kill][lxcri]") {
    NEEDS(need_runtime());
    // What is frozen with version 2 can be killed.
    APPLIES(in_first_view() && has_controller("freezer"));
    Box box;
    box.bundle.linux()["cgroupsPath"] = "/" + box.name() + "-pod/" + box.name();
    Container container = box.sleeper();
    const fs::path pod = cgroup_of(container.pid(), "freezer").parent_path();
    REQUIRE(contains(pod.filename().string(), box.name() + "-pod"));
    write_file(pod / "freezer.state", "FROZEN");
    for (int i = 0; i < 1000 && read_file(pod / "freezer.state") != "FROZEN\n"; ++i) {
        let_time_pass(std::chrono::milliseconds{2});
    }
    const Finished killed = box.call({"--kill-timeout", "1", "kill", container.id(), "KILL"});
    CHECK(killed.code() == 1);
    CHECK(contains(killed.err, "thawing the cgroup"));
    CHECK(killed.duration > std::chrono::milliseconds{900});
    CHECK(killed.duration < std::chrono::seconds{5});
    // The signal is there, it waits for those who have frozen the container.
    write_file(pod / "freezer.state", "THAWED");
    CHECK(container.wait_code() == -9);
    container.remove();
}
