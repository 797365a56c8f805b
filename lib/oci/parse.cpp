#include "oci/parse.h"

#include "base/error.h"
#include "base/strings.h"
#include "oci/properties.h"
#include "oci/readers.h"

namespace lxcri::oci {

namespace {

// The document may leave /linux out, and then asks for none of its properties. One that has the
// section of another platform instead is meant for that; taken by the letter it would be a process
// in all namespaces of this host.
void check_platform(const JsonValue& json) {
    if (json.find("linux")) return;
    for (const char* other : {"windows", "solaris", "zos", "freebsd"}) {
        if (!json.find(other)) continue;
        throw SpecError("/linux", concat("missing in a document that has /", other));
    }
}

}  // namespace

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
    check_platform(json);
    object.optional("linux", spec.linux_);
    if (!spec.linux_) spec.linux_.emplace();
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
