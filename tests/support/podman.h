#pragma once
// Podman as the caller, with everything of its own in our directory.

#include <optional>
#include <string>

#include "support/environment.h"
#include "support/runtime.h"

namespace lxcri::test {

std::optional<std::string> need_podman();

class Podman {
  public:
    explicit Podman(std::string cgroup_manager = "cgroupfs");
    Podman(const Podman&) = delete;
    Podman& operator=(const Podman&) = delete;
    ~Podman();

    Strings command_line(const Strings& arguments) const;
    CommandOptions options() const;
    Finished call(const Strings& arguments) const;
    Finished create_secret(const std::string& name, const std::string& content) const;
    // A container that sleeps, named so.
    void start(const std::string& name, const Strings& flags = {}) const;
    // podman run --network none --rm ..., without what has a test of its own
    Finished run(const Strings& arguments) const;
    // For sources of mounts.
    const Box& box() const { return box_; }

  private:
    std::string cgroup_manager_;
    Box box_;
};

}  // namespace lxcri::test
