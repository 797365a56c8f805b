#include "base/error.h"

#include <cctype>
#include <cstring>

#include "base/printable.h"
#include "base/strings.h"

namespace lxcri {

namespace {

std::string spec_message(std::string_view pointer, std::string_view problem) {
    return concat(pointer.empty() ? "the document" : printable(pointer), ": ", problem);
}

std::string system_message(int code, std::string_view call, std::string_view operand) {
    if (operand.empty()) return concat(call, ": ", errno_text(code));
    return concat(call, " ", in_quotes(operand), ": ", errno_text(code));
}

}  // namespace

void Error::add_context(std::string_view context) {
    message_ = concat(context, ": ", message_);
}

void Error::add_consequence(std::string_view consequence) {
    message_ += concat("; ", consequence);
}

SpecError::SpecError(std::string pointer, std::string_view problem)
    : Error(spec_message(pointer, problem)), pointer_(std::move(pointer)) {}

SystemError::SystemError(int code, std::string_view call, std::string_view operand)
    : Error(system_message(code, call, operand)), code_(code) {}

std::string errno_text(int code) {
    // strerrordesc_np neither translates nor allocates, so it also serves the static helpers.
    const char* description = strerrordesc_np(code);
    if (description == nullptr) return concat("errno ", std::to_string(code));
    std::string text = description;
    // "No such file" becomes "no such file"; "RFS specific error" stays.
    if (text.size() > 1 && std::islower(static_cast<unsigned char>(text[1])) != 0) {
        text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
    }
    return text;
}

}  // namespace lxcri
