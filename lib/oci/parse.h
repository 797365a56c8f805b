#pragma once
// Text to structures. Whatever is wrong throws SpecError, with the JSON pointer of the place and
// one line of text: syntax (with line and column), a wrong type, a number out of range, a missing
// member, a duplicate key, a NUL byte, nesting beyond 64 levels. Unknown properties are ignored
// (runtime-spec config.md "Extensibility"), null is the same as absent.
//
// What the document asks for and we do not apply yet goes into Spec::unsupported or
// `unsupported`, as JSON pointers; without the latter it is not looked for.

#include <string>
#include <string_view>
#include <vector>

#include "oci/spec.h"

namespace lxcri::oci {

Spec parse_spec(std::string_view text);
// The process.json of `exec`.
Process parse_process(std::string_view text, std::vector<std::string>* unsupported = nullptr);
// The resources of `update`. Unknown properties are not ignored here, they are among the
// unsupported: a limit with a misspelt name is one that is not applied.
Resources parse_resources(std::string_view text, std::vector<std::string>* unsupported = nullptr);

}  // namespace lxcri::oci
