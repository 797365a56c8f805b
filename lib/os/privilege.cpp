#include "os/privilege.h"

#include <unistd.h>

#include "os/user_namespace.h"

namespace lxcri::os {

bool is_ordinary_user() {
    return ::geteuid() != 0;
}

bool is_host_root() {
    static const bool result = !is_ordinary_user() && find_outer_user().initial_namespace;
    return result;
}

}  // namespace lxcri::os
