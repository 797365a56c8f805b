#pragma once
// Plans with random content: the list of fields that serves the codec serves to fill them, too.

#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "handoff/codec.h"
#include "handoff/plan.h"

namespace lxcri::test {

class Filler {
  public:
    explicit Filler(unsigned seed) : random_(seed) {}

    template <class T>
    void operator()(std::string_view /*name*/, T& value) {
        fill(value);
    }

    void fill(bool& value) { value = number(2) == 1; }
    template <class T>
    requires std::is_integral_v<T>
    void fill(T& value) {
        // Small, large and negative ones.
        const auto bits = random_();
        value = static_cast<T>(bits >> number(64));
    }
    template <class T>
    requires std::is_enum_v<T>
    void fill(T& value) { value = static_cast<T>(number(3)); }
    void fill(std::string& value) {
        value.clear();
        for (auto length = number(20); length > 0; --length) {
            value += static_cast<char>(number(256));
        }
    }
    template <class T>
    void fill(std::vector<T>& values) {
        values.clear();
        for (auto count = number(4); count > 0; --count) fill(values.emplace_back());
    }
    template <class T>
    void fill(std::map<std::string, T>& values) {
        values.clear();
        for (auto count = number(4); count > 0; --count) {
            std::string key;
            fill(key);
            fill(values[key]);
        }
    }
    template <class T>
    void fill(std::optional<T>& value) {
        value.reset();
        if (number(2) == 1) fill(value.emplace());
    }
    template <handoff::Record T>
    void fill(T& value) {
        visit_fields(*this, value);
    }

  private:
    std::uint64_t number(std::uint64_t below) { return random_() % below; }

    std::mt19937_64 random_;
};

template <class Plan>
Plan random_plan(unsigned seed) {
    Plan plan;
    Filler(seed).fill(plan);
    return plan;
}

// Says of two plans whether all their fields are the same: not by way of the codec.
class Comparer {
  public:
    template <class Plan>
    static bool same(Plan left, Plan right) {
        Comparer collect_left;
        Comparer collect_right;
        collect_left.add(left);
        collect_right.add(right);
        return collect_left.values_ == collect_right.values_;
    }

    template <class T>
    void operator()(std::string_view name, T& value) {
        values_.emplace_back(name);
        add(value);
    }

  private:
    template <handoff::Scalar T>
    void add(T& value) {
        if constexpr (std::is_enum_v<T>) {
            values_.push_back(std::to_string(static_cast<std::underlying_type_t<T>>(value)));
        } else {
            values_.push_back(std::to_string(value));
        }
    }
    void add(std::string& value) { values_.push_back(value); }
    template <class T>
    void add(std::vector<T>& values) {
        values_.push_back(std::to_string(values.size()));
        for (auto& value : values) add(value);
    }
    template <class T>
    void add(std::map<std::string, T>& values) {
        values_.push_back(std::to_string(values.size()));
        for (auto& [key, value] : values) {
            values_.push_back(key);
            add(value);
        }
    }
    template <class T>
    void add(std::optional<T>& value) {
        values_.emplace_back(value ? "set" : "not set");
        if (value) add(*value);
    }
    template <handoff::Record T>
    void add(T& value) {
        visit_fields(*this, value);
    }

    std::vector<std::string> values_;
};

}  // namespace lxcri::test
