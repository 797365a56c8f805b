#include "oci/namespaces.h"

#include "oci/readers.h"

namespace lxcri::oci {

static void read(const JsonValue& json, NamespaceType& type) {
    type = json.one_of(kNamespaceTypes);
}

void read(const JsonValue& json, Namespace& entry) {
    const JsonObject object(json);
    object.required("type", entry.type);
    object.optional("path", entry.path);
}

static void read(const JsonValue& json, TimeOffset& offset) {
    const JsonObject object(json);
    object.optional("secs", offset.secs);
    object.optional("nanosecs", offset.nanosecs);
}

// The members are clocks by name, not properties: one that we do not know is an invalid value.
void read(const JsonValue& json, TimeOffsets& offsets) {
    const JsonObject object(json);
    object.optional("monotonic", offsets.monotonic);
    object.optional("boottime", offsets.boottime);
    json.for_each_child([](const JsonValue& clock) {
        if (clock.key() != "monotonic" && clock.key() != "boottime") {
            clock.fail("expected the clock monotonic or boottime");
        }
    });
}

}  // namespace lxcri::oci
