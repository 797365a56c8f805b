#pragma once
// Which file handles which property: one row for every property of the runtime-spec's schema, so
// that none is forgotten and none is ignored silently.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "oci/json_reader.h"

namespace lxcri::oci {

enum class Treatment : std::uint8_t {
    applied,  // `by` names the translator, or the command
    ignored,  // `by` gives the reason
    parent,   // as the object or list it belongs to
};

struct Property {
    std::string_view path;  // a JSON pointer; "*" for any element of a list or member of a map
    Treatment treatment;
    std::string_view by;
};

// In the order of the spec; what belongs to an object comes after it.
std::span<const Property> properties();

// JSON pointers of what the document asks for and the table does not have: a misspelt name, or one
// of a later spec. config.json may have such (config.md "Extensibility"). `document` is the part of
// a config.json at `base` ("" for all of it); the pointers count from the document. Values that
// mean "not set" do not ask: JsonValue::is_set().
std::vector<std::string> find_unknown(const JsonValue& document, std::string_view base);

}  // namespace lxcri::oci
