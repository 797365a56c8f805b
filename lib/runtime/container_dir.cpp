#include "runtime/container_dir.h"
#include "attached/notify_socket.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/error.h"
#include "base/nearest.h"
#include "base/strings.h"
#include "os/check.h"
#include "os/directory.h"
#include "os/file.h"

namespace lxcri::runtime {

namespace {

os::UniqueFd open_directory_at(int dir_fd, const std::string& path) {
    return os::open_at(dir_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
}

// Search permission for all, because liblxc's child checks it as the root of a user namespace. What
// is missing above, as /run where nothing has made it yet, is not ours alone.
void make_root(const std::string& root) {
    std::string path;
    const auto elements = split(normalized_path(root), '/');
    for (const auto& element : elements) {
        if (element.empty()) continue;
        path += '/';
        path += element;
        const mode_t mode = &element == &elements.back() ? 0711 : 0755;
        if (::mkdir(path.c_str(), mode) == -1 && errno != EEXIST) {
            throw SystemError(errno, "mkdir", path);
        }
    }
}

bool may_be_id(std::string_view id) {
    constexpr std::size_t kLongest = 1024;
    if (id.empty() || id.size() > kLongest || id == "." || id == "..") return false;
    return std::all_of(id.begin(), id.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_' || c == '+' || c == '.' || c == '-';
    });
}

}  // namespace

void check_id(std::string_view id) {
    if (may_be_id(id)) return;
    throw Error(concat("container ID: expected letters, digits and the characters _ + . -, got ",
                       in_quotes(id)));
}

std::vector<std::string> list_ids(const std::string& root) {
    const os::UniqueFd dir = os::open_at(AT_FDCWD, root, O_RDONLY | O_DIRECTORY);
    auto names = os::directory_names(dir.get());
    std::erase_if(names, [](const std::string& name) { return !may_be_id(name); });
    std::sort(names.begin(), names.end());
    return names;
}

// For people. The IDs of engines are longer, and people do not type them.
static std::string similar_id(const std::string& root, const std::string& id) {
    constexpr std::size_t kTyped = 32;
    if (id.size() > kTyped || ::access(root.c_str(), R_OK) == -1) return {};
    const auto ids = list_ids(root);
    return did_you_mean(id, {ids.begin(), ids.end()});
}

ContainerDir ContainerDir::create(const std::string& root, const std::string& id) {
    make_root(root);
    os::UniqueFd root_fd = os::open_at(AT_FDCWD, root, O_RDONLY | O_DIRECTORY);
    constexpr std::size_t kSpare = 5;
    std::vector<os::UniqueFd> spare;
    while (spare.size() < kSpare) spare.push_back(os::duplicate(root_fd.get()));
    if (::mkdirat(root_fd.get(), id.c_str(), 0700) == -1) {
        if (errno == EEXIST)
            throw StateError(concat("container ", in_quotes(id), " exists already"));
        throw SystemError(errno, "mkdir", concat(root, "/", id));
    }
    spare.resize(spare.size() - 2);  // for the directory and its lock
    ContainerDir dir(std::move(root_fd), {}, id);
    try {
        dir.fd_ = open_directory_at(dir.root_.get(), id);
        dir.lock();
    } catch (const Error&) {
        ::unlinkat(dir.root_.get(), id.c_str(), AT_REMOVEDIR);
        throw;
    }
    dir.spare_ = std::move(spare);
    return dir;
}

NotFoundError no_such_container(const std::string& root, const std::string& id) {
    return NotFoundError(
        concat("container ", in_quotes(id), " does not exist", similar_id(root, id)));
}

ContainerDir ContainerDir::open(const std::string& root, const std::string& id) {
    auto fd = os::find_at(AT_FDCWD, concat(root, "/", id), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (!fd) throw no_such_container(root, id);
    return {{}, std::move(*fd), id};
}

void ContainerDir::lock(std::chrono::milliseconds patience) {
    if (lock_) return;
    lock_ = os::FileLock::take(fd_.get(), os::Clock::now() + patience);
    if (lock_) return;
    throw StateError(concat("another command is working on container ", in_quotes(id_)));
}

bool ContainerDir::is_removed() const {
    struct stat status {};
    os::check(::fstat(fd_.get(), &status), "fstat", id_);
    return status.st_nlink == 0;
}

bool ContainerDir::is_locked_by_other() const {
    if (lock_) return false;
    const os::UniqueFd probe = os::open_at(fd_.get(), ".", O_RDONLY | O_DIRECTORY);
    return ::flock(probe.get(), LOCK_SH | LOCK_NB) == -1 && errno == EWOULDBLOCK;
}

std::optional<os::FileLock> ContainerDir::take_freezer(std::chrono::milliseconds patience) const {
    // A file that is there as long as the container, and is never replaced.
    return os::FileLock::take_file(fd_.get(), "config.json", os::Clock::now() + patience);
}

std::vector<pid_t> ContainerDir::kill_lock_holders() const {
    std::vector<pid_t> killed;
    for (const pid_t pid : os::find_lock_holders(fd_.get())) {
        try {
            const auto process = os::ProcessRef::open(pid);
            // Still the same one, when it still has the lock.
            const auto now = os::find_lock_holders(fd_.get());
            if (std::find(now.begin(), now.end(), pid) == now.end()) continue;
            if (process.signal(SIGKILL)) killed.push_back(pid);
        } catch (const SystemError& error) {
            if (error.code() != ESRCH) throw;
        }
    }
    return killed;
}

void ContainerDir::empty_for_next_life() const {
    for (const auto& name : os::entry_names(fd_.get())) {
        if (name == "config.json" || name == "state.json") continue;
        remove_entry(name, Strangers::remove);
    }
}

void ContainerDir::remove_entry(const std::string& name, Strangers strangers) const {
    if (::unlinkat(fd_.get(), name.c_str(), 0) == 0 || errno == ENOENT) return;
    if (errno != EISDIR || (name != attached::kNotifyDirectory && strangers == Strangers::refuse)) {
        throw SystemError(errno, "unlink", name);
    }
    os::remove_tree_at(fd_.get(), name);
}

void ContainerDir::remove(Strangers strangers) {
    if (!root_.valid()) root_ = os::open_at(fd_.get(), "..", O_RDONLY | O_DIRECTORY);
    // The plan goes last: it has the poststop hooks, which are run after this. Before it the
    // record, by which what is left is found.
    auto names = os::entry_names(fd_.get());
    for (const std::string_view last : {"config.json", "state.json", "plan"}) {
        std::stable_partition(names.begin(), names.end(),
                              [&](const std::string& name) { return name != last; });
    }
    for (const auto& name : names) remove_entry(name, strangers);
    if (::unlinkat(root_.get(), id_.c_str(), AT_REMOVEDIR) == -1 && errno != ENOENT) {
        throw SystemError(errno, "rmdir", id_);
    }
}

}  // namespace lxcri::runtime
