#include "os/rooted_path.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/strings.h"
#include "os/check.h"
#include "os/path_walk.h"

namespace lxcri::os {

int try_openat2(int dir_fd, const std::string& path, int flags, mode_t mode,
                std::uint64_t resolve) noexcept {
    open_how how{};
    // O_NOCTTY has no meaning with O_PATH, where openat2 refuses every flag it does not know.
    const int extra = (flags & O_PATH) != 0 ? O_CLOEXEC : O_CLOEXEC | O_NOCTTY;
    how.flags = static_cast<std::uint64_t>(flags | extra);
    how.mode = (flags & O_CREAT) != 0 ? mode : 0;
    how.resolve = resolve;
    while (true) {
        const long fd = ::syscall(SYS_openat2, dir_fd, path.c_str(), &how, sizeof how);
        // EAGAIN: a rename or mount raced with the ".." check of RESOLVE_IN_ROOT (openat2(2)).
        if (fd != -1) return static_cast<int>(fd);
        if (errno == EINTR || errno == EAGAIN) continue;
        // Not known, or forbidden by a sandbox. Where it is the file that is forbidden, the slow
        // way says so again.
        if (errno != ENOSYS && errno != EPERM) return -1;
        const int walked = walk_path(dir_fd, path, flags | extra, resolve);
        if (walked != -1 || errno != EAGAIN) return walked;
    }
}

UniqueFd openat2(int dir_fd, const std::string& path, int flags, mode_t mode,
                 std::uint64_t resolve) {
    return UniqueFd(check(try_openat2(dir_fd, path, flags, mode, resolve), "openat2", path));
}

std::uint64_t RootedDir::resolve() const noexcept {
    constexpr std::uint64_t kInside = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
    return links_ == Links::follow ? kInside : kInside | RESOLVE_NO_SYMLINKS;
}

UniqueFd RootedDir::open(std::string_view path, int flags, mode_t mode) const {
    const std::string inside = path.empty() ? "/" : std::string(path);
    return openat2(root_fd_, inside, flags, mode, resolve());
}

std::optional<UniqueFd> RootedDir::find(std::string_view path, int flags) const {
    UniqueFd fd(try_openat2(root_fd_, std::string(path), flags, 0, resolve()));
    if (fd.valid()) return fd;
    if (errno == ENOENT || errno == ENOTDIR) return {};
    throw SystemError(errno, "openat2", path);
}

UniqueFd RootedDir::make_directories(std::string_view path, mode_t mode,
                                     std::optional<mode_t> last_mode) const {
    if (auto existing = find(path, O_PATH | O_DIRECTORY)) return std::move(*existing);
    const std::string inside = path.empty() ? "/" : std::string(path);
    const Missing missing{mode, last_mode.value_or(mode), {}};
    return UniqueFd(check(make_path(root_fd_, inside, resolve(), missing), "mkdir", path));
}

UniqueFd RootedDir::make_file(std::string_view path, mode_t mode) const {
    if (auto existing = find(path, O_PATH)) return std::move(*existing);
    const auto name = split_parent(path).second;
    if (name.empty() || name == "." || name == "..") throw SystemError(EISDIR, "create", path);
    const Missing missing{0755, 0755, mode};
    const std::string without_slash(path.substr(0, path.find_last_not_of('/') + 1));
    return UniqueFd(check(make_path(root_fd_, without_slash, resolve(), missing), "create", path));
}

std::pair<std::string_view, std::string_view> split_parent(std::string_view path) {
    while (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
    const auto slash = path.rfind('/');
    if (slash == std::string_view::npos) return {{}, path};
    return {path.substr(0, slash), path.substr(slash + 1)};
}

bool is_same_or_below(std::string_view path, std::string_view dir) {
    while (dir.size() > 1 && dir.back() == '/') dir.remove_suffix(1);
    if (dir == "/") return !path.empty() && path.front() == '/';
    if (!path.starts_with(dir)) return false;
    return path.size() == dir.size() || path[dir.size()] == '/';
}

}  // namespace lxcri::os
