#include "hot_plug_options.h"

#include <fcntl.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "os/file.h"

namespace lxcri::cmd {

void refuse_name(const PlugValues& values) {
    if (values.name.empty()) return;
    throw Error(concat("unexpected argument ", lxcri::in_quotes(values.name)));
}

std::string read_document(const std::string& file) {
    constexpr std::size_t kLongest = 16U << 20U;
    const os::UniqueFd opened =
        file == "-" ? os::UniqueFd() : os::open_at(AT_FDCWD, file, O_RDONLY);
    return os::read_all(file == "-" ? STDIN_FILENO : opened.get(), file, kLongest);
}

std::string json_text(const nlohmann::ordered_json& json) {
    return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace lxcri::cmd
