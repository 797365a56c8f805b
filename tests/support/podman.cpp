#include "support/podman.h"
#include "support/catch.h"

#include <unistd.h>

#include <filesystem>

namespace lxcri::test {

namespace fs = std::filesystem;

std::optional<std::string> need_podman() {
    if (auto missing = need_runtime()) return missing;
    if (auto missing = need_program("conmon")) return missing;
    return need_program("podman");
}

Podman::Podman(std::string cgroup_manager) : cgroup_manager_(std::move(cgroup_manager)) {
    // default_ulimits: without CAP_SYS_RESOURCE the limits that Podman sets by itself cannot
    // be raised.
    const std::string pids = has_controller("pids") ? "" : "pids_limit = 0\n";
    write_file(box_ / "containers.conf",
               engine_example("podman.conf") + "[containers]\ndefault_ulimits = []\n" + pids);
    for (const char* name : {"tmp", "networks"}) fs::create_directories(box_ / name);
    const fs::path archive = box_ / "image.tar";
    REQUIRE(run_command({"/bin/tar", "-C", box_.bundle.rootfs(), "-cf", archive, "."}).code() == 0);
    const Finished imported = call({"import", "-q", archive, "localhost/test"});
    INFO(imported.err);
    REQUIRE(imported.code() == 0);
}

Podman::~Podman() {
    try {
        (void)call({"rm", "--all", "--force", "-t", "0"});
    } catch (const std::exception&) {
        // What stays is found by the leak check.
    }
    // The parent that Podman makes for its containers stays for good.
    for (const fs::path& cgroup : find_cgroups("libpod_parent")) rmdir(cgroup.c_str());
}

Strings Podman::command_line(const Strings& arguments) const {
    Strings command = {find_program("podman"), "--root", box_ / "storage", "--runroot",
                       box_ / "run", "--tmpdir", box_ / "tmp",
                       // netavark, where it is installed, opens its lock there for each command.
                       "--network-config-dir", box_ / "networks", "--storage-driver", "vfs",
                       "--cgroup-manager", cgroup_manager_, "--events-backend", "none", "--runtime",
                       "lxcri"};
    command.insert(command.end(), arguments.begin(), arguments.end());
    return command;
}

CommandOptions Podman::options() const {
    CommandOptions options;
    options.timeout = milliseconds{60'000};
    options.environment =
        Strings{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                "HOME=" + (box_ / "home").string(), "TMPDIR=" + (box_ / "tmp").string(),
                "CONTAINERS_CONF=" + (box_ / "containers.conf").string()};
    return options;
}

Finished Podman::call(const Strings& arguments) const {
    return run_command(command_line(arguments), options());
}

Finished Podman::create_secret(const std::string& name, const std::string& content) const {
    write_file(box_ / name, content, 0600);
    return call({"secret", "create", name, box_ / name});
}

void Podman::start(const std::string& name, const Strings& flags) const {
    Strings arguments = {"run", "--network", "none", "--name", name};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    for (const char* word : {"-d", "localhost/test", "/probe", "sleep"}) {
        arguments.emplace_back(word);
    }
    const Finished finished = call(arguments);
    INFO(finished.err);
    REQUIRE(finished.code() == 0);
}

Finished Podman::run(const Strings& arguments) const {
    Strings command = {"run", "--network", "none", "--rm", "--security-opt", "seccomp=unconfined"};
    command.insert(command.end(), arguments.begin(), arguments.end());
    return call(command);
}

}  // namespace lxcri::test
