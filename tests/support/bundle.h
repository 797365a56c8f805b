#pragma once
// A bundle with the probe program in its root filesystem, and a config.json as the engines write
// it. A test changes `config`; write() puts it on disk.

#include <filesystem>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace lxcri::test {

using Json = nlohmann::json;

class Bundle {
  public:
    // Makes DIRECTORY with rootfs/{probe,proc,sys,dev,tmp,...}. `name` becomes the cgroup's name.
    Bundle(std::filesystem::path directory, const std::string& name);

    Json config;

    const std::filesystem::path& path() const { return directory_; }
    std::filesystem::path rootfs() const { return directory_ / "rootfs"; }
    // A place in the root filesystem, with or without a leading slash.
    std::filesystem::path in_rootfs(std::string_view name) const;

    // Shortcuts for what many tests set.
    Bundle& args(std::vector<std::string> probe_arguments);  // behind "/probe"
    Bundle& add_mount(Json mount);
    Bundle& remove_mount(std::string_view destination);
    Bundle& remove_namespace(std::string_view type);
    Bundle& add_namespace(std::string_view type, std::string_view path = "");
    Json& process() { return config["process"]; }
    Json& linux() { return config["linux"]; }

    void write() const;

  private:
    std::filesystem::path directory_;
};

// What the engines set by default; all five sets have a use for it.
Json default_capabilities();

}  // namespace lxcri::test
