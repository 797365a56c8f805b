// What `create` sends to its helpers, message by message.

#include "runtime/sender.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <filesystem>
#include <functional>

#include "base/error.h"
#include "base/strings.h"
#include "handoff/codec.h"
#include "handoff/start_signal.h"
#include "os/file.h"
#include "support/catch.h"
#include "translate/translators.h"
#include "unit/os/child.h"
#include "unit/os/needs.h"
#include "unit/os/temp_dir.h"

using namespace lxcri;
using namespace lxcri::test;
using handoff::MessageKind;

namespace {

class Conversation {
  public:
    explicit Conversation(translate::Plan plan)
        : plan_(with_sources(std::move(plan))),
          ends_(os::make_seqpacket_pair()),
          directory_(os::open_at(AT_FDCWD, temp_.path(), O_RDONLY | O_DIRECTORY)),
          sender_(ends_.first.get(), plan_, directory_.get(), hook_files_) {}

    // The next message, which has to be of this kind.
    handoff::Received next(MessageKind kind) {
        REQUIRE(sender_.has_next());
        sender_.send_next();
        return handoff::expect(ends_.second.get(), kind);
    }

    runtime::Sender& sender() { return sender_; }
    int near_end() const { return ends_.first.get(); }
    int far_end() const { return ends_.second.get(); }
    int directory() const { return directory_.get(); }

  private:
    static translate::Plan with_sources(translate::Plan plan) {
        translate::translate_sources(plan);
        return plan;
    }

    translate::Plan plan_;
    TempDir temp_;
    std::pair<os::UniqueFd, os::UniqueFd> ends_;
    os::UniqueFd directory_;
    runtime::HookFiles hook_files_;
    runtime::Sender sender_;
};

// Binds of /, which every machine has.
translate::Plan plan_with_binds(std::size_t count) {
    translate::Plan plan;
    for (std::size_t i = 0; i < count; ++i) {
        handoff::MountAction action;
        action.pointer = concat("/mounts/", std::to_string(i));
        action.kind = handoff::MountKind::bind;
        action.source = "/";
        plan.hook.mounts.push_back(action);
    }
    return plan;
}

}  // namespace

TEST_CASE("a plan without anything special is three messages") {
    translate::Plan plan;
    plan.start.id = "c1";
    plan.hook.loopback_up = true;
    plan.init.hostname = "web-1";
    Conversation talk(plan);
    const auto start = talk.next(MessageKind::start_plan);
    CHECK(handoff::decode<handoff::StartPlan>(start.body).id == "c1");
    CHECK(start.fds.empty());
    const auto hook = talk.next(MessageKind::hook_plan);
    CHECK(handoff::decode<handoff::HookPlan>(hook.body).loopback_up);
    CHECK(hook.fds.empty());
    const auto init = talk.next(MessageKind::init_plan);
    CHECK(handoff::decode<handoff::InitPlan>(init.body).hostname == "web-1");
    CHECK_FALSE(talk.sender().has_next());
}

TEST_CASE("init gets the open standard streams and the FIFOs") {
    for (const unsigned open_stdio : {0U, 1U, 5U, 7U}) {
        INFO(open_stdio);
        translate::Plan plan;
        plan.init.process.open_stdio = open_stdio;
        Conversation talk(plan);
        talk.next(MessageKind::start_plan);
        talk.next(MessageKind::hook_plan);
        CHECK_FALSE(handoff::is_waiting_for_start(talk.directory()));
        auto init = talk.next(MessageKind::init_plan);
        const auto streams = static_cast<std::size_t>(__builtin_popcount(open_stdio));
        REQUIRE(init.fds.size() == streams + 2);
        for (const auto& fd : {streams, streams + 1}) {
            struct stat status {};
            REQUIRE(::fstat(init.fds[fd].get(), &status) == 0);
            CHECK(S_ISFIFO(status.st_mode));
        }
        // The process that holds them is init.
        CHECK(handoff::is_waiting_for_start(talk.directory()));
        init.fds.clear();
        CHECK_FALSE(handoff::is_waiting_for_start(talk.directory()));
    }
}

TEST_CASE("namespaces to join come with the first message", "[native]") {
    translate::Plan plan;
    plan.host.namespaces = {{"/linux/namespaces/0", "uts", "/proc/self/ns/uts", CLONE_NEWUTS},
                            {"/linux/namespaces/1", "ipc", "/proc/self/ns/ipc", CLONE_NEWIPC}};
    Conversation talk(plan);
    CHECK(talk.next(MessageKind::start_plan).fds.size() == 2);
}

TEST_CASE("a namespace that is none is named by its place in config.json", "[native]") {
    translate::Plan plan;
    plan.host.namespaces = {{"/linux/namespaces/4", "net", "/proc/self/ns/uts", CLONE_NEWNET}};
    Conversation talk(plan);
    CHECK_THROWS_WITH(talk.sender().send_next(),
                      "/linux/namespaces/4/path: \"/proc/self/ns/uts\" is a namespace of another "
                      "type");
}

TEST_CASE("hooks of the runtime namespace come between") {
    translate::Plan plan;
    plan.hook.runtime_hooks = true;
    Conversation talk(plan);
    talk.next(MessageKind::start_plan);
    talk.next(MessageKind::hook_plan);
    CHECK_FALSE(talk.sender().has_next());
    CHECK_THROWS_WITH(talk.sender().answer(MessageKind::net_devices_moved),
                      "internal error: a request out of turn");
    talk.sender().answer(MessageKind::runtime_hooks_done);
    CHECK(handoff::expect(talk.far_end(), MessageKind::runtime_hooks_done).body.empty());
    talk.next(MessageKind::init_plan);
    CHECK_FALSE(talk.sender().has_next());
}

TEST_CASE("network devices come before everything else of the mount hook") {
    translate::Plan plan;
    plan.hook.net_devices = true;
    plan.hook.runtime_hooks = GENERATE(false, true);
    Conversation talk(plan);
    talk.next(MessageKind::start_plan);
    talk.next(MessageKind::hook_plan);
    std::vector<MessageKind> answers{MessageKind::net_devices_moved};
    if (plan.hook.runtime_hooks) answers.push_back(MessageKind::runtime_hooks_done);
    for (const auto answer : answers) {
        CHECK_FALSE(talk.sender().has_next());
        talk.sender().answer(answer);
        (void)handoff::expect(talk.far_end(), answer);
    }
    talk.next(MessageKind::init_plan);
    CHECK_FALSE(talk.sender().has_next());
}

TEST_CASE("sources wait for the network devices", "[root]") {
    UNIT_NEEDS(is_root(), "open_tree needs root");
    translate::Plan plan = plan_with_binds(2);
    plan.hook.net_devices = true;
    Conversation talk(plan);
    talk.next(MessageKind::start_plan);
    talk.next(MessageKind::hook_plan);
    CHECK_FALSE(talk.sender().has_next());
    talk.sender().answer(MessageKind::net_devices_moved);
    (void)handoff::expect(talk.far_end(), MessageKind::net_devices_moved);
    CHECK(talk.next(MessageKind::sources).fds.size() == 2);
    talk.next(MessageKind::init_plan);
}

TEST_CASE("a source behind a filesystem is copied when it is asked for", "[root]") {
    UNIT_NEEDS(is_root(), "open_tree needs root");
    translate::Plan plan = plan_with_binds(5);
    plan.hook.mounts[2].kind = handoff::MountKind::filesystem;
    Conversation talk(plan);
    talk.next(MessageKind::start_plan);
    talk.next(MessageKind::hook_plan);
    const auto first_of = [](const handoff::Received& message) {
        return handoff::decode<handoff::SourceNumber>(message.body).first;
    };
    const auto ahead = talk.next(MessageKind::sources);
    CHECK(first_of(ahead) == 0);
    CHECK(ahead.fds.size() == 2);
    CHECK_FALSE(talk.sender().has_next());
    CHECK_THROWS_WITH(talk.sender().want_source(3), "internal error: a mount source out of turn");
    talk.sender().want_source(2);
    const auto asked_for = talk.next(MessageKind::sources);
    CHECK(first_of(asked_for) == 2);
    CHECK(asked_for.fds.size() == 2);
    talk.next(MessageKind::init_plan);
    CHECK_FALSE(talk.sender().has_next());
}

TEST_CASE("where mounts are shared the root goes from the hook to init", "[root]") {
    UNIT_NEEDS(is_root(), "/proc/self/ns/mnt needs root");
    translate::Plan plan;
    plan.hook.shares_mounts = true;
    plan.init.shares_mounts = true;
    plan.host.shared_mounts = {"/linux/namespaces", "mnt", translate::kOwnMountNamespace,
                               CLONE_NEWNS};
    Conversation talk(plan);
    talk.next(MessageKind::start_plan);
    CHECK(talk.next(MessageKind::hook_plan).fds.size() == 1);
    CHECK_FALSE(talk.sender().has_next());
    os::UniqueFd root = os::open_at(AT_FDCWD, "/", O_PATH | O_DIRECTORY);
    talk.sender().take_root(std::move(root));
    talk.sender().answer(MessageKind::root_mount_recorded);
    (void)handoff::expect(talk.far_end(), MessageKind::root_mount_recorded);
    CHECK(talk.next(MessageKind::init_plan).fds.size() == 4);  // start, result, namespace, root
    CHECK_FALSE(talk.sender().has_next());
}

TEST_CASE("preserved descriptors go to init, however many they are") {
    CHECK(in_child([] {
              constexpr int kCount = 30;
              for (int fd = 3; fd < 3 + kCount; ++fd) ::dup2(2, fd);
              translate::Plan plan;
              plan.init.process.preserved_fds = kCount;
              Conversation talk(plan);
              std::size_t fds = 0;
              std::string kinds;
              while (talk.sender().has_next()) {
                  talk.sender().send_next();
                  const auto message = handoff::receive(talk.far_end());
                  kinds += static_cast<char>(message->kind);
                  if (message->kind == MessageKind::sources) fds += message->fds.size();
              }
              return concat(kinds.substr(0, 4), " ", std::to_string(fds));
          }) == "SHIM 30");
}

TEST_CASE("a channel that is full delays, and loses nothing") {
    translate::Plan plan;
    plan.start.id = std::string(30000, 'i');
    Conversation talk(plan);
    std::size_t waiting = 0;
    while (handoff::send(talk.near_end(), MessageKind::ready, std::string(1000, 'x'), {},
                         os::WhenFull::give_up)) {
        ++waiting;
    }
    REQUIRE(waiting > 0);
    for (int i = 0; i < 3; ++i) talk.sender().send_next();  // there is no room
    CHECK(talk.sender().has_next());
    for (; waiting > 0; --waiting) (void)handoff::expect(talk.far_end(), MessageKind::ready);
    const auto start = talk.next(MessageKind::start_plan);
    CHECK(handoff::decode<handoff::StartPlan>(start.body).id == plan.start.id);
    talk.next(MessageKind::hook_plan);
    talk.next(MessageKind::init_plan);
    CHECK_FALSE(talk.sender().has_next());
}

TEST_CASE("sources are sent few at a time, each once", "[root]") {
    UNIT_NEEDS(is_root(), "open_tree needs root");
    Conversation talk(plan_with_binds(20));
    talk.next(MessageKind::start_plan);
    talk.next(MessageKind::hook_plan);
    std::size_t fds = 0;
    while (fds < 20) {
        const auto message = talk.next(MessageKind::sources);
        REQUIRE_FALSE(message.fds.empty());
        CHECK(message.fds.size() <= 10);
        fds += message.fds.size();
    }
    CHECK(fds == 20);
    talk.next(MessageKind::init_plan);
    CHECK_FALSE(talk.sender().has_next());
}

TEST_CASE("sources need few descriptors here", "[root]") {
    UNIT_NEEDS(is_root(), "open_tree needs root");
    CHECK(in_child([] {
              Conversation talk(plan_with_binds(200));
              const int next_free = ::dup(2);
              ::close(next_free);
              const auto limit = static_cast<rlim_t>(next_free) + 20;
              const rlimit low{limit, limit};
              if (::setrlimit(RLIMIT_NOFILE, &low) != 0) return std::string("setrlimit");
              std::size_t fds = 0;
              while (talk.sender().has_next()) {
                  talk.sender().send_next();
                  const auto message = handoff::receive(talk.far_end());
                  if (message->kind == MessageKind::sources) fds += message->fds.size();
              }
              return std::to_string(fds);
          }) == "200");
}

TEST_CASE("a source that is missing is named by its place in config.json", "[root]") {
    UNIT_NEEDS(is_root(), "open_tree needs root");
    auto plan = plan_with_binds(3);
    plan.hook.mounts[2].source = "/no/such/source";
    Conversation talk(plan);
    talk.next(MessageKind::start_plan);
    talk.next(MessageKind::hook_plan);
    CHECK_THROWS_WITH(talk.sender().send_next(),
                      Catch::StartsWith("/mounts/2/source: open_tree \"/no/such/source\"") &&
                          Catch::EndsWith("no such file or directory"));
}

TEST_CASE("a host's device that is another one is refused", "[root]") {
    UNIT_NEEDS(is_root(), "open_tree needs root");
    translate::Plan plan;
    plan.hook.bind_devices = true;
    translate::OuterDevice device;
    device.pointer = "/linux/devices/0";
    device.path = "/dev/null";
    device.major = 1;
    device.minor = 5;  // that is /dev/zero
    plan.hook.devices.resize(1);
    const auto refusal = [&] {
        plan.host.devices = {device};
        Conversation talk(plan);
        talk.next(MessageKind::start_plan);
        talk.next(MessageKind::hook_plan);
        try {
            talk.sender().send_next();
        } catch (const Error& error) {
            return std::string(error.what());
        }
        return std::string();
    };
    CHECK(refusal() == "/linux/devices/0: \"/dev/null\" of the host is another device");
    device.minor = 3;
    CHECK(refusal().empty());
    device.mode = 0666;
    CHECK(refusal().empty());
    device.mode = 0600;
    CHECK_THAT(refusal(), Catch::StartsWith("/linux/devices/0/fileMode: cannot be applied"));
    device.mode.reset();
    device.gid = 4711;
    CHECK_THAT(refusal(), Catch::StartsWith("/linux/devices/0/gid: cannot be applied"));
}

TEST_CASE("devices that create makes come with the plan of the mount hook", "[root]") {
    UNIT_NEEDS(is_root(), "mknod needs root");
    translate::Plan plan;
    plan.hook.bind_devices = true;
    plan.hook.made_devices = true;
    translate::OuterDevice device;
    device.path = "/dev/foo";
    device.major = 1;
    device.minor = 3;
    device.mode = 0640;
    device.uid = 100000;
    plan.host.devices = {device, device};
    Conversation talk(plan);
    talk.next(MessageKind::start_plan);
    const auto message = talk.next(MessageKind::hook_plan);
    REQUIRE(message.fds.size() == 1);
    struct stat status {};
    REQUIRE(::fstatat(message.fds[0].get(), "1", &status, 0) == 0);
    CHECK(status.st_mode == (S_IFCHR | 0640));
    CHECK(status.st_rdev == ::makedev(1, 3));
    CHECK(status.st_uid == 100000);
    talk.next(MessageKind::init_plan);
}
