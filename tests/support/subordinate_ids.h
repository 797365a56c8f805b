#pragma once
// An ordinary user who has subordinate IDs: /etc/passwd, /etc/subuid and /etc/subgid as they are
// with one. The tests have mounts of their own.

#include <sys/mount.h>
#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

#include "support/catch.h"
#include "support/files.h"

namespace lxcri::test {

inline constexpr uid_t kOrdinaryUser = 12345;
inline constexpr unsigned kSubordinateIds = 200000;

class SubordinateIds {
  public:
    explicit SubordinateIds(const std::filesystem::path& directory) {
        const std::string user = std::to_string(kOrdinaryUser);
        write_file(directory / "passwd",
                   read_file("/etc/passwd") + "rootless:x:" + user + ":" + user + "::/:/bin/sh\n");
        write_file(directory / "subid", "rootless:" + std::to_string(kSubordinateIds) + ":65536\n");
        bind(directory / "passwd", "/etc/passwd");
        bind(directory / "subid", "/etc/subuid");
        bind(directory / "subid", "/etc/subgid");
    }
    SubordinateIds(const SubordinateIds&) = delete;
    SubordinateIds& operator=(const SubordinateIds&) = delete;
    ~SubordinateIds() {
        for (const std::string& target : bound_) umount2(target.c_str(), MNT_DETACH);
    }

  private:
    void bind(const std::filesystem::path& source, const std::string& target) {
        REQUIRE(mount(source.c_str(), target.c_str(), nullptr, MS_BIND, nullptr) == 0);
        bound_.push_back(target);
    }

    std::vector<std::string> bound_;
};

}  // namespace lxcri::test
