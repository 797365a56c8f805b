#pragma once
// What CRIU does to the cgroup filesystem of the virtual machine.
#include <sys/mount.h>

#include <string>

#include "support/environment.h"
#include "support/files.h"

namespace lxcri::test {

// CRIU mounts a cgroup2 of its own, without options: these are then those of the whole machine.
class CgroupOptions {
  public:
    CgroupOptions() {
        for (const auto& line : lines_of(read_file("/proc/self/mountinfo"))) {
            if (!contains(line, " /sys/fs/cgroup ") || !contains(line, " - cgroup2 ")) continue;
            options_ = line.substr(line.rfind(' ') + 1);
        }
        if (options_.starts_with("rw,")) options_.erase(0, 3);
    }
    CgroupOptions(const CgroupOptions&) = delete;
    CgroupOptions& operator=(const CgroupOptions&) = delete;
    ~CgroupOptions() {
        if (!is_virtual_machine() || options_.empty()) return;
        (void)mount(nullptr, "/sys/fs/cgroup", nullptr,
                    MS_REMOUNT | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RELATIME, options_.c_str());
    }

  private:
    std::string options_;
};

}  // namespace lxcri::test
