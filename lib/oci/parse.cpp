#include "oci/parse.h"

#include "oci/properties.h"
#include "oci/readers.h"

namespace lxcri::oci {

static void read(const JsonValue& json, Spec& spec) {
    const JsonObject object(json);
    object.required("ociVersion", spec.oci_version);
    object.required("root", spec.root);
    object.optional("process", spec.process);
    object.optional("mounts", spec.mounts);
    object.optional("hostname", spec.hostname);
    object.optional("domainname", spec.domainname);
    object.optional("hooks", spec.hooks);
    object.optional("annotations", spec.annotations);
    object.optional("linux", spec.linux_);
}

Spec parse_spec(std::string_view text) {
    const JsonDocument document(text);
    Spec spec;
    read(document.root(), spec);
    return spec;
}

Process parse_process(std::string_view text) {
    const JsonDocument document(text);
    Process process;
    read(document.root(), process);
    return process;
}

Resources parse_resources(std::string_view text, std::vector<std::string>* unknown) {
    const JsonDocument document(text);
    Resources resources;
    read(document.root(), resources);
    if (unknown != nullptr) *unknown = find_unknown(document.root(), "/linux/resources");
    return resources;
}

}  // namespace lxcri::oci
