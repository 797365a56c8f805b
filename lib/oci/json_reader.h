#pragma once
// Typed, checked access to a JSON document. A value that does not fit throws SpecError with the
// JSON pointer of the place, "expected X, got Y". Without an error nothing is built for
// messages.
//
// A structure is read by an overload of read() in this namespace:
//
//     void read(const JsonValue& json, Root& root) {
//         const JsonObject object(json);
//         object.required("path", root.path);
//         object.optional("readonly", root.readonly);
//     }
//
// The templates for lists, maps and optionals find these overloads by their arguments, which
// skips unnamed namespaces: an overload of one file is `static`.

#include <concepts>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/enum_table.h"

namespace lxcri::oci {

class JsonBuilder;  // in json_document.cpp
class JsonDocument;

enum class JsonType : std::uint8_t {
    null,
    boolean,
    integer,
    other_number,  // a fraction, an exponent, or too large for 64 bits
    string,
    array,
    object,
};

// A place in a document that outlives it. Cheap to copy.
class JsonValue {
  public:
    JsonType type() const;
    std::string pointer() const;   // RFC 6901, made printable
    std::string_view key() const;  // its own name in the object around it

    bool boolean() const;
    std::string_view string() const;  // free of NUL bytes
    std::int64_t integer(std::int64_t least, std::int64_t most) const;
    std::uint64_t unsigned_integer(std::uint64_t most) const;

    // The member of an object. Returns nullopt if it is absent or null, or this is not an object.
    std::optional<JsonValue> find(std::string_view name) const;

    // Elements of an array, members of an object, in their order. Empty for every other value.
    template <class Action>
    void for_each_child(Action&& action) const;
    std::size_t count_children() const;

    // Does it ask for anything? Not: null, false, 0, "", and lists and objects of only these.
    bool is_set() const;

    // "expected X, got ..."
    [[noreturn]] void reject(std::string_view expected) const;
    [[noreturn]] void fail(std::string_view problem) const;

    template <class Value, std::size_t N>
    Value one_of(const std::array<Named<Value>, N>& table) const {
        if (type() == JsonType::string) {
            if (const auto value = value_of(table, string())) return *value;
        }
        reject(names_of(table));
    }

  private:
    friend class JsonDocument;
    friend class JsonBuilder;
    JsonValue(const JsonDocument& document, std::uint32_t index)
        : document_(&document), index_(index) {}

    std::string found() const;
    std::uint32_t end() const;  // one past the last value in it
    std::uint32_t next_sibling(std::uint32_t index) const;

    const JsonDocument* document_;
    std::uint32_t index_;
};

// The text of a document taken apart. All values lie in one array in the order of the text, each
// followed by what is in it; all strings lie in one buffer. So a document costs two allocations.
class JsonDocument {
  public:
    // Throws SpecError if it is not JSON (with line and column), for a duplicate key (glossary.md
    // "JSON": keys must be unique), for nesting beyond 64 levels, for more than 16 MiB, and if it
    // is not an object.
    explicit JsonDocument(std::string_view text);
    // Values point into it.
    JsonDocument(const JsonDocument&) = delete;
    JsonDocument& operator=(const JsonDocument&) = delete;
    ~JsonDocument() = default;

    JsonValue root() const { return {*this, 0}; }

  private:
    friend class JsonValue;
    friend class JsonBuilder;

    struct Node {
        JsonType type = JsonType::null;
        bool negative = false;     // of an integer
        std::uint32_t parent = 0;  // the root has itself
        std::uint32_t end = 0;
        std::uint64_t number = 0;  // boolean; integer, if negative in two's complement
        std::string_view key;
        std::string_view text;  // string; other_number as written
    };

    std::vector<Node> nodes_;
    std::string strings_;
};

// The members of an object. Those that are not asked for are ignored: config.md "Extensibility".
class JsonObject {
  public:
    explicit JsonObject(const JsonValue& json);

    template <class Value>
    void required(std::string_view name, Value& value) const {
        const auto member = json_.find(name);
        if (!member) missing(name);
        read(*member, value);
    }

    template <class Value>
    void optional(std::string_view name, Value& value) const {
        if (const auto member = json_.find(name)) read(*member, value);
    }

    [[noreturn]] void missing(std::string_view name) const;

  private:
    JsonValue json_;
};

inline void read(const JsonValue& json, bool& value) {
    value = json.boolean();
}
inline void read(const JsonValue& json, std::string& value) {
    value = json.string();
}

template <std::signed_integral Integer>
void read(const JsonValue& json, Integer& value) {
    using Limits = std::numeric_limits<Integer>;
    value = static_cast<Integer>(json.integer(Limits::min(), Limits::max()));
}

template <std::unsigned_integral Integer>
void read(const JsonValue& json, Integer& value) {
    value = static_cast<Integer>(json.unsigned_integer(std::numeric_limits<Integer>::max()));
}

// Callers written in Go leave out or write empty what is not set: both are nullopt.
inline void read(const JsonValue& json, std::optional<std::string>& value) {
    if (const auto text = json.string(); !text.empty()) value = text;
}

template <class Value>
void read(const JsonValue& json, std::optional<Value>& value) {
    read(json, value.emplace());
}

template <class Value>
void read(const JsonValue& json, std::vector<Value>& values) {
    if (json.type() != JsonType::array) json.reject("an array");
    values.reserve(json.count_children());
    json.for_each_child([&](const JsonValue& element) { read(element, values.emplace_back()); });
}

// A key as a part of a JSON pointer (RFC 6901), printable and not longer than in_quotes() allows.
std::string pointer_token(std::string_view key);

// Throws for a NUL byte in the key of `member`.
void check_key(const JsonValue& member);

template <class Value>
void read(const JsonValue& json, std::map<std::string, Value>& values) {
    if (json.type() != JsonType::object) json.reject("an object");
    json.for_each_child([&](const JsonValue& member) {
        check_key(member);
        read(member, values[std::string(member.key())]);
    });
}

template <class Action>
void JsonValue::for_each_child(Action&& action) const {
    for (auto child = index_ + 1; child < end(); child = next_sibling(child)) {
        action(JsonValue(*document_, child));
    }
}

}  // namespace lxcri::oci
