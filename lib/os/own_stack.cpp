#include "os/own_stack.h"

#include <sys/mman.h>

namespace lxcri::os {

namespace {

constexpr std::size_t kGuard = 1 << 16;  // a multiple of every page size

}  // namespace

OwnStack::OwnStack() noexcept {
    void* const memory = ::mmap(nullptr, kSize, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (memory == MAP_FAILED) return;
    if (::mprotect(memory, kGuard, PROT_NONE) == 0) {
        memory_ = memory;
    } else {
        (void)::munmap(memory, kSize);
    }
}

OwnStack::~OwnStack() {
    if (memory_ != nullptr) (void)::munmap(memory_, kSize);
}

}  // namespace lxcri::os
