#include "host/owner.h"

#include "os/passwd.h"

namespace lxcri::host {

std::string owner_name(uid_t uid) {
    if (uid == 0) return "root";
    const auto user = os::find_user(uid);
    return user ? user->name : std::to_string(uid);
}

}  // namespace lxcri::host
