#pragma once
// Daemons of engines, started for one test with everything of their own in its directory.
#include <signal.h>

#include <string>

#include "support/catch.h"
#include "support/environment.h"
#include "support/files.h"
#include "support/process.h"
#include "support/runtime.h"

namespace lxcri::test {

// An engine's environment: no proxy, no home, no configuration of this machine's.
inline CommandOptions engine_options(const Box& box) {
    CommandOptions options;
    options.timeout = milliseconds{60'000};
    options.environment =
        Strings{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                "HOME=" + (box / "home").string(), "TMPDIR=" + (box / "tmp").string()};
    return options;
}

// As `docker save` writes it: one layer, a tar archive in the Box.
inline std::filesystem::path write_image_archive(const Box& box, const std::string& name,
                                                 const std::filesystem::path& layer,
                                                 const Strings& entrypoint) {
    const Finished sum = run_command({"/usr/bin/sha256sum", layer});
    REQUIRE(sum.code() == 0);
    const Json config = {
        {"architecture", "amd64"},
        {"os", "linux"},
        {"config", {{"Entrypoint", entrypoint}}},
        {"rootfs", {{"type", "layers"}, {"diff_ids", {"sha256:" + sum.out.substr(0, 64)}}}}};
    write_file(box / "image.json", config.dump());
    write_file(box / "manifest.json", Json{{{"Config", "image.json"},
                                            {"RepoTags", {name}},
                                            {"Layers", {layer.filename().string()}}}}
                                          .dump());
    REQUIRE(run_command({"/bin/tar", "-C", box / "", "-cf", box / "image.tar", "manifest.json",
                         "image.json", layer.filename().string()})
                .code() == 0);
    return box / "image.tar";
}

// A daemon until the end of its scope. `ready` is what it logs when it takes calls.
class Daemon {
  public:
    Daemon(const Box& box, const Strings& command, const std::string& ready)
        : process_(command, engine_options(box)) {
        std::filesystem::create_directories(box / "tmp");
        process_.err().wait_for(ready, milliseconds{60'000});
    }
    Daemon(const Daemon&) = delete;
    Daemon& operator=(const Daemon&) = delete;
    ~Daemon() {
        try {
            process_.signal(SIGTERM);
            (void)process_.wait_exit_only();
        } catch (const std::exception&) {
            // It is killed, and what it leaves is found by the leak check.
        }
    }
    const std::string& log() {
        process_.err().take();
        return process_.err().text();
    }

  private:
    Process process_;
};

}  // namespace lxcri::test
