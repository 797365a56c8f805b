#include "os/trusted_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/strings.h"
#include "os/check.h"
#include "os/file.h"

namespace lxcri::os {

namespace {

// In a user namespace without the host's root, the files of root and of all other users that are
// not mapped seem to belong to the overflow user. No user in here can write them: that is as good
// as root's.
bool is_root_of_the_host_unmapped() {
    std::string map = read_file_at(AT_FDCWD, "/proc/self/uid_map");
    for (const std::string& line : split(map, '\n')) {
        // "INSIDE OUTSIDE COUNT": the identity is the initial user namespace.
        std::vector<std::string> words = split(line, ' ');
        std::erase(words, "");
        if (words.size() == 3 && words[1] == "0") return false;
    }
    return true;
}

bool is_overflow_uid(uid_t uid) {
    const std::string text = read_file_at(AT_FDCWD, "/proc/sys/kernel/overflowuid");
    return concat(std::to_string(uid), "\n") == text;
}

}  // namespace

std::optional<std::string> find_trusted_file(const std::string& path) {
    // A FIFO must not stop us.
    const auto file = find_at(AT_FDCWD, path, O_RDONLY | O_NONBLOCK);
    if (!file) return {};
    struct stat status {};
    check(::fstat(file->get(), &status), "fstat", path);
    if (!S_ISREG(status.st_mode)) throw Error(concat(in_quotes(path), " is not a regular file"));
    const bool is_ours = status.st_uid == 0 || status.st_uid == ::geteuid();
    const bool is_owned =
        is_ours || (is_overflow_uid(status.st_uid) && is_root_of_the_host_unmapped());
    if (!is_owned || (status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        throw Error(concat(in_quotes(path), " must belong to root",
                           ::geteuid() == 0 ? "" : " or to you",
                           ", and only its owner may write it"));
    }
    return read_all(file->get(), path);
}

}  // namespace lxcri::os
