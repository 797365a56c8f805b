#pragma once
// Errors on their way from one of our processes to another: they arrive with the type that they had
// (specification with its pointer, system with its errno, state, hook with its kind and index), and
// with their text.

#include <cstddef>
#include <exception>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "handoff/plan.h"

namespace lxcri::handoff {

// An OCI hook has failed.
class HookError : public Error {
  public:
    // `code`: the errno when it could not be executed, else 0.
    HookError(HookKind kind, std::size_t index, int code, std::string message)
        : Error(std::move(message)), kind_(kind), index_(index), code_(code) {}
    HookKind kind() const noexcept { return kind_; }
    std::size_t index() const noexcept { return index_; }
    int code() const noexcept { return code_; }

  private:
    HookKind kind_;
    std::size_t index_;
    int code_;
};

// Writes the error into `buffer` and returns the number of bytes. Cuts a text that is too long.
// Allocates nothing: memory may be used up.
std::size_t write_failure(std::span<char> buffer, const std::exception& error) noexcept;

// Reads what write_failure() has written. Anything else is the text of an Error: an older
// lxcri-init sends that.
[[noreturn]] void throw_failure(std::string_view failure);

}  // namespace lxcri::handoff
