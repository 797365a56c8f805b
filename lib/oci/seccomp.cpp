#include "oci/seccomp.h"

#include "oci/readers.h"

namespace lxcri::oci {

static void read(const JsonValue& json, SeccompAction& action) {
    action = json.one_of(kSeccompActions);
}

static void read(const JsonValue& json, SeccompOperator& op) {
    op = json.one_of(kSeccompOperators);
}

static void read(const JsonValue& json, SeccompArch& arch) {
    arch = json.one_of(kSeccompArchs);
}

static void read(const JsonValue& json, SeccompFlag& flag) {
    flag = json.one_of(kSeccompFlags);
}

static void read(const JsonValue& json, SeccompArg& arg) {
    const JsonObject object(json);
    object.required("index", arg.index);
    object.required("value", arg.value);
    object.optional("valueTwo", arg.value_two);
    object.required("op", arg.op);
}

static void read(const JsonValue& json, SeccompSyscall& syscall) {
    const JsonObject object(json);
    object.required("names", syscall.names);
    object.required("action", syscall.action);
    object.optional("errnoRet", syscall.errno_ret);
    object.optional("args", syscall.args);
}

void read(const JsonValue& json, Seccomp& seccomp) {
    const JsonObject object(json);
    object.required("defaultAction", seccomp.default_action);
    object.optional("defaultErrnoRet", seccomp.default_errno_ret);
    object.optional("architectures", seccomp.architectures);
    object.optional("flags", seccomp.flags);
    object.optional("listenerPath", seccomp.listener_path);
    object.optional("listenerMetadata", seccomp.listener_metadata);
    object.optional("syscalls", seccomp.syscalls);
}

}  // namespace lxcri::oci
