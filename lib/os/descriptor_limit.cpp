#include "os/descriptor_limit.h"

#include "os/check.h"

namespace lxcri::os {

ManyDescriptors::ManyDescriptors() {
    check(::getrlimit(RLIMIT_NOFILE, &before_), "getrlimit");
    const rlimit raised{before_.rlim_max, before_.rlim_max};
    check(::setrlimit(RLIMIT_NOFILE, &raised), "setrlimit");
}

ManyDescriptors::~ManyDescriptors() {
    (void)::setrlimit(RLIMIT_NOFILE, &before_);
}

}  // namespace lxcri::os
