// The part of json_reader.h that parses text.

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/strings.h"
#include "oci/json_reader.h"

namespace lxcri::oci {

namespace {

constexpr std::size_t kDeepest = 64;
constexpr std::size_t kLargest = 16U << 20U;

// Printable ASCII: the text around a syntax error may be anything, even no UTF-8.
std::string printable(std::string_view text) {
    std::string result = in_quotes(text.substr(0, 64));
    std::replace_if(
        result.begin(), result.end(), [](char c) { return c < 0x20 || c > 0x7e; }, '?');
    return result;
}

// nlohmann's "[json...] parse error at line 1, column 2: reason; last read: 'text'; expected ..."
// becomes "line 1, column 2: reason near "text"".
std::string syntax_problem(std::string_view message, std::string_view token) {
    constexpr std::string_view kStart = "parse error at ";
    const auto start = message.find(kStart);
    if (start == std::string_view::npos) return concat("cannot be read near ", printable(token));
    message.remove_prefix(start + kStart.size());
    const auto reason = message.substr(0, message.find("; last read"));
    if (token.empty()) return std::string(reason);
    return concat(reason, " near ", printable(token));
}

}  // namespace

// Gets the events of nlohmann's parser, which calls these names.
class JsonBuilder {
  public:
    using number_integer_t = nlohmann::json::number_integer_t;
    using number_unsigned_t = nlohmann::json::number_unsigned_t;
    using number_float_t = nlohmann::json::number_float_t;
    using string_t = nlohmann::json::string_t;
    using binary_t = nlohmann::json::binary_t;

    explicit JsonBuilder(JsonDocument& document) : document_(document) {}

    bool null() {
        add(JsonType::null);
        return true;
    }
    bool boolean(bool value) {
        add(JsonType::boolean).number = value ? 1 : 0;
        return true;
    }
    bool number_integer(number_integer_t value) {
        auto& node = add(JsonType::integer);
        node.number = static_cast<std::uint64_t>(value);
        node.negative = value < 0;
        return true;
    }
    bool number_unsigned(number_unsigned_t value) {
        add(JsonType::integer).number = value;
        return true;
    }
    bool number_float(number_float_t /*value*/, const string_t& written) {
        add(JsonType::other_number).text = store(written);
        return true;
    }
    bool string(const string_t& value) {
        add(JsonType::string).text = store(value);
        return true;
    }
    bool binary(const binary_t& /*value*/) { return false; }  // not in JSON text

    bool start_object(std::size_t /*size*/) { return open(JsonType::object); }
    bool start_array(std::size_t /*size*/) { return open(JsonType::array); }
    bool key(const string_t& name) {
        key_ = store(name);
        return true;
    }
    bool end_object() {
        reject_duplicate_keys(open_[depth_ - 1]);
        return close();
    }
    bool end_array() { return close(); }

    bool parse_error(std::size_t /*position*/, const std::string& token,
                     const nlohmann::json::exception& error) {
        throw SpecError("", syntax_problem(error.what(), token));
    }

  private:
    JsonDocument::Node& add(JsonType type) {
        const auto index = static_cast<std::uint32_t>(document_.nodes_.size());
        auto& node = document_.nodes_.emplace_back();
        node.type = type;
        node.parent = depth_ == 0 ? 0 : open_[depth_ - 1];
        node.end = index + 1;
        node.key = key_;
        key_ = {};
        return node;
    }

    bool open(JsonType type) {
        add(type);
        const auto index = static_cast<std::uint32_t>(document_.nodes_.size() - 1);
        if (depth_ == kDeepest) {
            JsonValue(document_, index)
                .fail(concat("nested deeper than ", std::to_string(kDeepest), " levels"));
        }
        open_[depth_++] = index;
        return true;
    }

    bool close() {
        document_.nodes_[open_[--depth_]].end = static_cast<std::uint32_t>(document_.nodes_.size());
        return true;
    }

    // A decoded string is never longer than what it was written as, so the buffer, which is as
    // long as the text, is never exceeded and never moves.
    std::string_view store(const string_t& text) {
        const auto start = document_.strings_.size();
        document_.strings_.append(text);
        return std::string_view(document_.strings_).substr(start);
    }

    void reject_duplicate_keys(std::uint32_t object) {
        const auto& nodes = document_.nodes_;
        members_.clear();
        for (auto child = object + 1; child < nodes.size(); child = nodes[child].end) {
            members_.push_back(child);
        }
        std::sort(members_.begin(), members_.end(), [&](std::uint32_t left, std::uint32_t right) {
            return nodes[left].key < nodes[right].key;
        });
        const auto duplicate = std::adjacent_find(members_.begin(), members_.end(),
                                                  [&](std::uint32_t left, std::uint32_t right) {
                                                      return nodes[left].key == nodes[right].key;
                                                  });
        if (duplicate != members_.end()) JsonValue(document_, *duplicate).fail("duplicate key");
    }

    JsonDocument& document_;
    std::string_view key_;  // of the value that comes next
    std::array<std::uint32_t, kDeepest> open_{};
    std::size_t depth_ = 0;
    std::vector<std::uint32_t> members_;
};

JsonDocument::JsonDocument(std::string_view text) {
    if (text.size() > kLargest) throw SpecError("", "larger than 16 MiB");
    // nlohmann takes a NUL byte for the end of the text.
    if (const auto position = text.find('\0'); position != std::string_view::npos) {
        throw SpecError("", concat("contains a NUL byte at offset ", std::to_string(position)));
    }
    if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) throw SpecError("", "empty");
    strings_.reserve(text.size());
    nodes_.reserve(text.size() / 16);
    JsonBuilder builder(*this);
    nlohmann::json::sax_parse(text, &builder);
    if (root().type() != JsonType::object) root().reject("an object");
}

}  // namespace lxcri::oci
