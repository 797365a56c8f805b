#include "host/liblxc_version.h"

#include "base/error.h"
#include "base/strings.h"
#include "helpers/ask_program.h"

namespace lxcri::host {

LiblxcAnswer ask_liblxc_version(const std::string& libexec_dir) {
    const std::string path = concat(libexec_dir, "/lxcri-start");
    try {
        // What lxcri-start says of its liblxc; what the dynamic linker says where there is none.
        helpers::ProgramAnswer answer = helpers::ask_program(path, {"check", "liblxc"});
        return {answer.success, std::move(answer.text)};
    } catch (const SystemError& error) {
        return {false, error.what()};
    }
}

}  // namespace lxcri::host
