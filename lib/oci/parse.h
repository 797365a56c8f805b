#pragma once
// Text to structures. An error in the text throws SpecError, with the JSON pointer of the place and
// one line of text: syntax (with line and column), a wrong type, a number out of range, a missing
// member, a duplicate key, a NUL byte, nesting beyond 64 levels. Unknown properties are ignored
// (runtime-spec config.md "Extensibility"), null is the same as absent.

#include <string>
#include <string_view>
#include <vector>

#include "oci/spec.h"

namespace lxcri::oci {

Spec parse_spec(std::string_view text);
// The process.json of `exec`.
Process parse_process(std::string_view text);
// The resources of `update`. `unknown` gets the JSON pointers of unknown properties, which are not
// to be ignored here: a limit with a misspelt name is one that is not applied.
Resources parse_resources(std::string_view text, std::vector<std::string>* unknown = nullptr);

}  // namespace lxcri::oci
