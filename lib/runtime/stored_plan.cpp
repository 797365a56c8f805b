#include "runtime/stored_plan.h"

#include <fcntl.h>

#include <array>
#include <cinttypes>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "handoff/codec.h"
#include "os/file.h"

namespace lxcri::runtime {

namespace {

constexpr const char* kFile = "plan";

// Of the names and types of all fields: a file of an older or newer lxcri has another one.
// (FNV-1a.)
class FieldsChecksum {
  public:
    template <std::size_t size, class T>
    void operator()(const char (&name)[size], T& value) {
        add(name);
        look_into(value);
    }
    std::uint64_t value() const noexcept { return value_; }

  private:
    // A literal has its end with it: names are not measured each time a container is made.
    template <std::size_t size>
    void add(const char (&text)[size]) {
        for (const char byte : text) add_byte(static_cast<unsigned char>(byte));
    }
    void add_byte(std::uint64_t byte) { value_ = (value_ ^ byte) * 0x100000001b3U; }

    template <class T>
    void look_into(T& value) {
        if constexpr (handoff::Record<T>) {
            add("{");
            visit_fields(*this, value);
            add("}");
        } else if constexpr (std::is_arithmetic_v<T> || std::is_enum_v<T>) {
            add("number");
            add_byte(sizeof(T));
        } else {
            add("text");
        }
    }
    template <class T>
    void look_into(std::vector<T>& /*values*/) {
        add("list");
        look_into_one<T>();
    }
    template <class T>
    void look_into(std::optional<T>& /*value*/) {
        add("optional");
        look_into_one<T>();
    }
    template <class T>
    void look_into(std::map<std::string, T>& /*values*/) {
        add("map");
        look_into_one<T>();
    }
    template <class T>
    void look_into_one() {
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
