#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/strings.h"
#include "command.h"
#include "hot_plug_options.h"
#include "output.h"
#include "parse.h"
#include "runtime/hot_plug.h"
#include "table.h"

namespace lxcri::cmd {

namespace {

using Json = nlohmann::ordered_json;

struct Values : PlugValues {
    std::vector<std::string> volumes;
    std::string type;
    std::string source;
    std::string to;
    std::vector<std::string> mount_options;
    std::string file;
};

constexpr auto kOptions = std::to_array<Option<Values>>({
    {"ACTION", "", "add, remove or list", &Values::action, Need::required},
    {"ID", "", "name of the container", &Values::id, Need::required},
    {"DESTINATION", "", "remove: where it has been mounted", &Values::name},
    {"-v,--volume", "SOURCE:DESTINATION[:OPTIONS]",
     "add: bind a file or directory of the host, with what is mounted below it; repeatable",
     &Values::volumes},
    {"-t,--type", "TYPE", "add: the type of a filesystem; without it a bind mount", &Values::type},
    {"-s,--source", "SOURCE", "add: file, directory or device of the host", &Values::source},
    {"-d,--destination", "PATH", "add: where in the container", &Values::to},
    {"-o,--options", "OPTION[,OPTION...]", "add: as in config.json; repeatable",
     [](Values& values, const std::string& text) {
         for (auto& option : split(text, ',')) values.mount_options.push_back(std::move(option));
     }},
    {"-m,--mounts", "FILE", "add: file with entries of mounts as in config.json, - for stdin",
     &Values::file},
    {"-f,--format", "FORMAT", "list: table or json",
     [](Values& values, const std::string& text) {
         values.format = choose(kTableOrJson, "--format", text);
     }},
});

// Who types a relative path means it from here.
std::string from_here(const std::string& path) {
    return std::filesystem::absolute(path).lexically_normal().string();
}

Json volume(const std::string& text) {
    const auto parts = split(text, ':');
    if (parts.size() < 2 || parts.size() > 3 || parts[0].empty() || parts[1].empty()) {
        reject("--volume", text, "SOURCE:DESTINATION[:OPTIONS]");
    }
    std::vector<std::string> options{"rbind", "rprivate"};
    if (parts.size() == 3) {
        for (auto& option : split(parts[2], ',')) options.push_back(std::move(option));
    }
    return {{"type", "bind"},
            {"source", from_here(parts[0])},
            {"destination", parts[1]},
            {"options", std::move(options)}};
}

bool has_single(const Values& values) {
    return !values.type.empty() || !values.source.empty() || !values.to.empty() ||
           !values.mount_options.empty();
}

Json single(const Values& values) {
    if (values.to.empty()) throw Error("--destination is missing");
    Json mount = Json::object();
    mount["destination"] = values.to;
    const bool is_bind = values.type.empty() || values.type == "bind" || values.type == "rbind";
    mount["type"] = values.type.empty() ? "bind" : values.type;
    const auto looks_like_path = values.source.find('/') != std::string::npos;
    if (!values.source.empty()) {
        mount["source"] = is_bind || looks_like_path ? from_here(values.source) : values.source;
    }
    mount["options"] = values.mount_options;
    return mount;
}

void add(const Values& values, const settings::Options& options) {
    const int forms = (values.volumes.empty() ? 0 : 1) + (has_single(values) ? 1 : 0) +
                      (values.file.empty() ? 0 : 1);
    if (forms != 1) {
        throw Error("add: expected --volume, --mounts, or --destination with what belongs to it");
    }
    refuse_name(values);
    if (!values.file.empty()) {
        return runtime::add_mounts(options, values.id, read_document(values.file));
    }
    Json list = Json::array();
    for (const auto& text : values.volumes) list.push_back(volume(text));
    if (has_single(values)) list.push_back(single(values));
    runtime::add_mounts(options, values.id, json_text(list));
}

void show(const Values& values, const settings::Options& options) {
    const auto mounts = runtime::list_mounts(options, values.id);
    if (values.format == Format::json) {
        Json list = Json::array();
        for (const auto& [mount, there] : mounts) {
            list.push_back({{"destination", mount.destination},
                            {"type", mount.type},
                            {"source", mount.source},
                            {"options", mount.options},
                            {"mounted", there}});
        }
        return show_json(json_text(list));
    }
    std::vector<Row> rows{{"DESTINATION", "TYPE", "SOURCE", "OPTIONS", "STATUS"}};
    for (const auto& [mount, there] : mounts) {
        rows.push_back({mount.destination, mount.type, mount.source, join(mount.options, ","),
                        there ? "mounted" : "gone"});
    }
    print_table(rows);
}

}  // namespace

int run_mounts(const settings::Options& common, Arguments arguments) {
    Parser parser(
        "Add mounts to a running container, remove them, and list those that were added.\n"
        "They are gone with the container.",
        "lxcri mounts");
    Values values;
    parser.add(kOptions, values);
    parser.parse(std::move(arguments));
    run_action({"DESTINATION", add, runtime::remove_mount, show}, values, common);
    return EXIT_SUCCESS;
}

}  // namespace lxcri::cmd
