// Where and how the process is scheduled: scheduler, ioPriority, CPUs, memory policy, personality.
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "support/catch.h"
#include "support/environment.h"
#include "support/runtime.h"

using namespace lxcri::test;

namespace {

// For init and for an exec with the same properties.
std::vector<std::string> both(Box& box) {
    Outcome outcome = box.life({"scheduling"});
    INFO(outcome.err);
    Container container = box.sleeper();
    write_file(box / "process.json", [&] {
        Json process = box.bundle.process();
        process["args"] = {"/probe", "scheduling"};
        return process.dump();
    }());
    const Finished finished = box.call({"exec", "--process", box / "process.json", container.id()});
    INFO(finished.err);
    CHECK(finished.code() == 0);
    container.kill();
    container.wait();
    container.remove();
    return {outcome.out, finished.out};
}

// Where config.json names none, it is the caller's.
std::string our_nice() {
    return std::to_string(getpriority(PRIO_PROCESS, 0));
}

bool kernel_has_memory_policies() {
    int mode = 0;
    return syscall(SYS_get_mempolicy, &mode, nullptr, 0, nullptr, 0) == 0;
}

}  // namespace

TEST_CASE("process.scheduler: policies of everyday", "[scheduling][not-crun][not-runc]") {
    NEEDS(need_runtime());
    Box box;
    struct Policy {
        Json asked;
        std::string policy;
        std::string nice;
    };
    const auto policy = GENERATE(Policy{{{"policy", "SCHED_OTHER"}, {"nice", 7}}, "0", "7"},
                                 Policy{{{"policy", "SCHED_BATCH"}, {"nice", -3}}, "3", "-3"},
                                 Policy{{{"policy", "SCHED_IDLE"}}, "5", our_nice()});
    CAPTURE(policy.asked);
    box.bundle.process()["scheduler"] = policy.asked;
    for (const std::string& out : both(box)) {
        CHECK(value_of(out, "policy") == policy.policy);
        CHECK(value_of(out, "nice") == policy.nice);
    }
}

TEST_CASE("process.scheduler: reset on fork", "[scheduling][not-crun][not-runc]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.process()["scheduler"] = {{"policy", "SCHED_OTHER"},
                                         {"flags", {"SCHED_FLAG_RESET_ON_FORK"}}};
    for (const std::string& out : both(box)) CHECK(value_of(out, "flags") == "1");
}

// What the kernel refuses is an error of create, and nothing is left.
TEST_CASE("process.scheduler: real time is applied or refused", "[scheduling][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    const Json asked = GENERATE(Json{{"policy", "SCHED_FIFO"}, {"priority", 5}},
                                Json{{"policy", "SCHED_RR"}, {"priority", 1}},
                                Json{{"policy", "SCHED_DEADLINE"},
                                     {"runtime", 1000000},
                                     {"deadline", 10000000},
                                     {"period", 20000000}});
    CAPTURE(asked);
    box.bundle.process()["scheduler"] = asked;
    box.bundle.args({"scheduling"});
    Container container = box.try_create();
    const std::string said = container.created.err;
    CAPTURE(said);
    if (container.created.code() != 0) {
        // A cgroup of version 1 has no real-time budget of its own at first; sched(7).
        CHECK(contains(said, "/process/scheduler: sched_setattr"));
        CHECK(box.leftovers() == Strings{});
        return;
    }
    container.start();
    container.wait();
    const std::string out = container.out().wait_for_end();
    const std::string name = asked.at("policy");
    CHECK(value_of(out, "policy") == (name == "SCHED_FIFO" ? "1" : name == "SCHED_RR" ? "2" : "6"));
    if (asked.contains("runtime")) {
        CHECK(value_of(out, "runtime") == "1000000");
        CHECK(value_of(out, "deadline") == "10000000");
        CHECK(value_of(out, "period") == "20000000");
    }
    container.remove();
}

TEST_CASE("process.ioPriority: class and priority", "[scheduling][not-crun][not-runc]") {
    NEEDS(need_runtime());
    Box box;
    struct Priority {
        const char* name;
        int priority;
        const char* seen;
    };
    const auto asked =
        GENERATE(Priority{"IOPRIO_CLASS_BE", 6, "2"}, Priority{"IOPRIO_CLASS_RT", 1, "1"},
                 Priority{"IOPRIO_CLASS_IDLE", 0, "3"});
    box.bundle.process()["ioPriority"] = {{"class", asked.name}, {"priority", asked.priority}};
    for (const std::string& out : both(box)) {
        CHECK(value_of(out, "ioclass") == asked.seen);
        CHECK(value_of(out, "ioprio") == std::to_string(asked.priority));
    }
}

TEST_CASE("linux.personality: LINUX32", "[scheduling]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.linux()["personality"] = {{"domain", "LINUX32"}};
    for (const std::string& out : both(box)) {
        CHECK(value_of(out, "personality") == "8");
        CHECK(value_of(out, "machine") == "i686");
    }
}

TEST_CASE("linux.memoryPolicy: mode and nodes", "[scheduling][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.linux()["memoryPolicy"] = {
        {"mode", "MPOL_BIND"}, {"nodes", "0"}, {"flags", {"MPOL_F_STATIC_NODES"}}};
    if (!kernel_has_memory_policies()) {
        CHECK(contains(box.refusal(), "/linux/memoryPolicy"));
        return;
    }
    for (const std::string& out : both(box)) {
        CHECK(value_of(out, "mempolicy") == "8002");
        CHECK(value_of(out, "nodes") == "1");
    }
}

TEST_CASE("process: has all CPUs of its cgroup, however few the caller has",
          "[scheduling][not-crun]") {
    NEEDS(need_runtime());
    NEEDS(need_program("taskset"));
    Box box;
    const std::string all = value_of(box.life({"scheduling"}).out, "cpus");
    box.bundle.args({"scheduling"}).write();
    Strings line = {find_program("taskset"), "1"};
    for (const std::string& word :
         box.command_line({"run", "--bundle", box.bundle.path(), box.new_id()})) {
        line.push_back(word);
    }
    CHECK(value_of(run_command(line).out, "cpus") == all);
}

TEST_CASE("process.execCPUAffinity: of exec, not of init", "[scheduling][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    const std::string all = value_of(box.life({"scheduling"}).out, "cpus");
    box.bundle.process()["execCPUAffinity"] = GENERATE(Json{{"final", "0"}}, Json{{"initial", "0"}},
                                                       Json{{"initial", "0-1"}, {"final", "0"}});
    const auto outputs = both(box);
    CHECK(value_of(outputs[0], "cpus") == all);
    CHECK(value_of(outputs[1], "cpus") == "1");
}

TEST_CASE("process: labels of security modules that are not there are an error",
          "[labels][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    if (read_file("/sys/module/apparmor/parameters/enabled") != "Y\n") {
        box.bundle.process()["apparmorProfile"] = "some-profile";
        CHECK(contains(box.refusal(), "/process/apparmorProfile"));
        box.bundle.process().erase("apparmorProfile");
        Container container = box.sleeper();
        CHECK(contains(box.exec(container, {"true"}, {"--apparmor", "some-profile"}).err,
                       "/process/apparmorProfile"));
        container.kill();
        container.wait();
        container.remove();
    }
    if (!contains(read_file("/proc/filesystems"), "selinuxfs")) {
        box.bundle.process()["selinuxLabel"] = "u:r:t:s0";
        CHECK(contains(box.refusal(), "/process/selinuxLabel"));
    }
}
