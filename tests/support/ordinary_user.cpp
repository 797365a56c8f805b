#include "support/ordinary_user.h"

#include <sys/mount.h>

#include <algorithm>

#include "support/catch.h"
#include "support/files.h"

namespace lxcri::test {

namespace fs = std::filesystem;

SubordinateIds::SubordinateIds(const fs::path& directory) {
    const std::string number = std::to_string(kUser);
    write_file(directory / "passwd",
               read_file("/etc/passwd") + "rootless:x:" + number + ":" + number + "::/:/bin/sh\n");
    write_file(directory / "group", read_file("/etc/group") + "rootless:x:" + number + ":\n");
    write_file(directory / "subid", "rootless:" + std::to_string(kSubordinate) + ":65536\n");
    bind(directory / "passwd", "/etc/passwd");
    bind(directory / "group", "/etc/group");
    bind(directory / "subid", "/etc/subuid");
    bind(directory / "subid", "/etc/subgid");
}

SubordinateIds::~SubordinateIds() {
    for (const std::string& target : bound_) umount2(target.c_str(), MNT_DETACH);
}

void SubordinateIds::bind(const fs::path& source, const std::string& target) {
    REQUIRE(mount(source.c_str(), target.c_str(), nullptr, MS_BIND, nullptr) == 0);
    bound_.push_back(target);
}

std::string map_line(unsigned inside, unsigned outside, unsigned size) {
    std::string line;
    for (const unsigned number : {inside, outside, size}) {
        const std::string text = std::to_string(number);
        line += std::string(10 - std::min<std::size_t>(10, text.size()), ' ') + text + " ";
    }
    line.pop_back();
    return line;
}

}  // namespace lxcri::test
