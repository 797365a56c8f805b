#pragma once
// The directories of a checkpoint, and what checkpoint and restore ask of CRIU alike.

#include <map>
#include <string>
#include <string_view>

#include "cgroup/container_cgroup.h"
#include "cgroup/layout.h"
#include "os/unique_fd.h"
#include "runtime/checkpoint.h"

namespace lxcri::runtime {

class CriuFiles {
  public:
    // For a dump: makes the directories where they are missing (0700).
    static CriuFiles make(const CriuOptions& asked);
    // For a restore: that of the images must be there.
    static CriuFiles open(const CriuOptions& asked);

    int images() const noexcept { return images_.get(); }

    // CRIU finds the earlier images relative to the new ones. Throws Error if they are not there.
    void check_parent(const std::string& parent_path) const;

  private:
    explicit CriuFiles(os::UniqueFd images) : images_(std::move(images)) {}
    os::UniqueFd images_;
};

// With the directories of `asked`, which are absolute.
handoff::CriuRequest common_request(const settings::Options& options, const CriuOptions& asked);

// The file of options for CRIU that the annotation org.criu.config names, by default
// /etc/criu/lxcri.conf where that is; "": none. CRIU runs programs that such a file names, as root,
// and annotations may come from the author of a pod: only the administrator's directory counts.
std::string criu_config_file(const std::map<std::string, std::string>& annotations);

// CRIU before 3.19 restores processes without no_new_privs: prctl(2). Throws Error for such a CRIU.
void check_criu_keeps_no_new_privs(const settings::Options& options);

bool is_in_hierarchy(const cgroup::Directory& directory, const cgroup::Membership& place);

// What a namespace that the container has joined is called between dump and restore; "" for a type
// that CRIU cannot leave out.
std::string_view external_namespace_key(std::string_view type);

}  // namespace lxcri::runtime
