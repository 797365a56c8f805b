#pragma once
// Plans as bytes. A struct that travels between our programs lists its fields once, in
//     template <class Visitor> void visit_fields(Visitor& visit, T& plan)
// and that list is used to encode, to decode and (in `lxcri translate`) to print it. All programs
// are of one build, so there is no version; a plan that does not fit is an error.

#include <cstdint>
#include <cstring>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/error.h"

namespace lxcri::handoff {

template <class T>
concept Scalar = std::is_integral_v<T> || std::is_enum_v<T>;

template <class T>
concept Record = std::is_class_v<T> && !std::is_same_v<T, std::string>;

class Encoder {
  public:
    std::string take() { return std::move(bytes_); }

    template <class T>
    void operator()(const char* /*name*/, T& value) {
        put(value);
    }

    template <Scalar T>
    void put(const T& value) {
        bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
    }
    void put(const std::string& value) {
        put(value.size());
        bytes_ += value;
    }
    template <class T>
    void put(std::vector<T>& values) {
        put(values.size());
        for (auto& value : values) put(value);
    }
    template <class T>
    void put(std::map<std::string, T>& values) {
        put(values.size());
        for (auto& [key, value] : values) {
            put(key);
            put(value);
        }
    }
    template <class T>
    void put(std::optional<T>& value) {
        put(value.has_value());
        if (value) put(*value);
    }
    template <Record T>
    void put(T& value) {
        visit_fields(*this, value);
    }

  private:
    std::string bytes_;
};

class Decoder {
  public:
    explicit Decoder(std::string_view bytes) : bytes_(bytes) {}
    bool at_end() const noexcept { return bytes_.empty(); }

    template <class T>
    void operator()(const char* /*name*/, T& value) {
        get(value);
    }

    template <Scalar T>
    void get(T& value) {
        std::memcpy(&value, take(sizeof value).data(), sizeof value);
    }
    // Any other byte in a bool would be undefined behaviour.
    void get(bool& value) {
        const char byte = take(1).front();
        if (byte != 0 && byte != 1) throw Error("internal error: a plan is damaged");
        value = byte == 1;
    }
    void get(std::string& value) { value = take(get_size()); }
    template <class T>
    void get(std::vector<T>& values) {
        const std::size_t count = get_size();
        values.clear();
        for (std::size_t i = 0; i < count; ++i) get(values.emplace_back());
    }
    template <class T>
    void get(std::map<std::string, T>& values) {
        const std::size_t count = get_size();
        values.clear();
        for (std::size_t i = 0; i < count; ++i) {
            std::string key;
            get(key);
            get(values[std::move(key)]);
        }
        if (values.size() != count) throw Error("internal error: a plan is damaged");
    }
    template <class T>
    void get(std::optional<T>& value) {
        bool present = false;
        get(present);
        if (!present) return value.reset();
        T decoded{};
        get(decoded);
        value = std::move(decoded);
    }
    template <Record T>
    void get(T& value) {
        visit_fields(*this, value);
    }

  private:
    std::string_view take(std::size_t size) {
        if (size > bytes_.size()) throw Error("internal error: a plan is cut short");
        const auto part = bytes_.substr(0, size);
        bytes_.remove_prefix(size);
        return part;
    }
    std::size_t get_size() {
        std::size_t size = 0;
        get(size);
        // Every element takes at least one byte: a wrong count cannot make us allocate much.
        if (size > bytes_.size()) throw Error("internal error: a plan is cut short");
        return size;
    }

    std::string_view bytes_;
};

template <class Plan>
std::string encode(const Plan& plan) {
    Encoder encoder;
    // visit_fields takes T& because decoding writes; encoding does not.
    visit_fields(encoder, const_cast<Plan&>(plan));
    return encoder.take();
}

template <class Plan>
Plan decode(std::string_view bytes) {
    Plan plan;
    Decoder decoder(bytes);
    visit_fields(decoder, plan);
    if (!decoder.at_end()) throw Error("internal error: a plan has bytes left over");
    return plan;
}

}  // namespace lxcri::handoff
