// conmon as the caller: what Podman and CRI-O put between themselves and a runtime.
#include <signal.h>

#include <filesystem>

#include "support/catch.h"
#include "support/environment.h"
#include "support/runtime.h"

using namespace lxcri::test;
namespace fs = std::filesystem;

namespace {

// One container under conmon. conmon tells the container's pid over a pipe and is left to us, the
// subreaper, when it goes into the background.
class Conmon {
  public:
    Conmon(Box& box, const Strings& flags = {}) : box_(box), id_(box.new_id()) {
        box.bundle.write();
        fs::create_directories(box / "exit");
        Strings command = {find_program("conmon"),
                           "-c",
                           id_,
                           "-u",
                           id_,
                           "-n",
                           id_,
                           "-r",
                           environment().runtime,
                           "-b",
                           box.bundle.path(),
                           "-p",
                           box / "pid",
                           "-P",
                           box / "conmon.pid",
                           "--exit-dir",
                           box / "exit",
                           "-l",
                           "k8s-file:" + (box / "log").string(),
                           "--full-attach",
                           "--runtime-arg",
                           "--log-format=json",
                           "--runtime-arg",
                           "--log=" + (box / "runtime.log").string(),
                           "--runtime-arg",
                           "--root=" + box.root().string()};
        command.insert(command.end(), flags.begin(), flags.end());
        CommandOptions options;
        // As conmon gets it from Podman; what it passes on is nearly empty.
        options.environment = Strings{"_OCI_SYNCPIPE=3"};
        options.fds = {{sync_.write_end(), 3}};
        REQUIRE(Process(command, options).wait_exit_only().code() == 0);
        sync_.wait_for("\n");
    }

    const std::string& id() const { return id_; }
    // What conmon says about create: {"pid": N} or {"pid": -1, "message": ...}
    Json report() const { return Json::parse(lines_of(sync_.text()).at(0)); }
    std::string log() const { return read_file(box_ / "log"); }

    // Waits for conmon's end and returns the container's exit status as it wrote it.
    std::string exit_status() {
        const pid_t pid = std::stoi(read_file(box_ / "conmon.pid"));
        wait_until_dead(pid);
        (void)living_children();
        return read_file(box_ / "exit" / id_);
    }

  private:
    Box& box_;
    std::string id_;
    Stream sync_;
};

std::optional<std::string> need_conmon() {
    if (auto missing = need_runtime()) return missing;
    return need_program("conmon");
}

}  // namespace

TEST_CASE("conmon: output and exit status arrive", "[conmon]") {
    NEEDS(need_conmon());
    Box box;
    const int code = GENERATE(0, 42);
    box.bundle.args(
        {"echo", "to stdout", "--", "error", "to stderr", "--", "exit", std::to_string(code)});
    Conmon conmon(box);
    const pid_t pid = conmon.report().at("pid");
    CHECK(pid > 0);
    CHECK(read_file(box / "pid") == std::to_string(pid));
    CHECK(Json::parse(box.call({"state", conmon.id()}).out).at("pid") == pid);
    CHECK(parent_of(pid) == std::stoi(read_file(box / "conmon.pid")));
    CHECK(box.call({"start", conmon.id()}).code() == 0);
    CHECK(conmon.exit_status() == std::to_string(code));
    CHECK(contains(conmon.log(), "stdout F to stdout\n"));
    CHECK(contains(conmon.log(), "stderr F to stderr\n"));
    CHECK(box.call({"delete", conmon.id()}).code() == 0);
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("conmon: a killed container has status 137", "[conmon]") {
    NEEDS(need_conmon());
    Box box;
    box.bundle.args({"sleep"});
    Conmon conmon(box);
    CHECK(box.call({"start", conmon.id()}).code() == 0);
    CHECK(box.call({"kill", conmon.id(), "9"}).code() == 0);
    CHECK(conmon.exit_status() == "137");
    CHECK(box.call({"delete", "--force", conmon.id()}).code() == 0);
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("conmon: a failed create is reported with its cause", "[conmon]") {
    NEEDS(need_conmon());
    Box box;
    box.bundle.add_mount({{"destination", "/x"},
                          {"type", "bind"},
                          {"source", "/does/not/exist"},
                          {"options", {"bind"}}});
    Conmon conmon(box);
    CHECK(conmon.report().at("pid").get<int>() < 0);
    const Strings records = lines_of(read_file(box / "runtime.log"));
    REQUIRE(!records.empty());
    CHECK(Json::parse(records.back()).at("level") == "error");
    CHECK(contains(Json::parse(records.back()).at("msg").get<std::string>(), "/does/not/exist"));
    (void)wait_for_children(kDeadline);
    CHECK(box.leftovers() == Strings{});
}
