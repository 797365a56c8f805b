// lib/seccomp/notify, and a filter with a listener: from the profile to an agent that answers.

#include "seccomp/notify.h"

#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "os/unix_socket.h"
#include "support/catch.h"
#include "unit/seccomp/confined.h"
#include "unit/seccomp/profiles.h"

using namespace lxcri;
using namespace lxcri::test;
using Action = oci::SeccompAction;

namespace {

class TempDir {
  public:
    TempDir() {
        char name[] = "/tmp/lxcri-seccomp-XXXXXX";
        if (::mkdtemp(name) == nullptr) throw std::runtime_error("mkdtemp");
        path_ = name;
    }
    TempDir(const TempDir&) = delete;
    TempDir& operator=(const TempDir&) = delete;
    ~TempDir() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    const std::filesystem::path& path() const { return path_; }

  private:
    std::filesystem::path path_;
};

// Listens in the current directory, so that the path may be long.
os::UniqueFd listen_on(const std::filesystem::path& path, int type = SOCK_STREAM) {
    const auto before = std::filesystem::current_path();
    std::filesystem::current_path(path.parent_path());
    os::UniqueFd socket(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string name = path.filename();
    std::memcpy(address.sun_path, name.c_str(), name.size() + 1);
    const bool bound =
        ::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    std::filesystem::current_path(before);
    if (!bound || ::listen(socket.get(), 1) != 0) throw std::runtime_error("listen");
    return socket;
}

oci::State example_state() {
    oci::State state;
    state.oci_version = "1.3.0";
    state.id = "c1";
    state.status = oci::Status::creating;
    state.pid = 42;
    state.bundle = "/bundle";
    state.annotations = {{"key", "value"}};
    return state;
}

struct Received {
    std::string document;
    std::vector<os::UniqueFd> fds;
    std::size_t messages = 0;
};

// As an agent does: one connection, everything up to its end.
Received receive_all(int listening) {
    const os::UniqueFd socket(::accept4(listening, nullptr, nullptr, SOCK_CLOEXEC));
    Received result;
    while (auto message = os::receive_message(socket.get())) {
        result.document += message->data;
        for (auto& fd : message->fds) result.fds.push_back(std::move(fd));
        ++result.messages;
    }
    return result;
}

// Answers one request with this value, or with this error.
std::uint64_t answer(int listener, int error, std::int64_t value) {
    seccomp_notif request{};
    REQUIRE(::ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &request) == 0);
    seccomp_notif_resp response{};
    response.id = request.id;
    response.error = error;
    response.val = value;
    REQUIRE(::ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response) == 0);
    return request.data.args[0];
}

}  // namespace

TEST_CASE("seccomp: the container process state") {
    const auto document = seccomp::container_process_state(example_state(), 77, "some=metadata");
    CHECK(nlohmann::json::parse(document) == nlohmann::json::parse(R"({
        "ociVersion": "1.3.0",
        "fds": ["seccompFd"],
        "pid": 77,
        "metadata": "some=metadata",
        "state": {
            "ociVersion": "1.3.0",
            "id": "c1",
            "status": "creating",
            "pid": 42,
            "bundle": "/bundle",
            "annotations": {"key": "value"}
        }
    })"));
    const auto without = seccomp::container_process_state(example_state(), 77, {});
    CHECK_FALSE(nlohmann::json::parse(without).contains("metadata"));
}

TEST_CASE("seccomp: metadata that is not UTF-8 does not break the document") {
    const auto document = seccomp::container_process_state(example_state(), 1, "a\xff\"b");
    CHECK(nlohmann::json::parse(document)["metadata"] == "a\xef\xbf\xbd\"b");
}

TEST_CASE("seccomp: document and descriptor arrive in one message, then the connection ends") {
    const TempDir dir;
    const auto listening = listen_on(dir.path() / "agent");
    const os::UniqueFd file(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    seccomp::send_listener(dir.path() / "agent", "{\"a\": 1}", file.get());
    const auto received = receive_all(listening.get());
    CHECK(received.document == "{\"a\": 1}");
    CHECK(received.messages == 1);
    REQUIRE(received.fds.size() == 1);
    struct stat sent {};
    struct stat got {};
    CHECK(::fstat(file.get(), &sent) == 0);
    CHECK(::fstat(received.fds[0].get(), &got) == 0);
    CHECK(sent.st_rdev == got.st_rdev);
}

TEST_CASE("seccomp: a path longer than a socket address") {
    const TempDir dir;
    const auto deep = dir.path() / std::string(200, 'd');
    std::filesystem::create_directory(deep);
    const auto listening = listen_on(deep / std::string(100, 's'));
    seccomp::send_listener(deep / std::string(100, 's'), "{}", 0);
    CHECK(receive_all(listening.get()).document == "{}");
}

TEST_CASE("seccomp: a document longer than one message") {
    const TempDir dir;
    const auto listening = listen_on(dir.path() / "agent");
    std::string document(100'000, 'x');
    document += "end";
    seccomp::send_listener(dir.path() / "agent", document, 0);
    const auto received = receive_all(listening.get());
    CHECK(received.document == document);
    CHECK(received.fds.size() == 1);
}

TEST_CASE("seccomp: an agent that cannot be reached is an error") {
    const TempDir dir;
    const auto message = [](const std::filesystem::path& path) -> std::string {
        try {
            seccomp::send_listener(path, "{}", 0);
        } catch (const SystemError& error) {
            return error.what();
        }
        return "no error";
    };
    const auto prefix = [&](const char* name) {
        return "send listener to \"" + (dir.path() / name).string() + "\": ";
    };
    CHECK(message(dir.path() / "missing") == prefix("missing") + "no such file or directory");
    const os::UniqueFd file(
        ::open((dir.path() / "file").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    CHECK(message(dir.path() / "file") == prefix("file") + "connection refused");
    { const auto gone = listen_on(dir.path() / "gone"); }
    CHECK(message(dir.path() / "gone") == prefix("gone") + "connection refused");
    const auto packets = listen_on(dir.path() / "packets", SOCK_SEQPACKET);
    CHECK(message(dir.path() / "packets") == prefix("packets") + "protocol wrong type for socket");
}

TEST_CASE("seccomp: an agent answers for a system call", "[native]") {
    const TempDir dir;
    const auto listening = listen_on(dir.path() / "agent");
    const auto filter =
        compile_profile(profile(Action::allow, {rule({"mkdirat"}, Action::notify)}));
    REQUIRE(filter.notifies());
    auto [ours, theirs] = os::make_seqpacket_pair();
    auto child = os::fork_child();
    if (!child) {
        // The part of lxcri-init, then of the container process.
        try {
            os::check(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl");
            const os::UniqueFd listener = seccomp::load(filter.program, filter.flags);
            const std::array fds{listener.get()};
            os::send_message(theirs.get(), "listener", fds);
        } catch (...) {
            ::_exit(99);
        }
        if (call(SYS_mkdirat, 1234, 0, 0) != 5678) ::_exit(1);
        if (call(SYS_mkdirat, 1235, 0, 0) != -EXDEV) ::_exit(2);
        if (call(SYS_getppid) <= 0) ::_exit(3);
        ::_exit(0);
    }
    {
        // The part of `lxcri create`.
        const auto message = os::receive_message(ours.get());
        REQUIRE(message);
        REQUIRE(message->fds.size() == 1);
        const auto document =
            seccomp::container_process_state(example_state(), child->pid(), "for the agent");
        seccomp::send_listener(dir.path() / "agent", document, message->fds[0].get());
    }
    const auto received = receive_all(listening.get());
    CHECK(nlohmann::json::parse(received.document)["pid"] == child->pid());
    REQUIRE(received.fds.size() == 1);
    CHECK(answer(received.fds[0].get(), 0, 5678) == 1234);
    CHECK(answer(received.fds[0].get(), -EXDEV, 0) == 1235);
    const auto status = child->wait();
    CHECK(status->describe() == os::ExitStatus::exited(0).describe());
}

TEST_CASE(
    "seccomp: a filter without NOTIFY gives no listener, one with it a descriptor closed on exec",
    "[native]") {
    const auto outcome =
        run_child([] { os::check(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl"); },
                  [] {
                      const auto plain = compile_profile(profile(Action::allow));
                      if (seccomp::load(plain.program, plain.flags).valid()) return 1L;
                      auto seccomp = profile(Action::allow, {rule({"mkdirat"}, Action::notify)});
                      // TSYNC and a listener need a third flag to go together.
                      seccomp.flags = {oci::SeccompFlag::tsync};
                      const auto with = compile_profile(seccomp);
                      const os::UniqueFd listener = seccomp::load(with.program, with.flags);
                      if (!listener.valid()) return 2L;
                      return ::fcntl(listener.get(), F_GETFD) == FD_CLOEXEC ? 0L : 3L;
                  });
    CHECK(outcome.result == 0);
}
