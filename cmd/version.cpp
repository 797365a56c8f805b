#include "version.h"

#include "base/strings.h"
#include "host/liblxc_version.h"

namespace lxcri::cmd {

std::string version_text(const std::string& libexec_dir) {
    const auto liblxc = host::ask_liblxc_version(libexec_dir);
    return concat("lxcri version " LXCRI_VERSION "\ncommit: " LXCRI_COMMIT
                  "\nspec: 1.3.0\nliblxc: ",
                  liblxc.found ? liblxc.text : concat("unknown: ", liblxc.text), "\n");
}

}  // namespace lxcri::cmd
