#include "os/directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <string_view>

#include "base/strings.h"
#include "os/check.h"
#include "os/file.h"

namespace lxcri::os {

namespace {

// `wanted` is asked about each entry but "." and "..".
template <class Wanted>
std::vector<std::string> find_names(int dir_fd, Wanted wanted) {
    UniqueFd copy = open_at(dir_fd, ".", O_RDONLY | O_DIRECTORY);
    const std::unique_ptr<DIR, int (*)(DIR*)> dir(::fdopendir(copy.get()), ::closedir);
    if (!dir) throw SystemError(errno, "fdopendir");
    (void)copy.release();  // it belongs to `dir` now
    std::vector<std::string> names;
    while (const dirent* entry = ::readdir(dir.get())) {
        const std::string_view name = entry->d_name;
        if (name != "." && name != ".." && wanted(*entry)) names.emplace_back(name);
    }
    return names;
}

}  // namespace

std::vector<std::string> entry_names(int dir_fd) {
    return find_names(dir_fd, [](const dirent&) { return true; });
}

std::vector<std::string> directory_names(int dir_fd) {
    return find_names(dir_fd, [&](const dirent& entry) {
        if (entry.d_type != DT_UNKNOWN) return entry.d_type == DT_DIR;
        struct stat status {};
        return ::fstatat(dir_fd, entry.d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
               S_ISDIR(status.st_mode);
    });
}

std::string absolute_path(const std::string& path) {
    if (path.starts_with('/')) return path;
    const std::unique_ptr<char, void (*)(void*)> here(::getcwd(nullptr, 0), ::free);
    if (!here) throw SystemError(errno, "getcwd");
    return concat(here.get(), "/", path);
}

}  // namespace lxcri::os
