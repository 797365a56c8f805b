#pragma once
// A name <-> value table: one constexpr array serves parsing, printing and error texts.

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace lxcri {

template <class Value>
struct Named {
    std::string_view name;
    Value value;
};

template <class Value, std::size_t N>
constexpr std::optional<Value> value_of(const std::array<Named<Value>, N>& table,
                                        std::string_view name) {
    for (const auto& row : table) {
        if (row.name == name) return row.value;
    }
    return {};
}

// The first name of the value. Returns "" if the table has none.
template <class Value, std::size_t N>
constexpr std::string_view name_of(const std::array<Named<Value>, N>& table, Value value) {
    for (const auto& row : table) {
        if (row.value == value) return row.name;
    }
    return {};
}

// "a, b or c" for "expected ...".
template <class Value, std::size_t N>
std::string names_of(const std::array<Named<Value>, N>& table) {
    std::string names;
    for (std::size_t i = 0; i < N; ++i) {
        if (i != 0) names += i + 1 == N ? " or " : ", ";
        names += table[i].name;
    }
    return names;
}

}  // namespace lxcri
