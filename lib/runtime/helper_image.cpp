#include "runtime/helper_image.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/error.h"
#include "base/strings.h"
#include "os/check.h"
#include "os/file.h"
#include "os/mount.h"

namespace lxcri::runtime {

namespace {

// An installed helper belongs to root, who lets others execute it but not read it: an ordinary
// user, and so their containers, cannot write to it.
bool is_out_of_reach(const std::string& path) {
    return ::faccessat(AT_FDCWD, path.c_str(), R_OK, AT_EACCESS) != 0 &&
           ::faccessat(AT_FDCWD, path.c_str(), W_OK, AT_EACCESS) != 0;
}

}  // namespace

os::UniqueFd open_helper_image(const std::string& path) {
    try {
        os::UniqueFd image = os::clone_mount(AT_FDCWD, path, false);
        mount_attr attributes{};
        attributes.attr_set = MOUNT_ATTR_RDONLY;
        os::set_mount_attributes(image.get(), false, attributes, path);
        return image;
    } catch (const SystemError& error) {
        if (error.code() != EPERM && error.code() != ENOSYS) throw;
    }
    if (is_out_of_reach(path)) return os::open_at(AT_FDCWD, path, O_PATH);
    const std::string name = path.substr(path.rfind('/') + 1);
    return os::make_sealed_memfd(name.c_str(), os::read_file_at(AT_FDCWD, path));
}

}  // namespace lxcri::runtime
