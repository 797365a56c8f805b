#include "translate/diff.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/json_pointer.h"
#include "base/strings.h"

namespace lxcri::translate {

namespace {

using Json = nlohmann::ordered_json;

// Plans have at most some thousand elements in a list; a square of more is not worth the memory.
constexpr std::size_t kMostMatched = 2000;

std::string pointer_to(const std::string& parent, const std::string& key) {
    return concat(parent, "/", escape_pointer_token(key));
}

class Differ {
  public:
    void compare(const std::string& pointer, const Json& before, const Json& after) {
        if (before == after) return;
        if (before.is_object() && after.is_object()) return compare_objects(pointer, before, after);
        if (before.is_array() && after.is_array()) return compare_arrays(pointer, before, after);
        add(concat("~ ", pointer, ": "), concat(text(before), " -> ", text(after)));
    }

    std::vector<std::string> take() { return std::move(lines_); }

  private:
    static std::string text(const Json& value) {
        return value.dump(-1, ' ', false, Json::error_handler_t::replace);
    }

    void add(std::string head, const std::string& tail) { lines_.push_back(head + tail); }
    void removed(const std::string& pointer, const Json& value) {
        add(concat("- ", pointer, ": "), text(value));
    }
    void added(const std::string& pointer, const Json& value) {
        add(concat("+ ", pointer, ": "), text(value));
    }

    void compare_objects(const std::string& pointer, const Json& before, const Json& after) {
        for (const auto& [key, value] : before.items()) {
            const auto other = after.find(key);
            if (other == after.end()) {
                removed(pointer_to(pointer, key), value);
            } else {
                compare(pointer_to(pointer, key), value, *other);
            }
        }
        for (const auto& [key, value] : after.items()) {
            if (!before.contains(key)) added(pointer_to(pointer, key), value);
        }
    }

    // Elements that are the same in both, in their order, divide the lists; what is between two of
    // them is compared in pairs.
    void compare_arrays(const std::string& pointer, const Json& before, const Json& after) {
        std::size_t i = 0;
        std::size_t j = 0;
        for (const auto& [left, right] : common_elements(before, after)) {
            compare_ranges(pointer, before, {i, left}, after, {j, right});
            i = left + 1;
            j = right + 1;
        }
        compare_ranges(pointer, before, {i, before.size()}, after, {j, after.size()});
    }

    using Range = std::pair<std::size_t, std::size_t>;

    void compare_ranges(const std::string& pointer, const Json& before, Range left,
                        const Json& after, Range right) {
        for (; left.first < left.second && right.first < right.second;
             ++left.first, ++right.first) {
            compare(concat(pointer, "/", std::to_string(left.first)), before[left.first],
                    after[right.first]);
        }
        for (; left.first < left.second; ++left.first) {
            removed(concat(pointer, "/", std::to_string(left.first)), before[left.first]);
        }
        for (; right.first < right.second; ++right.first) {
            added(concat(pointer, "/", std::to_string(right.first)), after[right.first]);
        }
    }

    // The longest sequence that both have, as pairs of positions.
    static std::vector<Range> common_elements(const Json& before, const Json& after) {
        std::vector<Range> pairs;
        if (before.size() > kMostMatched || after.size() > kMostMatched) return pairs;
        std::vector<std::vector<unsigned>> length(before.size() + 1,
                                                  std::vector<unsigned>(after.size() + 1));
        for (std::size_t i = before.size(); i-- > 0;) {
            for (std::size_t j = after.size(); j-- > 0;) {
                length[i][j] = before[i] == after[j] ? length[i + 1][j + 1] + 1
                                                     : std::max(length[i + 1][j], length[i][j + 1]);
            }
        }
        for (std::size_t i = 0, j = 0; i < before.size() && j < after.size();) {
            if (before[i] == after[j]) {
                pairs.emplace_back(i++, j++);
            } else if (length[i + 1][j] >= length[i][j + 1]) {
                ++i;
            } else {
                ++j;
            }
        }
        return pairs;
    }

    std::vector<std::string> lines_;
};

}  // namespace

std::vector<std::string> difference(std::string_view before, std::string_view after) {
    Differ differ;
    differ.compare("", Json::parse(before), Json::parse(after));
    return differ.take();
}

std::string json_patch(std::string_view before, std::string_view after) {
    return Json::diff(Json::parse(before), Json::parse(after))
        .dump(2, ' ', false, Json::error_handler_t::replace);
}

}  // namespace lxcri::translate
