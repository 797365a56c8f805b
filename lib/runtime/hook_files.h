#pragma once
// The files of the annotations run.oci.hooks.stdout and run.oci.hooks.stderr.

#include <string>
#include <vector>

#include "handoff/run_hooks.h"
#include "os/unique_fd.h"
#include "translate/crun_annotations.h"

namespace lxcri::runtime {

class HookFiles {
  public:
    HookFiles() = default;
    // Appends to them, and makes them where they are missing. A relative path counts from the
    // bundle.
    static HookFiles open(const translate::HookFiles& paths, const std::string& bundle);

    handoff::HookOutput output() const noexcept { return {out_.get(), err_.get()}; }
    // Those that are open, for another process.
    std::vector<os::UniqueFd> duplicates() const;

  private:
    os::UniqueFd out_;
    os::UniqueFd err_;
};

}  // namespace lxcri::runtime
