// containerd's CRI plugin as the caller, called as the kubelet calls it (tests/cri). The runtime
// handler is the section that we ship.
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <filesystem>

#include "engine.h"
#include "support/catch.h"
#include "support/environment.h"
#include "support/runtime.h"

using namespace lxcri::test;
namespace fs = std::filesystem;

namespace {

std::optional<std::string> need_cri() {
    if (auto missing = need_runtime()) return missing;
    if (auto missing = need_program("containerd")) return missing;
    if (auto missing = need_program("protoc")) return missing;
    if (run_command({"/usr/bin/python3", "-c", "import grpc, google.protobuf"}).code() != 0) {
        return "python3-grpcio is missing";
    }
    return std::nullopt;
}

constexpr const char* kPauseImage = "localhost/pause:1";
constexpr const char* kTestImage = "localhost/test:1";

std::string replaced(std::string text, const std::string& what, const std::string& with) {
    const std::size_t at = text.find(what);
    REQUIRE(at != std::string::npos);
    return text.replace(at, what.size(), with);
}

// The section that we ship, and all that is containerd's own in the box.
std::string configuration(const Box& box) {
    const std::string section = replaced(engine_example("containerd.toml"), "SystemdCgroup = true",
                                         "SystemdCgroup = false");
    const auto quote = [&](const char* name) { return "\"" + (box / name).string() + "\"\n"; };
    return "root = " + quote("data") + "state = " + quote("state") +
           "disabled_plugins = [\"io.containerd.internal.v1.opt\"]\n" + section +
           "[grpc]\naddress = " + quote("socket") +  //
           "[ttrpc]\naddress = " + quote("socket.ttrpc") +
           "[plugins.\"io.containerd.grpc.v1.cri\"]\n"
           "sandbox_image = \"" +
           std::string(kPauseImage) +
           "\"\n"
           // Only CAP_SYS_RESOURCE may make a sandbox as unlikely to be killed as it wants to be.
           "restrict_oom_score_adj = true\n"
           "[plugins.\"io.containerd.grpc.v1.cri\".cni]\nconf_dir = " +
           quote("cni");
}

// Pods and containers by the methods of the Container Runtime Interface.
class Cri {
  public:
    Cri() {
        const fs::path layer = box_ / "layer.tar";
        REQUIRE(run_command({"/bin/tar", "-C", box_.bundle.rootfs(), "-cf", layer, "."}).code() ==
                0);
        for (const char* name : {kPauseImage, kTestImage}) import_image(name, layer);
        // containerd tells its CRI plugin about new images when it gets to it.
        const auto begin = std::chrono::steady_clock::now();
        while (call("ListImages").at("images").size() < 1 ||
               !contains(call("ListImages").dump(), kTestImage)) {
            REQUIRE(milliseconds_left(begin, kDeadline) > 0);
        }
    }
    Cri(const Cri&) = delete;
    Cri& operator=(const Cri&) = delete;
    ~Cri() {
        try {
            for (const std::string& pod : pods_) {
                (void)call_any("StopPodSandbox", {{"pod_sandbox_id", pod}});
                (void)call_any("RemovePodSandbox", {{"pod_sandbox_id", pod}});
            }
            requests_.reset();
            (void)tool_.wait_exit_only();
        } catch (const std::exception&) {
            // What stays is found by the leak check.
        }
    }

    // {"answer": ...} or {"error": "CODE: text"}
    Json call_any(const std::string& method, const Json& request = Json::object()) {
        const std::string end = "\nend of answer " + std::to_string(++calls_) + "\n";
        const std::string line = method + " " + request.dump() + "\n";
        REQUIRE(write(requests_.get(), line.data(), line.size()) ==
                static_cast<ssize_t>(line.size()));
        tool_.out().wait_for(end, milliseconds{60'000});
        const std::string& text = tool_.out().text();
        const Json answer = Json::parse(text.substr(read_, text.find(end) - read_));
        read_ = text.find(end) + end.size();
        return answer;
    }
    Json call(const std::string& method, const Json& request = Json::object()) {
        const Json result = call_any(method, request);
        CAPTURE(method, request.dump(), result.dump(), daemon_.log());
        REQUIRE(result.contains("answer"));
        return result.at("answer");
    }

    // The host's network: everything else needs network plugins.
    std::string run_pod(Json security = Json::object()) {
        security["namespace_options"]["network"] = "NODE";
        pod_ = {{"metadata", {{"name", box_.name()}, {"uid", "1"}, {"namespace", "test"}}},
                {"log_directory", box_ / "log"},
                {"linux", {{"cgroup_parent", "/" + box_.name()}, {"security_context", security}}}};
        pods_.push_back(call("RunPodSandbox", {{"config", pod_}, {"runtime_handler", "lxcri"}})
                            .at("pod_sandbox_id"));
        return pods_.back();
    }
    // Created. The container is in its pod's namespaces, but for those that `config` names.
    std::string create(const std::string& name, const Strings& arguments,
                       Json config = Json::object()) {
        config["metadata"]["name"] = name;
        config["image"]["image"] = kTestImage;
        config["command"] = {"/probe"};
        config["args"] = arguments;
        config["log_path"] = name + ".log";
        config["linux"]["security_context"]["namespace_options"]["network"] = "NODE";
        return call(
                   "CreateContainer",
                   {{"pod_sandbox_id", pods_.back()}, {"config", config}, {"sandbox_config", pod_}})
            .at("container_id");
    }
    std::string start(const std::string& name, const Strings& arguments,
                      const Json& config = Json::object()) {
        const std::string id = create(name, arguments, config);
        (void)call("StartContainer", {{"container_id", id}});
        return id;
    }
    Json status(const std::string& id) {
        return call("ContainerStatus", {{"container_id", id}}).at("status");
    }
    pid_t pid(const std::string& id) {
        const Json answer = call("ContainerStatus", {{"container_id", id}, {"verbose", true}});
        return Json::parse(answer.at("info").at("info").get<std::string>()).at("pid");
    }
    // Waits until the container ended by itself.
    Json ended(const std::string& id) {
        const auto begin = std::chrono::steady_clock::now();
        while (status(id).at("state") != "CONTAINER_EXITED") {
            REQUIRE(milliseconds_left(begin, kDeadline) > 0);
        }
        return status(id);
    }
    Json exec(const std::string& id, const Strings& arguments) {
        Strings command = {"/probe"};
        command.insert(command.end(), arguments.begin(), arguments.end());
        return call("ExecSync", {{"container_id", id}, {"cmd", command}});
    }
    std::string log(const std::string& name) const {
        return read_file(box_ / "log" / (name + ".log"));
    }
    // The pod with all that is in it goes, and nothing is left.
    void remove_pod() {
        const std::string pod = pods_.back();
        // The last container may end by itself, and containerd's shim with it, before containerd
        // kills it: "ttrpc: closed". The kubelet asks again.
        Json stopped = call_any("StopPodSandbox", {{"pod_sandbox_id", pod}});
        if (contains(stopped.value("error", ""), "ttrpc: closed")) {
            stopped = call_any("StopPodSandbox", {{"pod_sandbox_id", pod}});
        }
        CAPTURE(stopped.dump(), daemon_.log());
        REQUIRE(stopped.contains("answer"));
        CHECK(call("PodSandboxStatus", {{"pod_sandbox_id", pod}}).at("status").at("state") ==
              "SANDBOX_NOTREADY");
        (void)call("RemovePodSandbox", {{"pod_sandbox_id", pod}});
        pods_.pop_back();
        CHECK(names_in("/run/containerd/runc/k8s.io") == Strings{});
        // Only the pod's own cgroup: the kubelet makes and removes it.
        CHECK(find_cgroups(box_.name() + "/").empty());
    }
    const Box& box() const { return box_; }

  private:
    void import_image(const std::string& name, const fs::path& layer) const {
        const fs::path archive = write_image_archive(box_, name, layer, {"/probe", "sleep"});
        const Finished imported = run_command({find_program("ctr"), "-a", box_ / "socket", "-n",
                                               "k8s.io", "images", "import", archive},
                                              engine_options(box_));
        INFO(imported.err);
        REQUIRE(imported.code() == 0);
    }
    std::string write_configuration() const {
        write_file(box_ / "config.toml", configuration(box_));
        return box_ / "config.toml";
    }
    CommandOptions tool_options() {
        std::array<int, 2> ends{};
        REQUIRE(pipe2(ends.data(), O_CLOEXEC) == 0);
        input_.reset(ends[0]);
        requests_.reset(ends[1]);
        CommandOptions options = engine_options(box_);
        options.fds = {{input_.get(), 0}};
        return options;
    }

    Box box_;
    Daemon daemon_{box_,
                   {find_program("containerd"), "--config", write_configuration()},
                   "successfully booted"};
    UniqueFd input_;
    UniqueFd requests_;
    Process tool_{{"/usr/bin/python3", LXCRI_TEST_DATA "/cri/cri.py", box_ / "socket"},
                  tool_options()};
    int calls_ = 0;
    std::size_t read_ = 0;
    Json pod_;
    Strings pods_;
};

}  // namespace

TEST_CASE("cri: a pod and a container: status, exec, update, stats, stop",
          "[containerd][not-crun][not-runc]") {
    NEEDS(need_cri());
    APPLIES(in_first_view());
    Cri cri;
    const std::string pod = cri.run_pod({{"namespace_options", {{"pid", "CONTAINER"}}},
                                         {"seccomp", {{"profile_type", "RuntimeDefault"}}}});
    const Json ready = cri.call("PodSandboxStatus", {{"pod_sandbox_id", pod}}).at("status");
    CHECK(ready.at("state") == "SANDBOX_READY");
    CHECK(ready.at("runtime_handler") == "lxcri");

    Json config = {{"envs", {{{"key", "NAME"}, {"value", "value"}}}}, {"working_dir", "/tmp"}};
    config["linux"] = {{"resources",
                        {{"memory_limit_in_bytes", 67108864},
                         {"cpu_shares", 512},
                         {"cpu_period", 100000},
                         {"cpu_quota", 50000}}},
                       {"security_context",
                        {{"run_as_user", {{"value", 1000}}},
                         {"readonly_rootfs", true},
                         {"no_new_privs", true},
                         {"seccomp", {{"profile_type", "RuntimeDefault"}}},
                         {"masked_paths", {"/proc/timer_list"}},
                         {"readonly_paths", {"/proc/sys"}},
                         {"namespace_options", {{"pid", "CONTAINER"}}}}}};
    const std::string id = cri.create(
        "one", {"echo", "begins", "--", "error", "to stderr", "--", "trap", "TERM", "7"}, config);
    CHECK(cri.status(id).at("state") == "CONTAINER_CREATED");
    (void)cri.call("StartContainer", {{"container_id", id}});
    CHECK(cri.status(id).at("state") == "CONTAINER_RUNNING");
    const pid_t pid = cri.pid(id);
    const Finished state =
        run_command({environment().runtime, "--root", "/run/containerd/runc/k8s.io", "state", id});
    CHECK(Json::parse(state.out).at("pid") == pid);

    const Json seen = cri.exec(id, {"ids", "--", "env", "--", "cwd", "--", "processes", "--",
                                    "field", "Seccomp", "NoNewPrivs", "--", "exit", "5"});
    INFO(seen.dump(2));
    CHECK(seen.at("exit_code") == 5);
    const std::string out = seen.at("stdout");
    CHECK(contains(out, "uid=1000,"));
    CHECK(contains(out, "NAME=value\n"));
    CHECK(contains(out, "\n/tmp\n"));
    CHECK(contains(out, "1 probe\n"));
    CHECK(contains(out, "Seccomp:\t2\n"));
    CHECK(contains(out, "NoNewPrivs:\t1\n"));
    const Json failed = cri.call_any("ExecSync", {{"container_id", id}, {"cmd", {"not-there"}}});
    CHECK(contains(failed.dump(), "executable file not found in $PATH"));
    const Json late = cri.call_any(
        "ExecSync", {{"container_id", id}, {"cmd", {"/probe", "sleep"}}, {"timeout", 1}});
    CHECK(contains(late.dump(), "DEADLINE_EXCEEDED"));
    CHECK(lines_of(cri.exec(id, {"processes"}).at("stdout").get<std::string>()).size() == 2);

    const auto limit = [&] {
        return read_file(cgroup_of(pid, "memory") / "memory.limit_in_bytes");
    };
    if (has_controller("memory")) CHECK(limit() == "67108864\n");
    if (has_controller("cpu")) {
        CHECK(read_file(cgroup_of(pid, "cpu") / "cpu.cfs_quota_us") == "50000\n");
        CHECK(read_file(cgroup_of(pid, "cpu") / "cpu.shares") == "512\n");
    }
    (void)cri.call("UpdateContainerResources",
                   {{"container_id", id},
                    {"linux", {{"memory_limit_in_bytes", 134217728}, {"cpu_quota", 25000}}}});
    if (has_controller("memory")) CHECK(limit() == "134217728\n");
    if (has_controller("cpu")) {
        CHECK(read_file(cgroup_of(pid, "cpu") / "cpu.cfs_quota_us") == "25000\n");
    }
    // The update takes no device away.
    CHECK(cri.exec(id, {"open", "/dev/null"}).at("exit_code") == 0);
    if (has_controller("memory")) {
        const Json stats = cri.call("ContainerStats", {{"container_id", id}}).at("stats");
        CHECK(stats.at("memory").at("working_set_bytes").at("value") != "0");
    }

    (void)cri.call("StopContainer", {{"container_id", id}, {"timeout", 20}});
    CHECK(cri.status(id).at("exit_code") == 7);
    CHECK(contains(cri.log("one"), " stdout F begins\n"));
    CHECK(contains(cri.log("one"), " stderr F to stderr\n"));
    (void)cri.call("RemoveContainer", {{"container_id", id}});
    cri.remove_pod();
}

TEST_CASE("cri: containers that end: by themselves, out of memory, not startable",
          "[containerd][not-crun][not-runc]") {
    NEEDS(need_cri());
    APPLIES(in_first_view());
    Cri cri;
    (void)cri.run_pod();
    const Json over = cri.ended(cri.start("over", {"exit", "3"}));
    CHECK(over.at("exit_code") == 3);
    CHECK(over.at("reason") == "Error");
    CHECK(cri.ended(cri.start("terminal", {"tty"}, {{"tty", true}})).at("exit_code") == 0);
    CHECK(contains(cri.log("terminal"), "0=tty /dev/pts/0"));
    if (has_controller("memory")) {
        const Json config = {{"linux", {{"resources", {{"memory_limit_in_bytes", 16777216}}}}}};
        // containerd watches a container's memory only when it has started.
        const Json killed =
            cri.ended(cri.start("oom", {"later", "1000", "--", "alloc", "67108864"}, config));
        CHECK(killed.at("exit_code") == 137);
        CHECK(killed.at("reason") == "OOMKilled");
    }
    const std::string id = cri.create("missing", {}, {{"working_dir", "/probe"}});
    const Json failed = cri.call_any("StartContainer", {{"container_id", id}});
    INFO(failed.dump());
    CHECK(contains(failed.dump(), "/process/cwd"));
    CHECK(cri.status(id).at("reason") == "StartError");
    // Ignores the polite signal.
    const std::string stubborn = cri.start("stubborn", {"ignore", "TERM", "--", "sleep"});
    (void)cri.call("StopContainer", {{"container_id", stubborn}, {"timeout", 1}});
    CHECK(cri.status(stubborn).at("exit_code") == 137);
    // All of them go with their pod.
    cri.remove_pod();
}

TEST_CASE("cri: two containers in one pid namespace, a third in that of another, privileged",
          "[containerd][not-crun][not-runc]") {
    NEEDS(need_cri());
    APPLIES(in_first_view());
    Cri cri;
    (void)cri.run_pod({{"namespace_options", {{"pid", "POD"}}}, {"privileged", true}});
    const std::string one = cri.start("one", {"sleep"});
    const Json privileged = {{"linux", {{"security_context", {{"privileged", true}}}}}};
    const std::string two = cri.start("two", {"sleep"}, privileged);
    // The pod's own process, both containers', and the one that looks.
    for (const std::string& id : {one, two}) {
        const std::string processes = cri.exec(id, {"processes"}).at("stdout");
        CAPTURE(processes);
        CHECK(lines_of(processes).size() == 4);
    }
    const std::string ns = "/proc/" + std::to_string(cri.pid(one)) + "/ns/";
    const std::string other = "/proc/" + std::to_string(cri.pid(two)) + "/ns/";
    for (const char* kind : {"pid", "ipc", "uts"}) {
        CHECK(fs::read_symlink(ns + kind) == fs::read_symlink(other + kind));
        CHECK((fs::read_symlink(ns + kind) ==
               fs::read_symlink(std::string("/proc/self/ns/") + kind)) ==
              (kind == std::string("uts")));
    }
    CHECK(fs::read_symlink(ns + "mnt") != fs::read_symlink(other + "mnt"));

    // Privileged: all that the engine itself has, and the host's devices.
    const auto bounding = [&](const std::string& id) {
        return value_of(cri.exec(id, {"caps"}).at("stdout").get<std::string>(), "bounding");
    };
    CHECK(bounding(one).ends_with("a80425fb"));
    CHECK(bounding(two) == line_after(read_file("/proc/self/status"), "CapBnd:"));
    CHECK(cri.exec(two, {"open", "/dev/kmsg"}).at("exit_code") == 0);
    CHECK(cri.exec(one, {"open", "/dev/kmsg"}).at("exit_code") == 1);

    // A pid namespace of its own, and another container that joins it to look around.
    const auto with_pid = [](const Json& options) {
        return Json{{"linux", {{"security_context", {{"namespace_options", options}}}}}};
    };
    const std::string own = cri.start("own", {"sleep"}, with_pid({{"pid", "CONTAINER"}}));
    CHECK(lines_of(cri.exec(own, {"processes"}).at("stdout").get<std::string>()).size() == 2);
    const std::string guest =
        cri.start("guest", {"sleep"}, with_pid({{"pid", "TARGET"}, {"target_id", own}}));
    CHECK(lines_of(cri.exec(guest, {"processes"}).at("stdout").get<std::string>()).size() == 3);
    cri.remove_pod();
}
