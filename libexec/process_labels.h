#pragma once
// The attributes of this process that security modules read: /proc/thread-self/attr, on a procfs
// that is proven to be one. An image or another container process can have put something else at
// /proc (CVE-2019-16884) or on a file below it (CVE-2025-52881).

#include <string>

#include "os/unique_fd.h"

namespace lxcri::libexec {

// While it lives, keyrings and keys that are made get this SELinux label; "" does nothing.
class KeyringLabel {
  public:
    explicit KeyringLabel(const std::string& label);
    KeyringLabel(const KeyringLabel&) = delete;
    KeyringLabel& operator=(const KeyringLabel&) = delete;
    ~KeyringLabel();

  private:
    os::UniqueFd file_;
};

}  // namespace lxcri::libexec
