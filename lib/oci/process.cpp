#include "oci/process.h"

#include "oci/readers.h"

namespace lxcri::oci {

static void read(const JsonValue& json, ConsoleSize& size) {
    const JsonObject object(json);
    object.required("height", size.height);
    object.required("width", size.width);
}

// The schema requires neither ID, and 0 is what the callers mean by leaving one out.
static void read(const JsonValue& json, User& user) {
    const JsonObject object(json);
    object.optional("uid", user.uid);
    object.optional("gid", user.gid);
    object.optional("umask", user.umask);
    object.optional("additionalGids", user.additional_gids);
}

static void read(const JsonValue& json, Capabilities& capabilities) {
    const JsonObject object(json);
    object.optional("bounding", capabilities.bounding);
    object.optional("effective", capabilities.effective);
    object.optional("inheritable", capabilities.inheritable);
    object.optional("permitted", capabilities.permitted);
    object.optional("ambient", capabilities.ambient);
}

static void read(const JsonValue& json, RlimitType& type) {
    type = json.one_of(kRlimitTypes);
}

static void read(const JsonValue& json, Rlimit& rlimit) {
    const JsonObject object(json);
    object.required("type", rlimit.type);
    object.required("soft", rlimit.soft);
    object.required("hard", rlimit.hard);
}

static void read(const JsonValue& json, SchedulerPolicy& policy) {
    policy = json.one_of(kSchedulerPolicies);
}

static void read(const JsonValue& json, SchedulerFlag& flag) {
    flag = json.one_of(kSchedulerFlags);
}

static void read(const JsonValue& json, Scheduler& scheduler) {
    const JsonObject object(json);
    object.required("policy", scheduler.policy);
    object.optional("nice", scheduler.nice);
    object.optional("priority", scheduler.priority);
    object.optional("flags", scheduler.flags);
    object.optional("runtime", scheduler.runtime);
    object.optional("deadline", scheduler.deadline);
    object.optional("period", scheduler.period);
}

static void read(const JsonValue& json, IoPriorityClass& class_) {
    class_ = json.one_of(kIoPriorityClasses);
}

// The text of the spec requires the priority, the schema does not.
static void read(const JsonValue& json, IoPriority& priority) {
    const JsonObject object(json);
    object.required("class", priority.class_);
    object.optional("priority", priority.priority);
}

static void read(const JsonValue& json, ExecCpuAffinity& affinity) {
    const JsonObject object(json);
    object.optional("initial", affinity.initial);
    object.optional("final", affinity.final);
}

void read(const JsonValue& json, Process& process) {
    const JsonObject object(json);
    object.optional("terminal", process.terminal);
    object.optional("consoleSize", process.console_size);
    object.required("cwd", process.cwd);
    object.optional("env", process.env);
    object.optional("args", process.args);
    object.optional("user", process.user);
    object.optional("capabilities", process.capabilities);
    object.optional("rlimits", process.rlimits);
    object.optional("noNewPrivileges", process.no_new_privileges);
    object.optional("apparmorProfile", process.apparmor_profile);
    object.optional("selinuxLabel", process.selinux_label);
    object.optional("oomScoreAdj", process.oom_score_adj);
    object.optional("scheduler", process.scheduler);
    object.optional("ioPriority", process.io_priority);
    object.optional("execCPUAffinity", process.exec_cpu_affinity);
}

}  // namespace lxcri::oci
