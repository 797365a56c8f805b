// NOTIFY_SOCKET: the container tells the service manager that it is ready. And the annotation by
// which Kubernetes learns why it is not.
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "support/catch.h"
#include "support/environment.h"
#include "support/runtime.h"
#include "support/sockets.h"

using namespace lxcri::test;
namespace fs = std::filesystem;

namespace {

// The part of systemd.
class Manager {
  public:
    explicit Manager(const fs::path& path) : socket_(path) {}
    std::string receive() const { return socket_.receive().text; }
    bool has_message() const { return socket_.has_message(); }
    CommandOptions options() const {
        CommandOptions options;
        options.environment = Strings{socket_.variable()};
        return options;
    }

  private:
    NotifySocket socket_;
};

}  // namespace

TEST_CASE("NOTIFY_SOCKET: start returns when the container is ready", "[notify][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    const Manager manager(box / "n");
    box.bundle.process()["user"] = {{"uid", 1000}, {"gid", 1000}};
    box.bundle.args({"notify", "STATUS=not yet", "--", "notify", "READY=1\nSTATUS=ready", "--",
                     "env", "--", "sleep"});
    CreateOptions options;
    options.command = manager.options();
    Container container = box.create(options);
    Process start(box.command_line({"start", container.id()}), manager.options());
    CHECK(manager.receive() == "READY=1\nMAINPID=" + std::to_string(container.pid()));
    CHECK(manager.receive() == "BARRIER=1");
    CHECK(start.wait().code() == 0);
    container.out().wait_for("NOTIFY_SOCKET=/run/notify/notify.sock\n");
    container.kill();
    container.wait();
    container.remove();
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("NOTIFY_SOCKET: start returns when the container ends without a word",
          "[notify][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    const Manager manager(box / "n");
    CreateOptions options;
    options.command = manager.options();
    Container container = box.create(options);
    CHECK(run_command(box.command_line({"start", container.id()}), manager.options()).code() == 0);
    container.wait();
    container.remove();
}

TEST_CASE("NOTIFY_SOCKET: run in the foreground passes it on", "[notify][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    const Manager manager(box / "n");
    // It has gone at once: what it has said counts all the same, behind other words too.
    box.bundle.args({"notify", "STATUS=soon", "--", "notify", "READY=1", "--", "exit", "4"})
        .write();
    Process process(box.command_line({"run", "--bundle", box.bundle.path(), box.new_id()}),
                    manager.options());
    CHECK(manager.receive() == "READY=1");
    CHECK(process.wait().code() == 4);
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("NOTIFY_SOCKET: a manager hears READY once, whatever the container says",
          "[notify][hostile][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    const Manager manager(box / "n");
    Strings commands;
    for (int i = 0; i < 200; ++i) {
        for (const char* word : {"notify", "READY=1", "--"}) commands.emplace_back(word);
    }
    commands.emplace_back("true");
    box.bundle.args(commands).write();
    Process process(box.command_line({"run", "--bundle", box.bundle.path(), box.new_id()}),
                    manager.options());
    CHECK(manager.receive() == "READY=1");
    process.wait_exit_only();
    CHECK_FALSE(manager.has_message());
}

TEST_CASE("NOTIFY_SOCKET: a container that fills its directory can be deleted",
          "[notify][hostile][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    const Manager manager(box / "n");
    CreateOptions options;
    options.command = manager.options();
    Container container = box.create(options);
    // As one with CAP_SYS_ADMIN can do it, after it has mounted the directory writable.
    std::filesystem::create_directories(box.root() / container.id() / "notify" / "x" / "y");
    write_file(box.root() / container.id() / "notify" / "x" / "file", "");
    CHECK(box.call({"delete", "--force", container.id()}).code() == 0);
    (void)wait_for_child(container.pid());
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("annotation terminationMessagePath: gets the reason of a failed start",
          "[notify][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.config["annotations"] = {
        {"io.kubernetes.container.terminationMessagePath", "/tmp/message"}};
    write_file(box.bundle.in_rootfs("tmp/message"), "before\n");
    // Found, but no program.
    write_file(box.bundle.in_rootfs("tmp/program"), "#!/not/there\n", 0755);
    box.bundle.process()["args"] = {"/tmp/program"};
    Container container = box.create();
    CHECK(box.call({"start", container.id()}).code() != 0);
    container.wait();
    const std::string text = read_file(box.bundle.in_rootfs("tmp/message"));
    CHECK(text.starts_with("before\n"));
    CHECK(contains(text, "no such file or directory"));
    container.remove();
}

TEST_CASE("annotation terminationMessagePath: a FIFO or a link of the image does no harm",
          "[notify][hostile][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.config["annotations"] = {
        {"io.kubernetes.container.terminationMessagePath", "/tmp/message"}};
    REQUIRE(mkfifo(box.bundle.in_rootfs("tmp/message").c_str(), 0666) == 0);
    write_file(box.bundle.in_rootfs("tmp/program"), "#!/not/there\n", 0755);
    box.bundle.process()["args"] = {"/tmp/program"};
    Container container = box.create();
    CHECK(box.call({"start", container.id()}).code() != 0);
    container.wait();
    container.remove();
}

TEST_CASE("NOTIFY_SOCKET: one without a listener is a warning", "[notify][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    const fs::path left_over = box / "left-over";
    {
        const Manager gone(left_over);  // its socket's name stays
    }
    const std::string name =
        GENERATE_COPY(left_over.string(), (left_over / "none").string(),
                      (left_over.parent_path() / "none").string(), std::string("@lxcri-none"));
    CAPTURE(name);
    CommandOptions command;
    command.environment = Strings{"NOTIFY_SOCKET=" + name};
    const Strings log = {"--log", box / "log"};
    SECTION("create and start") {
        CreateOptions options;
        options.command = command;
        options.global = log;
        box.bundle.args({"exit", "5"});
        Container container = box.create(options);
        CHECK(box.call({"--log", box / "log", "start", container.id()}, command).code() == 0);
        CHECK(container.wait_code() == 5);
        container.remove();
    }
    SECTION("run") {
        box.bundle.args({"exit", "5"}).write();
        CHECK(box.call({"--log", box / "log", "run", "--bundle", box.bundle.path(), box.new_id()},
                       command)
                  .code() == 5);
    }
    CHECK(contains(read_file(box / "log"), "level=warning"));
    CHECK(contains(read_file(box / "log"), "NOTIFY_SOCKET"));
    CHECK(box.leftovers() == Strings{});
}
