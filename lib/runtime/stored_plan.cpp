#include "runtime/stored_plan.h"

#include <fcntl.h>

#include <array>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <map>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/strings.h"
#include "handoff/codec.h"
#include "os/file.h"

namespace lxcri::runtime {

namespace {

constexpr const char* kFile = "plan";

// Of the names and types of all fields: a file of an older or newer lxcri has another one.
// (FNV-1a.)
class FieldsChecksum {
  public:
    template <class T>
    void operator()(std::string_view name, T& value) {
        add(name);
        look_into(value);
    }
    std::uint64_t value() const noexcept { return value_; }

  private:
    void add(std::string_view text) {
        for (const char byte : text) {
            value_ = (value_ ^ static_cast<unsigned char>(byte)) * 0x100000001b3U;
        }
        value_ = (value_ ^ 0xffU) * 0x100000001b3U;  // no byte of a name
    }

    template <class T>
    void look_into(T& value) {
        if constexpr (handoff::Record<T>) {
            add("{");
            visit_fields(*this, value);
            add("}");
        } else {
            const bool is_number = std::is_arithmetic_v<T> || std::is_enum_v<T>;
            add(concat(is_number ? "number" : "text", std::to_string(is_number ? sizeof(T) : 0)));
        }
    }
    template <class T>
    void look_into(std::vector<T>& /*values*/) {
        look_into_one<T>("list");
    }
    template <class T>
    void look_into(std::optional<T>& /*value*/) {
        look_into_one<T>("optional");
    }
    template <class T>
    void look_into(std::map<std::string, T>& /*values*/) {
        look_into_one<T>("map");
    }
    template <class T>
    void look_into_one(std::string_view what) {
        add(what);
        T inner{};
        look_into(inner);
    }

    std::uint64_t value_ = 0xcbf29ce484222325U;
};

std::string head() {
    FieldsChecksum checksum;
    translate::Plan plan;
    visit_fields(checksum, plan);
    std::array<char, 64> text{};
    (void)std::snprintf(text.data(), text.size(), "lxcri plan %016" PRIx64 "\n", checksum.value());
    return text.data();
}

}  // namespace

void write_plan(int directory_fd, const translate::Plan& plan) {
    const os::UniqueFd file = os::open_at(directory_fd, kFile, O_WRONLY | O_CREAT | O_EXCL, 0600);
    os::write_all(file.get(), head() + handoff::encode(plan), kFile);
}

std::optional<translate::Plan> find_plan(int directory_fd) {
    const auto text = os::find_regular_file_at(directory_fd, kFile);
    const std::string expected = head();
    if (!text || !text->starts_with(expected)) return {};
    return handoff::decode<translate::Plan>(std::string_view(*text).substr(expected.size()));
}

}  // namespace lxcri::runtime
