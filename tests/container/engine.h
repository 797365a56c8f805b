#pragma once
// Daemons of engines, started for one test with everything of their own in its directory.
#include <signal.h>

#include <string>

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
