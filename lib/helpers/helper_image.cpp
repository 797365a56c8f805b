#include "helpers/helper_image.h"

#include <fcntl.h>
#include <link.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>

#include "base/error.h"
#include "base/strings.h"
#include "os/check.h"
#include "os/file.h"
#include "os/mount.h"
#include "os/privilege.h"

namespace lxcri::helpers {

namespace {

// An installed helper belongs to root of the host. An owner could change its mode, and so could
// root of a container in whose user namespace the owner has a number; the latter, if we are root of
// a user namespace, may write to it now.
bool is_out_of_reach(const std::string& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) == -1) return false;
    const bool is_owner = status.st_uid == ::geteuid();
    const bool is_of_root = status.st_uid == 0;
    return !is_owner && (is_of_root || !os::is_ordinary_user()) &&
           ::faccessat(AT_FDCWD, path.c_str(), W_OK, AT_EACCESS) != 0;
}

// The kernel refuses a damaged program, and liblxc then gives it to a shell, which finds nonsense.
// Where this user may not read it nothing can be said.
void check_is_program(const std::string& path) {
    const os::UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.valid()) return;
    struct stat status {};
    os::check(::fstat(file.get(), &status), "fstat", path);
    ElfW(Ehdr) header{};
    const ssize_t size = ::pread(file.get(), &header, sizeof header, 0);
    // The headers of sections are the last of what the linker writes.
    const auto end = header.e_shoff + std::uint64_t{header.e_shentsize} * header.e_shnum;
    if (size != sizeof header || std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
        end > static_cast<std::uint64_t>(status.st_size)) {
        throw Error(concat(in_quotes(path), " is damaged: install lxcri again"));
    }
}

SystemError cannot_execute(int code, const std::string& path, const settings::Options& options) {
    SystemError error(code, "execute", path);
    if (code == ENOENT && !options.other_libexec_dir.empty()) {
        error.add_consequence(concat("it is not in ", in_quotes(options.other_libexec_dir),
                                     " either; --libexec names the directory"));
    }
    return error;
}

}  // namespace

std::string find_helper(const settings::Options& options, const char* name) {
    std::string path = concat(options.libexec_dir, "/", name);
    if (::faccessat(AT_FDCWD, path.c_str(), X_OK, AT_EACCESS) == 0) return path;
    throw cannot_execute(errno, path, options);
}

os::UniqueFd open_helper_image(const std::string& path) {
    check_is_program(path);
    try {
        os::UniqueFd image = os::clone_mount(AT_FDCWD, path, os::Reach::one_mount);
        mount_attr attributes{};
        attributes.attr_set = MOUNT_ATTR_RDONLY;
        os::set_mount_attributes(image.get(), os::Reach::one_mount, attributes, path);
        return image;
    } catch (const SystemError& error) {
        if (error.code() != EPERM && error.code() != ENOSYS) throw;
    }
    if (is_out_of_reach(path)) return os::open_at(AT_FDCWD, path, O_PATH);
    const std::string name = path.substr(path.rfind('/') + 1);
    return os::make_sealed_memfd(name.c_str(), os::read_file_at(AT_FDCWD, path));
}

const char* init_program() {
    return os::is_host_root() ? "lxcri-init" : "lxcri-init-rootless";
}

}  // namespace lxcri::helpers
