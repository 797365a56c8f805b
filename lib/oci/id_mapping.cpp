#include "oci/id_mapping.h"

#include "oci/readers.h"

namespace lxcri::oci {

void read(const JsonValue& json, IdMapping& mapping) {
    const JsonObject object(json);
    object.required("containerID", mapping.container_id);
    object.required("hostID", mapping.host_id);
    object.required("size", mapping.size);
}

}  // namespace lxcri::oci
