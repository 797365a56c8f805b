#include "version.h"

namespace lxcri::cmd {

std::string version_text() {
    return "lxcri version " LXCRI_VERSION "\ncommit: " LXCRI_COMMIT
           "\nspec: 1.3.0\nliblxc: " LXCRI_LXC_VERSION "\n";
}

}  // namespace lxcri::cmd
