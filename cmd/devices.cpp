#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/strings.h"
#include "command.h"
#include "handoff/plug.h"
#include "hot_plug_options.h"
#include "os/check.h"
#include "output.h"
#include "parse.h"
#include "runtime/hot_plug.h"
#include "table.h"

namespace lxcri::cmd {

namespace {

using Json = nlohmann::ordered_json;

struct Values : PlugValues {
    std::string device;
    std::string file;
    std::string access = "rwm";
};

constexpr auto kOptions = std::to_array<Option<Values>>({
    {"ACTION", "", "add, remove or list", &Values::action, Need::required},
    {"ID", "", "name of the container", &Values::id, Need::required},
    {"PATH", "", "remove: the device in the container", &Values::name},
    {"-d,--device", "DEVICE[:PATH[:ACCESS]]",
     "add: a device of the host, and what it is called in the container", &Values::device},
    {"-m,--devices", "FILE",
     "add: file with entries of linux.devices as in config.json, - for stdin", &Values::file},
    {"-a,--access", "LETTERS", "add: what may be done with them: r (read), w (write), m (mknod)",
     &Values::access},
    {"-f,--format", "FORMAT", "list: table or json",
     [](Values& values, const std::string& text) {
         values.format = choose(kTableOrJson, "--format", text);
     }},
});

void check_access(std::string_view option, const std::string& access) {
    if (access.empty() || access.find_first_not_of("rwm") != std::string::npos) {
        reject(option, access, "letters out of rwm");
    }
}

// As the host has it: number and mode. It belongs to root of the container.
Json describe(const std::string& device, const std::string& path) {
    struct stat status {};
    os::check(::stat(device.c_str(), &status), "stat", device);
    const bool is_block = S_ISBLK(status.st_mode);
    if (!is_block && !S_ISCHR(status.st_mode)) {
        throw Error(concat("--device: ", lxcri::in_quotes(device), " is no device"));
    }
    return {{"path", path},
            {"type", is_block ? "b" : "c"},
            {"major", ::major(status.st_rdev)},
            {"minor", ::minor(status.st_rdev)},
            {"fileMode", status.st_mode & 0777U}};
}

void add(const Values& values, const settings::Options& options) {
    refuse_name(values);
    if (values.device.empty() == values.file.empty()) {
        throw Error("add: expected --device or --devices");
    }
    std::string access = values.access;
    check_access("--access", access);
    if (!values.file.empty()) {
        return runtime::add_devices(options, values.id, read_document(values.file), access);
    }
    const auto parts = split(values.device, ':');
    if (parts.size() > 3 || parts[0].empty()) {
        reject("--device", values.device, "DEVICE[:PATH[:ACCESS]]");
    }
    if (parts.size() == 3) {
        access = parts[2];
        check_access("--device", access);
    }
    const std::string& path = parts.size() > 1 && !parts[1].empty() ? parts[1] : parts[0];
    runtime::add_devices(options, values.id, json_text(describe(parts[0], path)), access);
}

void show(const Values& values, const settings::Options& options) {
    const auto devices = runtime::list_devices(options, values.id);
    Json list = Json::array();
    std::vector<Row> rows{{"PATH", "TYPE", "NUMBER", "ACCESS"}};
    for (const auto& [node, access, place] : devices) {
        const std::string type(name_of(handoff::kNodeTypes, node.type));
        list.push_back({{"path", node.path},
                        {"type", type},
                        {"major", node.major},
                        {"minor", node.minor},
                        {"access", access}});
        rows.push_back({node.path, type,
                        concat(std::to_string(node.major), ":", std::to_string(node.minor)),
                        access});
    }
    if (values.format == Format::json) return show_json(json_text(list));
    print_table(rows);
}

}  // namespace

int run_devices(const settings::Options& common, Arguments arguments) {
    Parser parser(
        "Add devices to a running container, remove them, and list those that were added.\n"
        "They are gone with the container.",
        "lxcri devices");
    Values values;
    parser.add(kOptions, values);
    parser.parse(std::move(arguments));
    run_action({"PATH", add, runtime::remove_device, show}, values, common);
    return EXIT_SUCCESS;
}

}  // namespace lxcri::cmd
