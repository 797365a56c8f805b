#include "runtime/hook_files.h"

#include <fcntl.h>

#include "base/error.h"
#include "base/strings.h"
#include "os/check.h"
#include "os/file.h"

namespace lxcri::runtime {

namespace {

os::UniqueFd open_file(const std::string& path, const std::string& bundle, const char* name) {
    if (path.empty()) return {};
    const std::string full = path.starts_with('/') ? path : concat(bundle, "/", path);
    // A FIFO without a reader is an error, not something to wait for.
    constexpr int kFlags = O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK;
    return in_context(concat("/annotations/run.oci.hooks.", name), [&] {
        const os::UniqueFd file = os::open_at(AT_FDCWD, full, kFlags, 0600);
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
