#pragma once
// The errors of the project. Everything that fails throws one of these; main() prints the one that
// arrives as a single line, from the operation to the cause.
// Messages are lower case, have no full stop and name their operand in quotes.

#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace lxcri {

class Error : public std::exception {
  public:
    explicit Error(std::string message) : message_(std::move(message)) {}
    const char* what() const noexcept override { return message_.c_str(); }

    // Puts "context: " before the message. The dynamic type, and so the meaning, stays.
    void add_context(std::string_view context);
    // Puts "; consequence" behind the message: what the failure leads to, or what helps.
    void add_consequence(std::string_view consequence);

  private:
    std::string message_;
};

// For a message that is complete already: of an error that happened in another process.
struct Verbatim {};

// What the caller wrote in config.json (or process.json, resources) cannot be used.
// `pointer` is an RFC 6901 JSON pointer into that document, "" for the document itself.
class SpecError : public Error {
  public:
    SpecError(std::string pointer, std::string_view problem);
    SpecError(Verbatim /*tag*/, std::string pointer, std::string message)
        : Error(std::move(message)), pointer_(std::move(pointer)) {}
    const std::string& pointer() const noexcept { return pointer_; }

  private:
    std::string pointer_;
};

// The container is not in a state in which the operation is allowed, exists already, or does not
// exist.
class StateError : public Error {
    using Error::Error;
};

// No container has this ID; for `delete --force` that is success.
class NotFoundError : public StateError {
    using StateError::StateError;
};

// A system call failed. The message is `call "operand": errno text`.
class SystemError : public Error {
  public:
    SystemError(int code, std::string_view call, std::string_view operand = {});
    SystemError(Verbatim /*tag*/, int code, std::string message)
        : Error(std::move(message)), code_(code) {}
    int code() const noexcept { return code_; }

  private:
    int code_;
};

// strerror in lower case: callers match on "no such file or directory" and "permission denied".
std::string errno_text(int code);

// Runs `action`; an Error that leaves it gets `context` in front.
template <class Action>
decltype(auto) in_context(std::string_view context, Action&& action) {
    try {
        return std::forward<Action>(action)();
    } catch (Error& error) {
        error.add_context(context);
        throw;
    }
}

}  // namespace lxcri
