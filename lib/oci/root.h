#pragma once
// The container's root filesystem: runtime-spec config.md "Root".

#include <string>

namespace lxcri::oci {

struct Root {
    std::string path;       // as written: absolute, or relative to the bundle; never empty
    bool readonly = false;  // of / alone; mounts below keep their own flags
};

}  // namespace lxcri::oci
