// liblxc's command socket: a process that reaches it as root can stop containers, one that takes
// its name can keep them from starting. No network namespace that a container can be in has it.
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <regex>

#include "hooks.h"
#include "support/catch.h"
#include "support/environment.h"
#include "support/network.h"
#include "support/runtime.h"

using namespace lxcri::test;
namespace fs = std::filesystem;

namespace {

// Root without capabilities, in the host's network.
void make_attacker(Box& box) {
    box.bundle.remove_namespace("network");
    box.bundle.process()["capabilities"] = Json::object();
}

std::string command_socket_of(const Box& box, const std::string& id) {
    return box.root().string() + "/" + id + "/command";
}

// The names of sockets in a network namespace, of its /proc/net/unix. But for "@0a1b2": the kernel
// gives one to each socket that asks for credentials (unix(7), "Autobind"). It leads nowhere, for
// no process can connect to a socket of a pair.
Strings names_of_sockets(const std::string& table) {
    Strings found;
    for (const std::string& line : lines_of(table)) {
        const Strings fields = split(line, ' ');  // Num RefCount Protocol Flags Type St Inode Path
        constexpr std::size_t kPath = 7;
        if (fields.size() <= kPath || fields[kPath] == "Path") continue;
        const std::string& name = fields[kPath];
        if (!std::regex_match(name, std::regex("@[0-9a-f]{5}"))) found.push_back(name);
    }
    return found;
}

void keep_monitor(Box& box) {
    box.settings = {"--monitor-annotation"};
    box.bundle.config["annotations"]["org.linuxcontainers.lxcri.monitor"] = "keep";
}

}  // namespace

TEST_CASE("command socket: a container in the host's network sees none, whatever the mode",
          "[hostile][monitor][lxcri]") {
    NEEDS(need_runtime());
    const bool kept = GENERATE(false, true);
    const OwnNetwork host;  // the caller's: no other sockets are in there
    Box victims;
    victims.bundle.remove_namespace("network");
    victims.bundle.args({"trap", "TERM", "7"});
    // What is there while liblxc works.
    const fs::path during = victims / "during";
    write_file(during, "", 0666);
    victims.bundle.config["hooks"]["createContainer"] = {
        hook({"into", during, "--", "cat", "/proc/self/net/unix"})};
    if (kept) keep_monitor(victims);
    Container victim = victims.create();
    victim.start();
    victim.out().wait_for("ready");
    const std::string seen = read_file(during);
    CHECK(contains(seen, "RefCount"));
    CHECK(names_of_sockets(seen) == Strings{});

    Box box;
    make_attacker(box);
    const Outcome attack = box.life({"cat", "/proc/self/net/unix", "--", "connect-abstract",
                                     command_socket_of(victims, victim.id())});
    CHECK(contains(attack.out, "RefCount"));
    CHECK(names_of_sockets(attack.out) == Strings{});
    CHECK(contains(attack.out, ": ECONNREFUSED\n"));

    CHECK(victim.status() == "running");
    victim.kill("TERM");
    CHECK(victim.wait_code() == 7);
    victim.remove();
    CHECK(victims.leftovers() == Strings{});
}

TEST_CASE("command socket: a container that shares the network of another one sees none",
          "[hostile][monitor][lxcri]") {
    NEEDS(need_runtime());
    const OwnNetwork host;  // the caller's: no other sockets are in there
    Box victims;
    keep_monitor(victims);
    Container victim = victims.sleeper();
    // The pid file of a kept monitor has the monitor's pid: engines join its namespaces.
    Box box;
    make_attacker(box);
    const bool of_monitor = GENERATE(false, true);
    const pid_t joined = of_monitor ? victim.pid() : victim.state().at("pid").get<pid_t>();
    box.bundle.linux()["namespaces"].push_back(
        {{"type", "network"}, {"path", "/proc/" + std::to_string(joined) + "/ns/net"}});
    const Outcome attack = box.life({"cat", "/proc/self/net/unix", "--", "connect-abstract",
                                     command_socket_of(victims, victim.id())});
    CHECK(names_of_sockets(attack.out) == Strings{});
    CHECK(contains(attack.out, ": ECONNREFUSED\n"));
    victim.kill();
}

TEST_CASE("command socket: nobody blocks an ID by taking its name", "[hostile][monitor][lxcri]") {
    NEEDS(need_runtime());
    const bool kept = GENERATE(false, true);
    Box box;
    if (kept) keep_monitor(box);
    box.bundle.args({"exit", "3"});
    const std::string id = box.new_id();
    CommandOptions nobody;
    nobody.uid = 65534;
    {
        Process holder({environment().probe, "hold-abstract", command_socket_of(box, id)}, nobody);
        holder.out().wait_for("held");
        Container container = box.create({}, id);
        container.start();
        CHECK(container.wait_code() == 3);
        container.remove();
    }
    CHECK(box.leftovers() == Strings{});
}
