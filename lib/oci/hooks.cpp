#include "oci/hooks.h"

#include "oci/readers.h"

namespace lxcri::oci {

static void read(const JsonValue& json, Hook& hook) {
    const JsonObject object(json);
    object.required("path", hook.path);
    object.optional("args", hook.args);
    object.optional("env", hook.env);
    object.optional("timeout", hook.timeout);
}

void read(const JsonValue& json, Hooks& hooks) {
    const JsonObject object(json);
    object.optional("prestart", hooks.prestart);
    object.optional("createRuntime", hooks.create_runtime);
    object.optional("createContainer", hooks.create_container);
    object.optional("startContainer", hooks.start_container);
    object.optional("poststart", hooks.poststart);
    object.optional("poststop", hooks.poststop);
}

}  // namespace lxcri::oci
