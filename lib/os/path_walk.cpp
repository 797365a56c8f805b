#include "os/path_walk.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <new>
#include <optional>
#include <vector>

#include "os/unique_fd.h"

namespace lxcri::os {

namespace {

constexpr int kMostLinks = 40;  // path_resolution(7)

int fail(int error) {
    errno = error;
    return -1;
}

bool refuse(int error) {
    errno = error;
    return false;
}

class Walk {
  public:
    // `missing`: null if nothing is to be made.
    Walk(int dir_fd, const std::string& path, int flags, std::uint64_t resolve,
         const Missing* missing = nullptr)
        : start_(dir_fd), flags_(flags), resolve_(resolve), rest_(path), missing_(missing) {}

    int run();

  private:
    bool has(std::uint64_t flag) const { return (resolve_ & flag) != 0; }
    int here() const { return above_.empty() ? start_ : above_.back().get(); }
    // False, and errno, when that leads where it may not.
    bool go_to_root();
    bool go_up();
    void go_down(UniqueFd directory);
    bool follow(int link_fd);
    bool stays_on_filesystem(const struct stat& status) const;
    // One element. A descriptor, or -1 and errno, if the walk ends with it.
    std::optional<int> take_step(const std::string& name);
    std::optional<int> take_link(UniqueFd link);
    // Without following: a link is for the next step.
    UniqueFd open_element(const std::string& name);
    bool make_element(const std::string& name);
    int open_last(const std::string& name, UniqueFd found, const struct stat& status);
    int leave_dots();
    std::string take_element();

    int start_;
    UniqueFd real_root_;  // once an absolute path has led there
    int flags_;
    std::uint64_t resolve_;
    std::string rest_;
    const Missing* missing_;
    // The way from the start to where we are: ".." is what we came from, wherever it is now.
    std::vector<UniqueFd> above_;
    bool has_forgotten_ = false;  // where the first of them were
    int links_ = 0;
    dev_t filesystem_ = 0;  // of the start, with RESOLVE_NO_XDEV
};

bool Walk::go_to_root() {
    if (has(RESOLVE_BENEATH)) return refuse(EXDEV);
    above_.clear();
    has_forgotten_ = false;
    if (has(RESOLVE_IN_ROOT)) return true;
    real_root_ = UniqueFd(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
    start_ = real_root_.get();
    return real_root_.valid();
}

bool Walk::go_up() {
    if (!above_.empty()) {
        if (has_forgotten_ && above_.size() == 1) return refuse(ELOOP);
        above_.pop_back();
        return true;
    }
    if (has(RESOLVE_IN_ROOT) || real_root_.valid()) return true;
    return refuse(EXDEV);
}

// However deep a path leads, it takes no more descriptors than this. A path that needs more does
// not go up that far again.
void Walk::go_down(UniqueFd directory) {
    constexpr std::size_t kMostAbove = 16;
    if (above_.size() == kMostAbove) {
        above_.erase(above_.begin());
        has_forgotten_ = true;
    }
    above_.push_back(std::move(directory));
}

// A magic link of procfs is read as any other: what its text means inside.
bool Walk::follow(int link_fd) {
    if (has(RESOLVE_NO_SYMLINKS) || ++links_ > kMostLinks) return refuse(ELOOP);
    std::array<char, PATH_MAX> target{};
    const ssize_t size = ::readlinkat(link_fd, "", target.data(), target.size());
    if (size <= 0) return false;
    rest_.insert(0, std::string(target.data(), static_cast<std::size_t>(size)) + "/");
    return true;
}

// The next element, "" at the end. A slash behind it is left: then it must be a directory.
std::string Walk::take_element() {
    std::string element = rest_.substr(0, rest_.find('/'));
    rest_.erase(0, element.size());
    return element;
}

// The path has ended in "." or "..", or with a slash.
int Walk::leave_dots() {
    return ::openat(here(), ".", flags_ | O_CLOEXEC);
}

int Walk::open_last(const std::string& name, UniqueFd found, const struct stat& status) {
    if ((flags_ & O_PATH) != 0) {
        if ((flags_ & O_DIRECTORY) != 0 && !S_ISDIR(status.st_mode)) return fail(ENOTDIR);
        return found.release();
    }
    // What has become a link meanwhile is not opened.
    UniqueFd opened(::openat(here(), name.c_str(), flags_ | O_NOFOLLOW | O_CLOEXEC));
    struct stat now {};
    if (!opened.valid()) return errno == ELOOP ? fail(EAGAIN) : -1;
    if (::fstat(opened.get(), &now) == -1) return -1;
    if (now.st_dev != status.st_dev || now.st_ino != status.st_ino) return fail(EAGAIN);
    return opened.release();
}

bool Walk::make_element(const std::string& name) {
    const bool is_file = rest_.empty() && missing_->file_mode.has_value();
    if (!is_file) {
        const bool is_last = rest_.find_first_not_of('/') == std::string::npos;
        const mode_t mode = is_last ? missing_->last_directory_mode : missing_->directory_mode;
        return ::mkdirat(here(), name.c_str(), mode) == 0 || errno == EEXIST;
    }
    constexpr int kNewFile = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    const UniqueFd made(::openat(here(), name.c_str(), kNewFile, *missing_->file_mode));
    return made.valid() || errno == EEXIST;
}

UniqueFd Walk::open_element(const std::string& name) {
    constexpr int kFlags = O_PATH | O_NOFOLLOW | O_CLOEXEC;
    UniqueFd found(::openat(here(), name.c_str(), kFlags));
    if (found.valid() || errno != ENOENT || missing_ == nullptr) return found;
    if (!make_element(name)) return {};
    // Opened as anything else: who is quick may have put a link in its place.
    return UniqueFd(::openat(here(), name.c_str(), kFlags));
}

bool Walk::stays_on_filesystem(const struct stat& status) const {
    return !has(RESOLVE_NO_XDEV) || status.st_dev == filesystem_;
}

std::optional<int> Walk::take_link(UniqueFd link) {
    constexpr int kTheLinkItself = O_PATH | O_NOFOLLOW;
    const bool is_last = rest_.empty();
    if (is_last && (flags_ & kTheLinkItself) == kTheLinkItself) return link.release();
    if (is_last && (flags_ & O_NOFOLLOW) != 0) return fail(ELOOP);
    if (!follow(link.get())) return -1;
    if (is_last) rest_.pop_back();  // the slash between them is ours, not the path's
    if (!rest_.empty() && rest_.front() == '/' && !go_to_root()) return -1;
    return {};
}

std::optional<int> Walk::take_step(const std::string& name) {
    if (name == ".") return {};
    if (name == "..") return go_up() ? std::optional<int>() : -1;
    UniqueFd found = open_element(name);
    struct stat status {};
    if (!found.valid() || ::fstat(found.get(), &status) == -1) return -1;
    if (!stays_on_filesystem(status)) return fail(EXDEV);
    if (S_ISLNK(status.st_mode)) return take_link(std::move(found));
    if (rest_.empty()) return open_last(name, std::move(found), status);
    if (!S_ISDIR(status.st_mode)) return fail(ENOTDIR);
    go_down(std::move(found));
    return {};
}

int Walk::run() {
    if (rest_.empty()) return fail(ENOENT);
    struct stat first {};
    if (has(RESOLVE_NO_XDEV) && ::fstat(start_, &first) == -1) return -1;
    filesystem_ = first.st_dev;
    if (rest_.front() == '/' && !go_to_root()) return -1;
    while (true) {
        const auto begin = rest_.find_first_not_of('/');
        if (begin == std::string::npos) return leave_dots();
        rest_.erase(0, begin);
        const std::string name = take_element();
        if (const auto end = take_step(name)) return *end;
    }
}

}  // namespace

int walk_path(int dir_fd, const std::string& path, int flags, std::uint64_t resolve) noexcept {
    try {
        return Walk(dir_fd, path, flags, resolve).run();
    } catch (const std::bad_alloc&) {
        return fail(ENOMEM);
    }
}

int make_path(int dir_fd, const std::string& path, std::uint64_t resolve,
              const Missing& missing) noexcept {
    const int flags = missing.file_mode ? O_PATH : O_PATH | O_DIRECTORY;
    try {
        return Walk(dir_fd, path, flags, resolve, &missing).run();
    } catch (const std::bad_alloc&) {
        return fail(ENOMEM);
    }
}

}  // namespace lxcri::os
