#pragma once
// The liblxc that containers are started with: the one that the dynamic linker finds now, which
// need not be the one that lxcri was built with.

#include <string>

namespace lxcri::host {

struct LiblxcAnswer {
    bool found = false;
    std::string text;  // its version, or why lxcri-start cannot be started
};

// Asks lxcri-start, the only program that knows liblxc.
LiblxcAnswer ask_liblxc_version(const std::string& libexec_dir);

}  // namespace lxcri::host
