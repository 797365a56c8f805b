#include "support/canary.h"

#include <sys/stat.h>

#include <algorithm>
#include <iterator>

#include "support/files.h"

namespace lxcri::test {

namespace fs = std::filesystem;

namespace {

std::set<std::string> mounts() {
    std::set<std::string> lines;
    for (const auto& line : lines_of(read_file("/proc/self/mountinfo"))) lines.insert(line);
    return lines;
}

void add_difference(const std::set<std::string>& before, const std::set<std::string>& after,
                    const std::string& what, std::vector<std::string>& result) {
    std::vector<std::string> lines;
    std::set_difference(after.begin(), after.end(), before.begin(), before.end(),
                        std::back_inserter(lines));
    for (const auto& line : lines) result.push_back(what + line);
}

}  // namespace

Canary::Canary(fs::path directory) : directory_(std::move(directory)) {
    for (const char* name :
         {"sub/deep", "pts", "shm", "mqueue", "fs/cgroup", "firmware", "kernel", "fd", "sys/kernel",
          "self/attr/apparmor", "thread-self/attr/apparmor", "sys/net/ipv4/conf/all", "bus", "irq",
          "null", "proc/self", "dev/pts", "net"}) {
        fs::create_directories(directory_ / name);
    }
    fs::remove(directory_ / "null");
    for (const char* name : {"file",
                             "null",
                             "zero",
                             "full",
                             "random",
                             "urandom",
                             "tty",
                             "ptmx",
                             "console",
                             "core",
                             "stdin",
                             "stdout",
                             "stderr",
                             "kcore",
                             "keys",
                             "sysrq-trigger",
                             "hosts",
                             "secret",
                             "fixed",
                             "log",
                             "node",
                             "pts/0",
                             "pts/ptmx",
                             "sys/kernel/core_pattern",
                             "sys/net/ipv4/ip_forward",
                             "self/attr/exec",
                             "self/attr/apparmor/exec",
                             "thread-self/attr/exec",
                             "thread-self/attr/apparmor/exec",
                             "sub/file",
                             "sub/deep/file",
                             ".lxc_keep"}) {
        write_file(directory_ / name, "untouched\n");
    }
    entries_.push_back({directory_, facts_of(directory_)});
    for (const auto& entry : fs::recursive_directory_iterator(directory_)) {
        entries_.push_back({entry.path(), facts_of(entry.path())});
    }
    before_ = listing();
    mounts_ = mounts();
}

std::string Canary::facts_of(const fs::path& path) {
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0) return "gone";
    return "mode " + std::to_string(status.st_mode) + " owner " + std::to_string(status.st_uid) +
           ":" + std::to_string(status.st_gid) + " links " + std::to_string(status.st_nlink) +
           " size " + std::to_string(status.st_size) + " inode " + std::to_string(status.st_ino) +
           " changed " + std::to_string(status.st_ctim.tv_sec) + "." +
           std::to_string(status.st_ctim.tv_nsec);
}

std::set<std::string> Canary::listing() const {
    std::set<std::string> lines{directory_.string() + ": " + facts_of(directory_)};
    for (const auto& entry : fs::recursive_directory_iterator(directory_)) {
        lines.insert(entry.path().string() + ": " + facts_of(entry.path()));
    }
    return lines;
}

bool Canary::is_untouched() const {
    return std::all_of(entries_.begin(), entries_.end(),
                       [](const Entry& entry) { return facts_of(entry.path) == entry.facts; });
}

std::vector<std::string> Canary::changes() const {
    std::vector<std::string> result;
    const auto now = listing();
    add_difference(before_, now, "now: ", result);
    add_difference(now, before_, "before: ", result);
    const auto mounted = mounts();
    add_difference(mounts_, mounted, "new mount: ", result);
    add_difference(mounted, mounts_, "mount gone: ", result);
    return result;
}

}  // namespace lxcri::test
