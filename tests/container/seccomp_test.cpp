// linux.seccomp: what the profile says happens, for init and for exec alike.
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <filesystem>
#include <future>
#include <thread>

#include "hooks.h"
#include "support/catch.h"
#include "support/environment.h"
#include "support/runtime.h"
#include "support/sockets.h"

using namespace lxcri::test;
namespace fs = std::filesystem;

namespace {

Json rule(const std::string& name, const std::string& action, Json more = Json::object()) {
    Json result = {{"names", {name}}, {"action", action}};
    result.merge_patch(more);
    return result;
}

Json profile(const Json& rules) {
    return {{"defaultAction", "SCMP_ACT_ALLOW"}, {"syscalls", rules}};
}

// Docker's default profile, as Docker wrote it for a container.
Json default_profile() {
    const Json document =
        Json::parse(read_file(LXCRI_TEST_DATA "/specs/callers/docker-run-tty-09.json"));
    return document.at("linux").at("seccomp");
}

// The part of the agent: answers one mkdir with this value.
std::string answer_mkdir(int listener, int error) {
    seccomp_notif request{};
    if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &request) != 0) return "no request";
    seccomp_notif_resp response{};
    response.id = request.id;
    response.error = error;
    if (ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response) != 0) return "no answer";
    return "answered";
}

}  // namespace

TEST_CASE("seccomp: a rule is applied to init and to exec", "[seccomp]") {
    NEEDS(need_runtime());
    Box box;
    const bool no_new_privileges = GENERATE(true, false);
    CAPTURE(no_new_privileges);
    box.bundle.process()["noNewPrivileges"] = no_new_privileges;
    box.bundle.linux()["seccomp"] = profile({rule("mkdir", "SCMP_ACT_ERRNO", {{"errnoRet", 18}}),
                                             rule("mkdirat", "SCMP_ACT_ERRNO", {{"errnoRet", 18}}),
                                             rule("sethostname", "SCMP_ACT_KILL_PROCESS")});
    CHECK(contains(box.life({"mkdir", "/tmp/x"}).out, "EXDEV"));
    CHECK(box.life({"sethostname", "x"}).code == -SIGSYS);
    Container container = box.sleeper();
    CHECK(contains(box.exec(container, {"mkdir", "/tmp/x"}).out, "EXDEV"));
    CHECK(box.exec(container, {"sethostname", "x"}).code() == 128 + SIGSYS);
    CHECK(contains(box.exec(container, {"field", "Seccomp"}).out, "Seccomp:\t2"));
    container.kill();
    container.wait();
    container.remove();
}

TEST_CASE("seccomp: a startContainer hook is under the filter, too", "[seccomp][hooks]") {
    NEEDS(need_runtime());
    Box box;
    const bool no_new_privileges = GENERATE(true, false);
    CAPTURE(no_new_privileges);
    box.bundle.process()["noNewPrivileges"] = no_new_privileges;
    box.bundle.linux()["seccomp"] =
        profile({rule("mkdir", "SCMP_ACT_ERRNO"), rule("mkdirat", "SCMP_ACT_ERRNO")});
    box.bundle.config["hooks"]["startContainer"] = {
        hook({"into", "/tmp/hook", "--", "field", "Seccomp"}, "/probe")};
    box.bundle.args({"exit", "4"});
    CHECK(box.life().code == 4);
    CHECK(read_file(box.bundle.in_rootfs("tmp/hook")) == "Seccomp:\t2\n");
}

TEST_CASE("seccomp: Docker's default profile", "[seccomp]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.linux()["seccomp"] = default_profile();
    for (const bool no_new_privileges : {true, false}) {
        box.bundle.process()["noNewPrivileges"] = no_new_privileges;
        Container container = box.sleeper();
        // Ordinary work goes on, what needs a capability that is not there does not.
        CHECK(box.exec(container, {"mkdir", "/tmp/x", "--", "unlink", "/nothing"}).out ==
              "mkdir /tmp/x: ok\nunlink /nothing: ENOENT\n");
        CHECK(contains(box.exec(container, {"mount", "/tmp", "/tmp"}).out, "EPERM"));
        CHECK(contains(box.exec(container, {"field", "Seccomp"}).out, "Seccomp:\t2"));
        fs::remove(box.bundle.in_rootfs("tmp/x"));
        container.kill();
        container.wait();
        container.remove();
    }
}

TEST_CASE("seccomp: an agent gets the listener of init, while it is created", "[seccomp]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.process()["noNewPrivileges"] = GENERATE(true, false);
    ReceivingSocket agent(box / "agent.sock");
    Json seccomp = profile({rule("mkdir", "SCMP_ACT_NOTIFY"), rule("mkdirat", "SCMP_ACT_NOTIFY")});
    seccomp["listenerPath"] = agent.path();
    seccomp["listenerMetadata"] = "for the agent";
    box.bundle.linux()["seccomp"] = seccomp;
    box.bundle.args({"mkdir", "/tmp/x"});
    Container container = box.create();
    auto message = agent.receive();
    const Json document = Json::parse(message.text);
    CHECK(document.at("fds") == Json{"seccompFd"});
    CHECK(document.at("pid") == container.pid());
    CHECK(document.at("metadata") == "for the agent");
    CHECK(document.at("state").at("status") == "creating");
    CHECK(document.at("state").at("id") == container.id());
    CHECK(document.at("state").at("pid") == container.pid());
    REQUIRE(message.fd.valid());
    container.start();
    CHECK(answer_mkdir(message.fd.get(), -EDOM) == "answered");
    container.wait();
    CHECK(contains(container.out().wait_for_end(), "mkdir /tmp/x: EDOM"));
    container.remove();
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("seccomp: an agent gets the listener of exec, while the container runs", "[seccomp]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.process()["noNewPrivileges"] = GENERATE(true, false);
    ReceivingSocket agent(box / "agent.sock");
    Json seccomp = profile({rule("mkdir", "SCMP_ACT_NOTIFY"), rule("mkdirat", "SCMP_ACT_NOTIFY")});
    seccomp["listenerPath"] = agent.path();
    box.bundle.linux()["seccomp"] = seccomp;
    Container container = box.sleeper();
    const auto of_init = agent.receive();
    Process process(box.command_line(box.exec_line(container, {"mkdir", "/tmp/x"})));
    const auto of_exec = agent.receive();
    const Json document = Json::parse(of_exec.text);
    CHECK(document.at("state").at("status") == "running");
    CHECK(document.at("state").at("pid") == container.pid());
    CHECK(document.at("pid") != container.pid());
    CHECK_FALSE(document.contains("metadata"));
    CHECK(answer_mkdir(of_exec.fd.get(), -EDOM) == "answered");
    CHECK(contains(process.wait().out, "mkdir /tmp/x: EDOM"));
    container.kill();
    container.wait();
    container.remove();
}

TEST_CASE("seccomp: an agent that is not there is an error", "[seccomp]") {
    NEEDS(need_runtime());
    Box box;
    Json seccomp = profile(Json::array({rule("mkdir", "SCMP_ACT_NOTIFY")}));
    seccomp["listenerPath"] = box / "none.sock";
    box.bundle.linux()["seccomp"] = seccomp;
    CHECK(contains(box.refusal(), "none.sock"));
}

TEST_CASE("seccomp: an agent that never answers ends create at its deadline", "[seccomp][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    // Called by init when the filter is loaded, with and without noNewPrivileges.
    box.bundle.process()["noNewPrivileges"] = GENERATE(true, false);
    ReceivingSocket agent(box / "agent.sock");
    Json seccomp = profile(Json::array({rule("sendmsg", "SCMP_ACT_NOTIFY")}));
    seccomp["listenerPath"] = agent.path();
    box.bundle.linux()["seccomp"] = seccomp;
    CreateOptions options;
    options.global = {"--create-timeout", "2"};
    CHECK(contains(box.refusal(options), "was not ready within 2 seconds"));
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("seccomp: an agent that never answers ends start at its deadline, too",
          "[seccomp][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    ReceivingSocket agent(box / "agent.sock");
    Json seccomp = profile(Json::array({rule("execve", "SCMP_ACT_NOTIFY")}));
    seccomp["listenerPath"] = agent.path();
    box.bundle.linux()["seccomp"] = seccomp;
    Container container = box.create();
    const Finished started = box.call({"--start-timeout", "1", "start", container.id()});
    CHECK(started.code() == 1);
    CHECK(contains(started.err, "--start-timeout"));
    CHECK(box.call({"delete", "--force", container.id()}).code() == 0);
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("seccomp: an agent that dies or lies does not make a wrong container",
          "[seccomp][hostile][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    // Without noNewPrivileges the filter comes before the capabilities are given up.
    box.bundle.process()["noNewPrivileges"] = false;
    box.bundle.process()["user"] = {{"uid", 1000}, {"gid", 1000}};
    box.bundle.process()["capabilities"] = Json::parse(R"({"bounding": ["CAP_KILL"]})");
    box.bundle.args({"field", "CapPrm", "CapEff", "CapInh", "CapAmb", "Uid"});
    ReceivingSocket agent(box / "agent.sock");
    Json seccomp = profile(Json::array({rule("capset", "SCMP_ACT_NOTIFY")}));
    seccomp["listenerPath"] = agent.path();
    box.bundle.linux()["seccomp"] = seccomp;
    const bool dies = GENERATE(true, false);
    auto other = std::async(std::launch::async, [&] {
        const auto message = agent.receive();
        if (dies) return;
        // "Done", and nothing is.
        (void)answer_mkdir(message.fd.get(), 0);
    });
    Container container = box.try_create();
    other.get();
    if (dies) {
        CHECK(container.created.code() == 1);
        CHECK(contains(container.err().wait_for_end(), "capset: function not implemented"));
    } else if (container.created.code() == 0) {
        container.start();
        const std::string out = container.out().wait_for_end();
        (void)container.wait();
        for (const char* set : {"CapPrm", "CapEff", "CapInh", "CapAmb"}) {
            CHECK(has_line(out, std::string(set) + ":\t0000000000000000"));
        }
        container.remove();
    }
    CHECK(box.leftovers() == Strings{});
}
