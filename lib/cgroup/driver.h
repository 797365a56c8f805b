#pragma once
// Who makes the cgroups of containers.

namespace lxcri::cgroup {

enum class Driver { cgroupfs, systemd, disabled };

}  // namespace lxcri::cgroup
