#pragma once
// The options of a command as tables, one row for each option. Parsing, the help text, completion
// and the check of the manual page follow from the rows.

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "base/enum_table.h"

namespace lxcri::cmd {

// Where an option goes: into a member, or to a function.
template <class Values>
using Destination =
    std::variant<bool Values::*, std::optional<bool> Values::*, void (*)(Values&),  // switches
                 std::string Values::*, std::uint32_t Values::*, std::optional<int> Values::*,
                 // Repeatable: each value is added, and the function is called for each.
                 std::vector<std::string> Values::*, void (*)(Values&, const std::string&)>;

enum class Need { optional, required };

template <class Values>
struct Option {
    std::string_view names;  // "-b,--bundle"; "ID": a word that stands for itself
    std::string_view value;  // what the help text calls its value: "DIR"; "" for a switch or a word
    std::string_view help;
    Destination<Values> destination;
    Need need = Need::optional;
};

// For a command that needs nothing else.
struct OnlyId {
    std::string id;
};
inline constexpr auto kOnlyId = std::to_array<Option<OnlyId>>({
    {"ID", "", "name of the container", &OnlyId::id, Need::required},
});

// Error: "OPTION: expected ACCEPTED, got "TEXT"".
[[noreturn]] void reject(std::string_view option, std::string_view text, std::string_view accepted);

// The value that the table has for the text.
template <class Value, std::size_t N>
Value choose(const std::array<Named<Value>, N>& table, std::string_view option,
             const std::string& text) {
    if (const auto value = value_of(table, text)) return *value;
    reject(option, text, names_of(table));
}

// What --format of most commands accepts.
enum class Format { people, json };
inline constexpr std::array<Named<Format>, 2> kTableOrJson{
    {{"table", Format::people}, {"json", Format::json}}};
inline constexpr std::array<Named<Format>, 2> kTextOrJson{
    {{"text", Format::people}, {"json", Format::json}}};

// A Destination in one object.
using Target = std::variant<bool*, std::optional<bool>*, std::function<void()>, std::string*,
                            std::uint32_t*, std::optional<int>*, std::vector<std::string>*,
                            std::function<void(const std::string&)>>;

template <class Values>
Target target_in(Values& values, const Destination<Values>& destination) {
    const auto find = [&](auto to) -> Target {
        using To = decltype(to);
        if constexpr (std::is_same_v<To, void (*)(Values&)>) {
            return std::function<void()>([to, &values] { to(values); });
        } else if constexpr (std::is_same_v<To, void (*)(Values&, const std::string&)>) {
            return std::function<void(const std::string&)>(
                [to, &values](const std::string& text) { to(values, text); });
        } else {
            return &(values.*to);
        }
    };
    return std::visit(find, destination);
}

}  // namespace lxcri::cmd
