#pragma once
// Memory for a stack to which the caller's limit (`ulimit -s`) does not apply. Only used pages take
// memory.

#include <cstddef>

namespace lxcri::os {

class OwnStack {
  public:
    // If it fails, is_there() is false, and errno says why.
    OwnStack() noexcept;
    OwnStack(const OwnStack&) = delete;
    OwnStack& operator=(const OwnStack&) = delete;
    ~OwnStack();

    bool is_there() const noexcept { return memory_ != nullptr; }
    // The lowest address; below it is a guard.
    void* bottom() const noexcept { return memory_; }
    void* top() const noexcept { return static_cast<std::byte*>(memory_) + kSize; }

    static constexpr std::size_t kSize = 1 << 20;

  private:
    void* memory_ = nullptr;
};

}  // namespace lxcri::os
