#include "handoff/failure.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <optional>

#include "base/strings.h"

namespace lxcri::handoff {

namespace {

enum class Type : char {
    plain = 'p',
    specification = 's',
    system = 'e',
    state = 't',
    not_found = 'n',
    hook = 'h',
};

// "TYPE CODE KIND INDEX LENGTH " in front of the pointer, which is LENGTH bytes, and the text.
struct Header {
    Type type = Type::plain;
    int code = 0;           // an errno
    int kind = 0;           // of a hook
    std::size_t index = 0;  // of a hook
    std::string_view pointer{};
};

Header header_of(const std::exception& error) noexcept {
    if (const auto* spec = dynamic_cast<const SpecError*>(&error)) {
        return {Type::specification, 0, 0, 0, spec->pointer()};
    }
    if (const auto* system = dynamic_cast<const SystemError*>(&error)) {
        return {Type::system, system->code()};
    }
    if (const auto* hook = dynamic_cast<const HookError*>(&error)) {
        return {Type::hook, hook->code(), static_cast<int>(hook->kind()), hook->index()};
    }
    if (dynamic_cast<const NotFoundError*>(&error) != nullptr) return {Type::not_found};
    if (dynamic_cast<const StateError*>(&error) != nullptr) return {Type::state};
    return {};
}

std::size_t append(std::span<char> buffer, std::size_t at, std::string_view text) noexcept {
    const std::size_t size = std::min(text.size(), buffer.size() - at);
    std::copy_n(text.begin(), size, buffer.begin() + static_cast<std::ptrdiff_t>(at));
    return at + size;
}

std::size_t write(std::span<char> buffer, const Header& header) noexcept {
    std::array<char, 96> text{};
    (void)std::snprintf(text.data(), text.size(), "%c %d %d %zu %zu ",
                        static_cast<char>(header.type), header.code, header.kind, header.index,
                        header.pointer.size());
    return append(buffer, append(buffer, 0, text.data()), header.pointer);
}

// The word up to the next space, which goes, too.
template <class T>
std::optional<T> take_number(std::string_view& text) {
    const auto space = text.find(' ');
    if (space == std::string_view::npos) return {};
    const auto number = parse_integer<T>(text.substr(0, space));
    text.remove_prefix(space + 1);
    return number;
}

// Leaves in `text` what follows the header.
std::optional<Header> take_header(std::string_view& text) {
    constexpr std::string_view kTypes = "psetnh";
    if (text.size() < 2 || text[1] != ' ' || kTypes.find(text[0]) == std::string_view::npos) {
        return {};
    }
    Header header;
    header.type = static_cast<Type>(text[0]);
    text.remove_prefix(2);
    const auto code = take_number<int>(text);
    const auto kind = take_number<int>(text);
    const auto index = take_number<std::size_t>(text);
    const auto length = take_number<std::size_t>(text);
    if (!code || !kind || !index || !length || *length > text.size()) return {};
    if (*kind < 0 || static_cast<std::size_t>(*kind) >= kHookKinds.size()) return {};
    header.code = *code;
    header.kind = *kind;
    header.index = *index;
    header.pointer = text.substr(0, *length);
    text.remove_prefix(*length);
    return header;
}

}  // namespace

std::size_t write_failure(std::span<char> buffer, const std::exception& error) noexcept {
    return append(buffer, write(buffer, header_of(error)), error.what());
}

void throw_failure(std::string_view failure) {
    std::string_view text = failure;
    const auto header = take_header(text);
    std::string message(header ? text : failure);
    switch (header ? header->type : Type::plain) {
        case Type::plain:
            throw Error(std::move(message));
        case Type::specification:
            throw SpecError(Verbatim{}, std::string(header->pointer), std::move(message));
        case Type::system:
            throw SystemError(Verbatim{}, header->code, std::move(message));
        case Type::state:
            throw StateError(std::move(message));
        case Type::not_found:
            throw NotFoundError(std::move(message));
        case Type::hook:
            throw HookError(static_cast<HookKind>(header->kind), header->index, header->code,
                            std::move(message));
    }
    throw Error(std::move(message));
}

}  // namespace lxcri::handoff
