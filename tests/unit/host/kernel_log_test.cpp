// The lines of the kernel's log about memory that is used up.

#include "host/kernel_log.h"

#include "support/catch.h"

using lxcri::host::parse_oom_kill;

TEST_CASE("kernel log: who was killed, and in which cgroup") {
    const auto kill = parse_oom_kill(
        "6,1234,567890,-;oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=c1,"
        "mems_allowed=0,oom_memcg=/lxcri/c1,task_memcg=/lxcri/c1/in,task=java,pid=4711,uid=1000\n"
        " SUBSYSTEM=none\n");
    REQUIRE(kill);
    CHECK(kill->process == "java");
    CHECK(kill->pid == 4711);
    CHECK(kill->cgroup == "/lxcri/c1/in");
}

TEST_CASE("kernel log: a name that looks like more cannot change the pid") {
    const auto kill = parse_oom_kill(
        "6,1,2,-;oom-kill:constraint=X,task_memcg=/c1,task=a,pid=1,uid=0,pid=42,uid=7\n");
    REQUIRE(kill);
    CHECK(kill->pid == 42);
    CHECK(kill->process == "a,pid=1,uid=0");
    CHECK(kill->cgroup == "/c1");
}

TEST_CASE("kernel log: a cgroup that looks like more tells of no other container") {
    CHECK_FALSE(parse_oom_kill(
        "6,1,2,-;oom-kill:constraint=X,oom_memcg=/a,task_memcg=/a/x,task_memcg=/b,task=c,pid=4,"
        "uid=0\n"));
}

TEST_CASE("kernel log: a process that writes to it is not the kernel") {
    CHECK_FALSE(parse_oom_kill("14,1,2,-;oom-kill:task_memcg=/b,task=c,pid=4,uid=0\n"));
}

TEST_CASE("kernel log: other lines are none of these") {
    for (const char* line :
         {"", ";", "6,1,2,-;Killed process 7 (java)", "oom-kill:task=a,pid=1,uid=0",
          "6,1,2,-;oom-kill:task=a,pid=1,uid=0", "6,1,2,-;oom-kill:task_memcg=/,task=a,pid=x,uid=0",
          "6,1,2,-; oom-kill:task_memcg=/,task=a,pid=1,uid=0"}) {
        CAPTURE(line);
        CHECK_FALSE(parse_oom_kill(line));
    }
}
