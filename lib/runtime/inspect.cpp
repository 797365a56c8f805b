#include <fcntl.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/strings.h"
#include "os/file.h"
#include "runtime/container.h"
#include "runtime/operations.h"
#include "runtime/record.h"

namespace lxcri::runtime {

std::string inspect(const settings::Options& options, const std::string& id) {
    using Json = nlohmann::ordered_json;
    Container container = Container::open(options, id);
    Json result;
    // What `create` has read, with what lxcri itself makes no use of; nothing after a `create` that
    // was killed before it had read it.
    const auto config = os::find_regular_file_at(container.dir().fd(), "config.json");
    result["Spec"] = config ? Json::parse(*config, nullptr, false) : Json();
    if (result["Spec"].is_discarded()) result["Spec"] = nullptr;
    result["Container"] = Json::parse(record_json(container.record()));
    result["Container"]["directory"] = concat(options.root, "/", id);
    const oci::State state = container.state();
    result["State"] = Json::parse(oci::to_json(state));
    return result.dump(2, ' ', false, Json::error_handler_t::replace);
}

}  // namespace lxcri::runtime
