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
#include <catch2/catch.hpp>
#include <chrono>
#include <cstring>
#include <filesystem>

#include "os/unique_fd.h"
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
            } else if (header.opcode != FUSE_LOOKUP && header.opcode != FUSE_FORGET) {
                reply<fuse_attr_out>(header.unique, -ENOSYS, nullptr);
            }
        }
        _exit(0);
    }

    fs::path mount_point_;
    os::UniqueFd device_;
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
    container.out().wait_for("going");
    for (int i = 0; i < 1000 && state_of(container.pid())[0] != 'S'; ++i) {
        let_time_pass(std::chrono::milliseconds{2});
    }
    container.kill("KILL");
    for (int i = 0; i < 1000 && state_of(container.pid())[0] != 'D'; ++i) {
        let_time_pass(std::chrono::milliseconds{2});
    }
    REQUIRE(state_of(container.pid())[0] == 'D');

    CHECK(container.status() == "running");
    CHECK(box.call({"kill", "--all", container.id(), "KILL"}).code() == 0);
    const Finished deleted = box.call({"delete", "--force", container.id()});
    CHECK(deleted.code() == 1);
    CHECK(lines_of(deleted.err).size() == 1);
    CHECK(contains(deleted.err, "does not end"));
    CHECK(deleted.duration < std::chrono::seconds{15});
    CHECK(container.status() == "running");

    filesystem.end();
    CHECK(container.wait_code() == -9);
    CHECK(box.call({"delete", container.id()}).code() == 0);
    CHECK(box.leftovers() == Strings{});
}
