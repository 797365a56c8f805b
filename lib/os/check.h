#pragma once
// Turns the -1/errno convention of system calls into a SystemError that names call and operand.

#include <cerrno>
#include <string_view>

#include "base/error.h"

namespace lxcri::os {

template <class Result>
Result check(Result result, std::string_view call, std::string_view operand = {}) {
    if (result == -1) throw SystemError(errno, call, operand);
    return result;
}

// Repeats a call that a signal interrupted.
template <class Call>
auto retry(Call&& call) {
    while (true) {
        const auto result = call();
        if (result != -1 || errno != EINTR) return result;
    }
}

}  // namespace lxcri::os
