#include "host/owner.h"

#include <fcntl.h>

#include <cstdint>

#include "base/strings.h"
#include "os/file.h"

namespace lxcri::host {

std::string owner_name(uid_t uid) {
    if (uid == 0) return "root";
    const auto passwd = os::find_file_at(AT_FDCWD, "/etc/passwd");
    for (const auto& line : split(passwd.value_or(""), '\n')) {
        const auto fields = split(line, ':');  // name:password:uid:...
        if (fields.size() > 2 && parse_integer<std::uint32_t>(fields[2]) == uid) return fields[0];
    }
    return std::to_string(uid);
}

}  // namespace lxcri::host
