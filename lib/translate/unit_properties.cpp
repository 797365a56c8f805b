// Owns: the annotations org.systemd.property.*
#include "translate/unit_properties.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>

#include "base/enum_table.h"
#include "base/error.h"
#include "base/strings.h"
#include "oci/validate_rules.h"

namespace lxcri::translate {

namespace {

using handoff::UnitProperty;

constexpr std::string_view kPrefix = "org.systemd.property.";

constexpr std::array<Named<char>, 8> kTypes{{
    {"byte", 'y'},
    {"int16", 'n'},
    {"uint16", 'q'},
    {"int32", 'i'},
    {"uint32", 'u'},
    {"int64", 'x'},
    {"uint64", 't'},
    {"double", 'd'},
}};

// A value and its D-Bus type.
struct Value {
    std::string type;
    std::vector<std::string> words;
};

std::string_view trim(std::string_view text) {
    while (text.starts_with(' ')) text.remove_prefix(1);
    while (text.ends_with(' ')) text.remove_suffix(1);
    return text;
}

// Takes 'text' or "text" from the front.
std::optional<std::string> take_string(std::string_view& text) {
    if (text.empty() || (text.front() != '\'' && text.front() != '"')) return {};
    const char quote = text.front();
    std::string result;
    for (std::size_t i = 1; i < text.size(); ++i) {
        if (text[i] == quote) {
            text.remove_prefix(i + 1);
            return result;
        }
        if (text[i] == '\\' && ++i == text.size()) break;
        result += text[i];
    }
    return {};
}

std::optional<Value> parse_strings(std::string_view text) {
    Value value{"as", {}};
    text.remove_prefix(1);  // [
    while (true) {
        text = trim(text);
        if (text == "]" && value.words.empty()) return value;
        const auto word = take_string(text);
        text = trim(text);
        if (!word || text.empty()) return {};
        value.words.push_back(*word);
        const char next = text.front();
        text.remove_prefix(1);
        if (next == ']') return text.empty() ? std::optional(value) : std::nullopt;
        if (next != ',') return {};
    }
}

template <class Integer>
bool is_integer(std::string_view text) {
    return parse_integer<Integer>(text).has_value();
}

bool is_double(std::string_view text) {
    double number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc{} && end == text.data() + text.size() && std::isfinite(number);
}

bool fits(char type, std::string_view text) {
    switch (type) {
        case 'y':
            return is_integer<std::uint8_t>(text);
        case 'n':
            return is_integer<std::int16_t>(text);
        case 'q':
            return is_integer<std::uint16_t>(text);
        case 'i':
            return is_integer<std::int32_t>(text);
        case 'u':
            return is_integer<std::uint32_t>(text);
        case 'x':
            return is_integer<std::int64_t>(text);
        case 't':
            return is_integer<std::uint64_t>(text);
        default:
            return is_double(text);
    }
}

std::optional<Value> parse_value(std::string_view text) {
    text = trim(text);
    if (text == "true" || text == "false") return Value{"b", {std::string(text)}};
    if (text.starts_with('[')) return parse_strings(text);
    if (auto word = take_string(text)) {
        return text.empty() ? std::optional(Value{"s", {*word}}) : std::nullopt;
    }
    // GVariant: a number without a type is an int32, or a double when it has a fraction.
    const auto blank = text.find(' ');
    if (blank == std::string_view::npos) {
        const char type = fits('i', text) ? 'i' : 'd';
        return fits(type, text) ? std::optional(Value{{type}, {std::string(text)}}) : std::nullopt;
    }
    const auto type = value_of(kTypes, text.substr(0, blank));
    const std::string_view number = trim(text.substr(blank));
    if (!type || !fits(*type, number)) return {};
    return Value{{*type}, {std::string(number)}};
}

// systemd has times in microseconds only, and people write "TimeoutStopSec".
bool make_microseconds(Value& value) {
    constexpr std::string_view kNumbers = "ynqiuxtd";
    if (value.type.size() != 1 || kNumbers.find(value.type) == std::string_view::npos) return false;
    double seconds = 0;
    const std::string& text = value.words.front();
    std::from_chars(text.data(), text.data() + text.size(), seconds);
    constexpr double kMicroseconds = 1e6;
    constexpr double kMost = 1e12;
    if (seconds < 0 || seconds > kMost) return false;
    value.type = "t";
    value.words = {std::to_string(static_cast<std::uint64_t>(seconds * kMicroseconds))};
    return true;
}

bool is_property_name(std::string_view name) {
    constexpr std::string_view kLetters =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    return name.size() > 1 && name.find_first_not_of(kLetters) == std::string_view::npos;
}

UnitProperty parse(std::string_view key, std::string_view text) {
    const std::string pointer = concat("/annotations/", key);
    std::string name(key.substr(kPrefix.size()));
    if (!is_property_name(name)) {
        throw SpecError(pointer, concat(in_quotes(name), " is not a name of a property"));
    }
    auto value = parse_value(text);
    constexpr std::string_view kSeconds = "Sec";
    if (value && name.ends_with(kSeconds) && !name.ends_with("USec")) {
        if (!make_microseconds(*value)) {
            oci::reject(pointer, in_quotes(text), "seconds");
        }
        name.insert(name.size() - kSeconds.size(), "U");
    }
    if (!value) {
        oci::reject(pointer, in_quotes(text),
                    "true, false, a number (\"uint64 5\"), \"'text'\" or \"['text', ...]\"");
    }
    return {pointer, name, value->type, value->words};
}

// Annotations come from images and from the authors of pods: what is here can neither start a
// program nor change another unit, nor take resources from one. The reasons for each, and for what
// is left out, are in lxcri.json(5).
constexpr std::array<std::string_view, 13> kHarmless{
    "After",           "CollectMode", "DefaultDependencies",      "Documentation",
    "IPAccounting",    "KillSignal",  "ManagedOOMMemoryPressure", "ManagedOOMMemoryPressureLimit",
    "ManagedOOMSwap",  "OOMPolicy",   "RuntimeMaxUSec",           "SendSIGHUP",
    "TimeoutStopUSec",
};

}  // namespace

bool is_harmless_property(std::string_view name) {
    return std::find(kHarmless.begin(), kHarmless.end(), name) != kHarmless.end();
}

std::vector<UnitProperty> unit_properties(const oci::Spec& spec) {
    std::vector<UnitProperty> properties;
    for (const auto& [key, text] : spec.annotations) {
        if (key.starts_with(kPrefix)) properties.push_back(parse(key, text));
    }
    return properties;
}

}  // namespace lxcri::translate
