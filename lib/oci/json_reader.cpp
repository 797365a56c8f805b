#include "oci/json_reader.h"

#include "base/error.h"
#include "base/json_pointer.h"
#include "base/strings.h"

namespace lxcri::oci {

// RFC 6901 section 3, on top of what in_quotes() does against control characters and length.
std::string pointer_token(std::string_view key) {
    const auto printable = in_quotes(key);
    return escape_pointer_token(std::string_view(printable).substr(1, printable.size() - 2));
}

JsonType JsonValue::type() const {
    return document_->nodes_[index_].type;
}

std::string_view JsonValue::key() const {
    return document_->nodes_[index_].key;
}

std::uint32_t JsonValue::end() const {
    return document_->nodes_[index_].end;
}

std::uint32_t JsonValue::next_sibling(std::uint32_t index) const {
    return document_->nodes_[index].end;
}

std::size_t JsonValue::count_children() const {
    std::size_t count = 0;
    for_each_child([&](const JsonValue& /*child*/) { ++count; });
    return count;
}

std::string JsonValue::pointer() const {
    std::string result;
    for (auto index = index_; index != 0;) {
        const auto& node = document_->nodes_[index];
        const auto& parent = document_->nodes_[node.parent];
        if (parent.type == JsonType::object) {
            result.insert(0, concat("/", pointer_token(node.key)));
        } else {
            std::size_t position = 0;
            for (auto other = node.parent + 1; other != index; other = next_sibling(other)) {
                ++position;
            }
            result.insert(0, concat("/", std::to_string(position)));
        }
        index = node.parent;
    }
    return result;
}

bool JsonValue::boolean() const {
    if (type() != JsonType::boolean) reject("true or false");
    return document_->nodes_[index_].number != 0;
}

std::string_view JsonValue::string() const {
    if (type() != JsonType::string) reject("a string");
    const auto text = document_->nodes_[index_].text;
    // The kernel would see only what is before it.
    if (text.find('\0') != std::string_view::npos) fail("contains a NUL byte");
    return text;
}

std::int64_t JsonValue::integer(std::int64_t least, std::int64_t most) const {
    const auto& node = document_->nodes_[index_];
    const auto value = static_cast<std::int64_t>(node.number);
    // A positive number above the largest signed one looks negative here.
    if (node.type != JsonType::integer || node.negative != (value < 0) || value < least ||
        value > most) {
        reject(concat("a whole number from ", std::to_string(least), " to ", std::to_string(most)));
    }
    return value;
}

std::uint64_t JsonValue::unsigned_integer(std::uint64_t most) const {
    const auto& node = document_->nodes_[index_];
    if (node.type != JsonType::integer || node.negative || node.number > most) {
        reject(concat("a whole number from 0 to ", std::to_string(most)));
    }
    return node.number;
}

std::optional<JsonValue> JsonValue::find(std::string_view name) const {
    if (type() != JsonType::object) return {};
    for (auto child = index_ + 1; child < end(); child = next_sibling(child)) {
        const auto& node = document_->nodes_[child];
        if (node.key != name) continue;
        if (node.type == JsonType::null) return {};
        return JsonValue(*document_, child);
    }
    return {};
}

bool JsonValue::is_set() const {
    const auto& node = document_->nodes_[index_];
    switch (node.type) {
        case JsonType::null:
            return false;
        case JsonType::boolean:
        case JsonType::integer:
            return node.number != 0;
        case JsonType::other_number:
            return true;
        case JsonType::string:
            return !node.text.empty();
        case JsonType::array:
        case JsonType::object:
            break;
    }
    bool any = false;
    for_each_child([&](const JsonValue& child) { any = any || child.is_set(); });
    return any;
}

std::string JsonValue::found() const {
    const auto& node = document_->nodes_[index_];
    switch (node.type) {
        case JsonType::null:
            return "null";
        case JsonType::boolean:
            return node.number != 0 ? "true" : "false";
        case JsonType::integer:
            return node.negative ? std::to_string(static_cast<std::int64_t>(node.number))
                                 : std::to_string(node.number);
        case JsonType::other_number:
            return std::string(node.text.substr(0, 64));
        case JsonType::string:
            return in_quotes(node.text);
        case JsonType::array:
            return "an array";
        case JsonType::object:
            return "an object";
    }
    return {};
}

void JsonValue::reject(std::string_view expected) const {
    fail(concat("expected ", expected, ", got ", found()));
}

void JsonValue::fail(std::string_view problem) const {
    throw SpecError(pointer(), problem);
}

JsonObject::JsonObject(const JsonValue& json) : json_(json) {
    if (json.type() != JsonType::object) json.reject("an object");
}

void JsonObject::missing(std::string_view name) const {
    throw SpecError(concat(json_.pointer(), "/", name), "missing, it is required");
}

void check_key(const JsonValue& member) {
    if (member.key().find('\0') != std::string_view::npos) {
        member.fail("the key contains a NUL byte");
    }
}

}  // namespace lxcri::oci
