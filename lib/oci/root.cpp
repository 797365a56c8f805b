#include "oci/root.h"

#include "oci/readers.h"

namespace lxcri::oci {

void read(const JsonValue& json, Root& root) {
    const JsonObject object(json);
    object.required("path", root.path);
    object.optional("readonly", root.readonly);
}

}  // namespace lxcri::oci
