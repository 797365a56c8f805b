// The two FIFOs between `lxcri start` and lxcri-init.

#include "handoff/start_signal.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <functional>
#include <optional>

#include "base/error.h"
#include "base/strings.h"
#include "handoff/failure.h"
#include "os/file.h"
#include "os/process.h"
#include "support/catch.h"
#include "unit/os/child.h"
#include "unit/os/temp_dir.h"

using namespace lxcri;
using namespace lxcri::test;
using handoff::StartFifos;

namespace {

// A container directory, and a child that plays init in it.
class Container {
  public:
    Container() : directory_(os::open_at(AT_FDCWD, temp_.path(), O_RDONLY | O_DIRECTORY)) {}

    int fd() const { return directory_.get(); }
    const TempDir& temp() const { return temp_; }

    void start_init(const std::function<void(const StartFifos&)>& action) {
        const auto fifos = handoff::make_start_fifos(fd());
        auto child = os::fork_child();
        if (!child) {
            os::reset_signals();
            ::alarm(30);
            action(fifos);
            ::_exit(0);
        }
        init_.emplace(std::move(*child));
        process_.emplace(os::ProcessRef::open(init_->pid()));
    }

    // "started", or the error.
    std::string start() const {
        try {
            handoff::start_and_wait(fd(), *process_);
        } catch (const StateError& error) {
            return std::string("state: ") + error.what();
        } catch (const handoff::HookError& error) {
            return concat("hook ", name_of(handoff::kHookKinds, error.kind()), " ",
                          std::to_string(error.index()), ": ", error.what());
        } catch (const Error& error) {
            return error.what();
        }
        return "started";
    }

    os::ChildProcess& init() { return *init_; }
    const os::ProcessRef& process() const { return *process_; }

  private:
    TempDir temp_;
    os::UniqueFd directory_;
    std::optional<os::ChildProcess> init_;
    std::optional<os::ProcessRef> process_;
};

[[noreturn]] void execute_sleep() {
    ::execl("/bin/sleep", "sleep", "100", static_cast<char*>(nullptr));
    ::_exit(127);
}

}  // namespace

TEST_CASE("the FIFOs are private, and their descriptors close on exec") {
    const Container container;
    const auto fifos = handoff::make_start_fifos(container.fd());
    for (const auto* name : {handoff::kStartFifo, handoff::kResultFifo}) {
        struct stat status {};
        REQUIRE(::fstatat(container.fd(), name, &status, AT_SYMLINK_NOFOLLOW) == 0);
        CHECK(S_ISFIFO(status.st_mode));
        CHECK((status.st_mode & 07777) == 0600);
    }
    CHECK((::fcntl(fifos.start.get(), F_GETFD) & FD_CLOEXEC) != 0);
    CHECK((::fcntl(fifos.result.get(), F_GETFD) & FD_CLOEXEC) != 0);
    // Init's writes must not come back as an error when its pipe is full for a moment.
    CHECK((::fcntl(fifos.result.get(), F_GETFL) & O_NONBLOCK) == 0);
    CHECK_THROWS_WITH(handoff::make_start_fifos(container.fd()),
                      "mkfifo \"start.fifo\": file exists");
}

TEST_CASE("created means that a process holds the start FIFO") {
    const Container container;
    CHECK_FALSE(handoff::is_waiting_for_start(container.fd()));  // there is none
    auto fifos = handoff::make_start_fifos(container.fd());
    CHECK(handoff::is_waiting_for_start(container.fd()));
    CHECK(handoff::is_waiting_for_start(container.fd()));
    fifos.start.reset();
    CHECK_FALSE(handoff::is_waiting_for_start(container.fd()));
}

TEST_CASE("start lets init go and returns when the container process runs", "[native]") {
    Container container;
    container.start_init([](const StartFifos& fifos) {
        handoff::wait_for_start(fifos.start.get());
        ::close(fifos.start.get());  // as lxcri-init does
        handoff::say_executing(fifos.result.get());
        execute_sleep();
    });
    CHECK(handoff::is_waiting_for_start(container.fd()));
    CHECK(container.start() == "started");
    CHECK_FALSE(handoff::is_waiting_for_start(container.fd()));
    // The name of the process is that of the program: the exec has happened.
    CHECK(content_of("/proc/" + std::to_string(container.init().pid()) + "/comm") == "sleep\n");
    CHECK(container.start() == "state: the container has been started already");
}

TEST_CASE("init waits until it is told, however often another process looks", "[native]") {
    Container container;
    container.start_init([](const StartFifos& fifos) {
        handoff::wait_for_start(fifos.start.get());
        ::close(fifos.start.get());  // as lxcri-init does
        handoff::say_executing(fifos.result.get());
        execute_sleep();
    });
    for (int i = 0; i < 200; ++i) REQUIRE(handoff::is_waiting_for_start(container.fd()));
    CHECK_FALSE(container.process().wait_exit(os::Clock::now() + std::chrono::milliseconds(20)));
    CHECK(content_of("/proc/" + std::to_string(container.init().pid()) + "/comm") != "sleep\n");
    CHECK(container.start() == "started");
}

TEST_CASE("start fails with init's own words", "[native]") {
    const std::string words =
        GENERATE(std::string("hook /hooks/startContainer/0 \"/bin/x\" exited with status 1"),
                 std::string("x-ray machine not found"), std::string("a"), std::string(40000, 'e'));
    Container container;
    container.start_init([&](const StartFifos& fifos) {
        handoff::wait_for_start(fifos.start.get());
        handoff::say_failed(fifos.result.get(), Error(words));
        ::_exit(1);
    });
    CHECK(container.start() == words);
}

TEST_CASE("start fails with init's own error, whichever it is", "[native]") {
    Container container;
    container.start_init([&](const StartFifos& fifos) {
        handoff::wait_for_start(fifos.start.get());
        handoff::say_executing(fifos.result.get());
        handoff::say_failed(fifos.result.get(),
                            handoff::HookError(handoff::HookKind::start_container, 3, 0, "no"));
        ::_exit(1);
    });
    CHECK(container.start() == "hook startContainer 3: no");
}

TEST_CASE("start fails with the words of an init that is older", "[native]") {
    Container container;
    container.start_init([&](const StartFifos& fifos) {
        handoff::wait_for_start(fifos.start.get());
        constexpr std::string_view kMessage = "fhook 1 2 3 failed";
        (void)!::write(fifos.result.get(), kMessage.data(), kMessage.size());
        ::_exit(1);
    });
    CHECK(container.start() == "hook 1 2 3 failed");
}

TEST_CASE("start fails when the exec fails", "[native]") {
    Container container;
    container.start_init([](const StartFifos& fifos) {
        handoff::wait_for_start(fifos.start.get());
        ::close(fifos.start.get());  // as lxcri-init does
        handoff::say_executing(fifos.result.get());
        handoff::say_failed(fifos.result.get(),
                            Error("exec \"/bin/none\": no such file or directory"));
        ::_exit(127);
    });
    CHECK(container.start() == "exec \"/bin/none\": no such file or directory");
}

TEST_CASE("start fails when init dies without a word", "[native]") {
    Container container;
    container.start_init([](const StartFifos& fifos) {
        handoff::wait_for_start(fifos.start.get());
        ::raise(SIGKILL);
    });
    CHECK(container.start() == "the container's init died before it could start the process");
}

TEST_CASE("start fails when init dies and another process holds its FIFOs", "[native]") {
    Container container;
    container.start_init([](const StartFifos& fifos) {
        handoff::wait_for_start(fifos.start.get());
        if (::fork() == 0) {
            ::alarm(5);
            for (;;) ::pause();
        }
        ::raise(SIGKILL);
    });
    const auto begin = os::Clock::now();
    CHECK(container.start() == "the container's init died before it could start the process");
    CHECK(os::Clock::now() - begin < std::chrono::seconds(4));
}

TEST_CASE("start fails when init is dead before", "[native]") {
    Container container;
    container.start_init([](const StartFifos&) {});
    CHECK(container.process().wait_exit(os::Clock::now() + std::chrono::seconds(10)));
    CHECK(container.start() == "state: the container has been started already");
}

TEST_CASE("a start that is killed does not take init with it", "[native]") {
    Container container;
    container.start_init([](const StartFifos& fifos) {
        ::signal(SIGPIPE, SIG_IGN);  // as lxcri-init does
        handoff::wait_for_start(fifos.start.get());
        ::close(fifos.start.get());  // as lxcri-init does
        handoff::say_executing(fifos.result.get());
        execute_sleep();
    });
    // The byte is written, but no process reads the result.
    const auto start = os::open_at(container.fd(), handoff::kStartFifo, O_WRONLY | O_NONBLOCK);
    REQUIRE(::write(start.get(), "g", 1) == 1);
    CHECK_FALSE(container.process().wait_exit(os::Clock::now() + std::chrono::milliseconds(200)));
    CHECK(content_of("/proc/" + std::to_string(container.init().pid()) + "/comm") == "sleep\n");
}
