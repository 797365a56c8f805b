#include "cgroup/tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memory>

#include "base/strings.h"
#include "os/check.h"
#include "os/file.h"

namespace lxcri::cgroup {

namespace {

// A cgroup that was removed while its directory is open answers like this.
bool is_gone(int error) {
    return error == ENOENT || error == ENODEV;
}

// Invalid when it is gone.
os::UniqueFd open_directory_at(int dir_fd, const char* name) {
    os::UniqueFd fd(::openat(dir_fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!fd.valid() && !is_gone(errno)) throw SystemError(errno, "open", name);
    return fd;
}

enum class HowMany { all, one };
// Without ".." and the files.
std::vector<std::string> read_directory(int dir_fd, HowMany how_many) {
    std::vector<std::string> names;
    // The kernel counts the subdirectories in st_nlink: no need to read the many files' names.
    struct stat info {};
    if (::fstat(dir_fd, &info) == 0 && info.st_nlink == 2) return names;
    os::UniqueFd fd(::openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd.valid() && is_gone(errno)) return names;
    const std::unique_ptr<DIR, int (*)(DIR*)> dir(::fdopendir(os::check(fd.get(), "open", ".")),
                                                  ::closedir);
    if (!dir) throw SystemError(errno, "fdopendir");
    (void)fd.release();  // closedir() closes it
    while (const dirent* entry = ::readdir(dir.get())) {
        const std::string_view name = entry->d_name;
        if (entry->d_type != DT_DIR || name == "." || name == "..") continue;
        names.emplace_back(name);
        if (how_many == HowMany::one) break;
    }
    return names;
}

// What `find` finds; nullopt if the cgroup has been removed.
template <class Find>
auto unless_gone(Find&& find) -> decltype(find()) {
    try {
        return find();
    } catch (const SystemError& error) {
        if (is_gone(error.code())) return {};
        throw;
    }
}

}  // namespace

std::optional<std::string> find_file(int dir_fd, const std::string& name) {
    return unless_gone([&] { return os::find_file_at(dir_fd, name); });
}

std::optional<std::string> find_value(int dir_fd, const std::string& name) {
    return unless_gone([&] { return os::find_value_at(dir_fd, name); });
}

std::optional<os::UniqueFd> open_file(int dir_fd, const std::string& name) {
    return unless_gone([&] { return os::find_at(dir_fd, name, O_RDONLY); });
}

std::optional<std::uint64_t> find_count(std::string_view text, std::string_view key) {
    while (!text.empty()) {
        const auto end = text.find('\n');
        const std::string_view line = text.substr(0, end);
        if (line.size() > key.size() && line.starts_with(key) && line[key.size()] == ' ') {
            return parse_integer<std::uint64_t>(line.substr(key.size() + 1));
        }
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    return {};
}

std::vector<pid_t> read_processes(int dir_fd) {
    std::vector<pid_t> pids;
    std::optional<std::string> text;
    try {
        text = find_file(dir_fd, "cgroup.procs");
    } catch (const SystemError& error) {
        // A threaded cgroup; its processes are listed by the domain above it.
        if (error.code() == EOPNOTSUPP) return pids;
        throw;
    }
    if (!text) return pids;
    for (const std::string& line : split(*text, '\n')) {
        // 0 is a process that this pid namespace does not see.
        if (const auto pid = parse_integer<pid_t>(line); pid && *pid > 0) pids.push_back(*pid);
    }
    return pids;
}

std::vector<std::string> list_subdirectories(int dir_fd) {
    return read_directory(dir_fd, HowMany::all);
}

TreeWalk::TreeWalk(int dir_fd) : top_fd_(dir_fd) {}

bool TreeWalk::next() {
    if (!current_.valid()) {
        current_ = open_directory_at(top_fd_, ".");
        if (current_.valid()) pending_.push_back(list_subdirectories(current_.get()));
        return current_.valid();
    }
    while (!pending_.empty()) {
        if (pending_.back().empty()) {
            pending_.pop_back();
            if (!pending_.empty()) current_ = open_directory_at(current_.get(), "..");
            if (!current_.valid()) return false;  // removed above us: nothing is left to visit
            continue;
        }
        const std::string name = std::move(pending_.back().back());
        pending_.back().pop_back();
        os::UniqueFd child = open_directory_at(current_.get(), name.c_str());
        if (!child.valid()) continue;  // removed meanwhile
        current_ = std::move(child);
        pending_.push_back(list_subdirectories(current_.get()));
        return true;
    }
    return false;
}

std::vector<pid_t> read_all_processes(int dir_fd) {
    std::vector<pid_t> pids;
    TreeWalk walk(dir_fd);
    while (walk.next()) {
        const auto here = read_processes(walk.fd());
        pids.insert(pids.end(), here.begin(), here.end());
    }
    return pids;
}

int try_remove_subdirectories(int dir_fd, os::Deadline deadline) {
    os::UniqueFd current = open_directory_at(dir_fd, ".");
    std::vector<std::string> way;  // the names from `dir_fd` down to `current`
    while (current.valid()) {
        const auto below = read_directory(current.get(), HowMany::one);
        if (!below.empty() && os::Clock::now() > deadline) return ETIMEDOUT;
        if (!below.empty()) {
            os::UniqueFd child = open_directory_at(current.get(), below.front().c_str());
            if (!child.valid()) continue;  // removed meanwhile
            current = std::move(child);
            way.push_back(below.front());
            continue;
        }
        if (way.empty()) return 0;
        os::UniqueFd parent = open_directory_at(current.get(), "..");
        if (!parent.valid()) return errno;
        if (::unlinkat(parent.get(), way.back().c_str(), AT_REMOVEDIR) != 0 && !is_gone(errno)) {
            return errno;
        }
        current = std::move(parent);
        way.pop_back();
    }
    return errno;
}

}  // namespace lxcri::cgroup
