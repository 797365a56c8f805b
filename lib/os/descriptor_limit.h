#pragma once

#include <sys/resource.h>

namespace lxcri::os {

// Raises the soft limit of open descriptors to the hard one, for as long as it lives.
class ManyDescriptors {
  public:
    ManyDescriptors();
    ManyDescriptors(const ManyDescriptors&) = delete;
    ManyDescriptors& operator=(const ManyDescriptors&) = delete;
    ~ManyDescriptors();

  private:
    rlimit before_{};
};

}  // namespace lxcri::os
