#include "oci/mount.h"

#include "oci/readers.h"

namespace lxcri::oci {

void read(const JsonValue& json, Mount& mount) {
    const JsonObject object(json);
    object.required("destination", mount.destination);
    object.optional("type", mount.type);
    object.optional("source", mount.source);
    object.optional("options", mount.options);
    object.optional("uidMappings", mount.uid_mappings);
    object.optional("gidMappings", mount.gid_mappings);
}

}  // namespace lxcri::oci
