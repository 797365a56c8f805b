#include "runtime/hook_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/error.h"
#include "base/strings.h"
#include "os/check.h"
#include "os/file.h"

namespace lxcri::runtime {

namespace {

// To open a device can have effects. The null device and terminals have none.
void refuse_devices(int fd, const std::string& path) {
    struct stat status {};
    os::check(::fstat(fd, &status), "fstat", path);
    if (!S_ISCHR(status.st_mode) && !S_ISBLK(status.st_mode)) return;
    const unsigned number = major(status.st_rdev);
    const bool is_terminal = number == 5 || (number >= 136 && number <= 143);
    if (S_ISCHR(status.st_mode) && (is_terminal || status.st_rdev == makedev(1, 3))) return;
    throw Error(concat(in_quotes(path), " is a device"));
}

os::UniqueFd open_file(const std::string& path, const std::string& bundle, const char* name) {
    if (path.empty()) return {};
    const std::string full = path.starts_with('/') ? path : concat(bundle, "/", path);
    // A FIFO without a reader is an error, not something to wait for.
    constexpr int kFlags = O_WRONLY | O_APPEND | O_NONBLOCK;
    return in_context(concat("/annotations/run.oci.hooks.", name), [&] {
        const auto found = os::find_at(AT_FDCWD, full, O_PATH);
        if (found) refuse_devices(found->get(), full);
        const os::UniqueFd file =
            found ? os::open_at(AT_FDCWD, concat("/proc/self/fd/", std::to_string(found->get())),
                                kFlags)
                  : os::open_at(AT_FDCWD, full, kFlags | O_CREAT | O_EXCL, 0600);
        os::check(::fcntl(file.get(), F_SETFL, O_APPEND), "fcntl F_SETFL");
        return os::duplicate(file.get());  // beyond 0-2, which hooks get anew
    });
}

}  // namespace

HookFiles HookFiles::open(const translate::HookFiles& paths, const std::string& bundle) {
    HookFiles files;
    files.out_ = open_file(paths.out, bundle, "stdout");
    files.err_ = open_file(paths.err, bundle, "stderr");
    return files;
}

std::vector<os::UniqueFd> HookFiles::duplicates() const {
    std::vector<os::UniqueFd> result;
    if (out_.valid()) result.push_back(os::duplicate(out_.get()));
    if (err_.valid()) result.push_back(os::duplicate(err_.get()));
    return result;
}

}  // namespace lxcri::runtime
