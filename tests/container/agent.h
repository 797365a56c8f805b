#pragma once
// What the tests of lxcri-agent share: an agent of the test's own, and a container that asks it.

#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>

#include "support/catch.h"
#include "support/environment.h"
#include "support/runtime.h"
#include "support/sockets.h"

namespace lxcri::test {

inline constexpr unsigned kFirst = 100000;
inline constexpr const char* kAnnotation = "org.linuxcontainers.lxcri.agent";
inline constexpr const char* kAllCalls = "mknod,setxattr,sysinfo,sched_setscheduler";

// The part of systemd: what the agent says, and the descriptors that it wants to be kept.
class ServiceManager {
  public:
    explicit ServiceManager(const std::filesystem::path& path) : socket_(path) {}
    std::string variable() const { return socket_.variable(); }

    // One message; what it wants to be kept or forgotten is.
    std::string receive() {
        auto message = socket_.receive();
        const std::string name = line_after(message.text, "FDNAME=");
        if (message.text.starts_with("FDSTOREREMOVE=1")) kept.erase(name);
        for (UniqueFd& fd : message.fds) kept[name].push_back(std::move(fd));
        return message.text;
    }

    std::map<std::string, std::vector<UniqueFd>> kept;

  private:
    NotifySocket socket_;
};

struct AgentBox : Box {
    AgentBox() {
        bundle.add_namespace("user");
        const Json mapping =
            Json::array({{{"containerID", 0}, {"hostID", kFirst}, {"size", 65536}}});
        bundle.linux()["uidMappings"] = mapping;
        bundle.linux()["gidMappings"] = mapping;
        for (const char* capability : {"CAP_SYS_ADMIN", "CAP_SYS_NICE"}) {
            for (const char* set : {"bounding", "effective", "permitted"}) {
                bundle.process()["capabilities"][set].push_back(capability);
            }
        }
        give_rootfs();
        ask(kAllCalls);
        allow(R"({"calls": ["mknod", "setxattr", "sysinfo", "mount", "sched_setscheduler"],
                  "mostPriority": 20})");
    }
    void give_rootfs() const {
        for (const auto& entry : std::filesystem::recursive_directory_iterator(bundle.rootfs())) {
            REQUIRE(lchown(entry.path().c_str(), kFirst, kFirst) == 0);
        }
        REQUIRE(lchown(bundle.rootfs().c_str(), kFirst, kFirst) == 0);
    }
    void ask(const std::string& calls) { bundle.config["annotations"][kAnnotation] = calls; }
    void allow(const std::string& policy) const { write_file(*this / "agent.json", policy); }

    std::filesystem::path socket() const { return *this / "agent.sock"; }
    CreateOptions options() const {
        CreateOptions options;
        if (environment().runtime_name == "lxcri") {
            options.global = {"--agent-socket", socket()};
        }
        return options;
    }

    // Starts one; with what `manager` has kept of another one, if there is any. `before`: a script
    // that its shell runs first.
    void start_agent(const std::string& before = "") {
        Strings command = {
            "/bin/sh",
            "-c",
            before + "LISTEN_PID=$$ exec \"$0\" \"$@\"",
            environment().runtime.parent_path().parent_path() / "libexec/lxcri/lxcri-agent",
            "--socket",
            socket(),
            "--config",
            *this / "agent.json"};
        CommandOptions options;
        std::string names;
        int number = 3;
        for (const auto& [name, fds] : manager.kept) {
            for (const auto& fd : fds) {
                options.fds.emplace_back(fd.get(), number++);
                names += (names.empty() ? "" : ":") + name;
            }
        }
        options.environment =
            Strings{manager.variable(), "LISTEN_FDS=" + std::to_string(number - 3),
                    "LISTEN_FDNAMES=" + names};
        agent = std::make_unique<Process>(command, options);
        while (manager.receive() != "READY=1") {
        }
    }
    void kill_agent() {
        agent->signal(SIGKILL);
        (void)agent->wait();
    }
    // A life with an agent.
    Outcome agent_life(const Strings& arguments) {
        if (!agent) start_agent();
        return life(arguments, options());
    }
    struct stat status_of(std::string_view path) const {
        struct stat status {};
        if (lstat(bundle.in_rootfs(path).c_str(), &status) != 0) status.st_mode = 0;
        return status;
    }
    std::string attribute(std::string_view path, const std::string& name) const {
        std::array<char, 256> value;
        const ssize_t size =
            lgetxattr(bundle.in_rootfs(path).c_str(), name.c_str(), value.data(), value.size());
        return {value.data(), size < 0 ? 0 : static_cast<std::size_t>(size)};
    }

    ServiceManager manager{*this / "notify"};
    std::unique_ptr<Process> agent;
};

inline std::optional<std::string> need_agent() {
    if (auto missing = need_runtime()) return missing;
    return need_root();
}

}  // namespace lxcri::test
