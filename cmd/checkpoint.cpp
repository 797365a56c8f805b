// checkpoint and restore. CRIU would have to be told about each mount of a container that liblxc
// has not made, and liblxc dumps only what its own monitor, which has ended, has started. Engines
// ask `checkpoint --help` whether they can use it: so that is refused, too.

#include "base/error.h"
#include "base/strings.h"
#include "command.h"

namespace lxcri::cmd {

namespace {

[[noreturn]] void refuse(std::string_view command) {
    throw Error(concat(command,
                       ": not supported: liblxc dumps only containers that its own monitor keeps "
                       "and whose mounts it has made"));
}

}  // namespace

int run_checkpoint(const Globals& /*globals*/, Arguments /*arguments*/) {
    refuse("checkpoint");
}

int run_restore(const Globals& /*globals*/, Arguments /*arguments*/) {
    refuse("restore");
}

}  // namespace lxcri::cmd
