#pragma once
// What holds where no place says otherwise: it follows from the installation and the user.

#include <string>

#include "settings/options.h"

namespace lxcri::cmd {

std::string environment(const char* name);  // "": not set

std::string default_libexec_dir();
// The directory of the helpers after `cmake --install`; not where this program has been moved.
std::string installed_libexec_dir();

settings::Options built_in_options();

}  // namespace lxcri::cmd
