#pragma once
// An ordinary user's Podman, with everything of its own in the user's home.
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <exception>
#include <filesystem>
#include <string>

#include "support/catch.h"
#include "support/environment.h"
#include "support/ordinary_user.h"
#include "support/runtime.h"

namespace lxcri::test {

class UserPodman {
  public:
    // XDG_RUNTIME_DIR is closed for others, as in real life.
    UserPodman(std::filesystem::path home, std::string runtime)
        : home_(std::move(home)), runtime_(std::move(runtime)) {
        std::filesystem::create_directory(home_ / "run");
        write_file(home_ / "containers.conf", "[containers]\ndefault_ulimits = []\n");
        for (const char* name : {"run", "containers.conf"}) {
            REQUIRE(chown((home_ / name).c_str(), kUser, kUser) == 0);
        }
        REQUIRE(chmod((home_ / "run").c_str(), 0700) == 0);
    }
    UserPodman(const UserPodman&) = delete;
    UserPodman& operator=(const UserPodman&) = delete;
    ~UserPodman() {
        try {
            (void)call({"pod", "rm", "--all", "--force", "-t", "0"});
            (void)call({"rm", "--all", "--force", "-t", "0"});
            // The process that keeps the user namespace of all Podmans of this user.
            const std::string pause = read_file(home_ / "run/libpod/tmp/pause.pid");
            if (!pause.empty()) (void)::kill(std::stoi(pause), SIGKILL);
        } catch (const std::exception&) {
            // What stays is found by the leak check.
        }
    }

    Finished call(Strings arguments) const {
        const Strings common = {find_program("podman"),
                                "--runtime",
                                runtime_,
                                "--cgroup-manager",
                                "cgroupfs",
                                "--events-backend",
                                "file",
                                "--storage-driver",
                                "vfs"};
        arguments.insert(arguments.begin(), common.begin(), common.end());
        return run_command(arguments, options());
    }
    // Of a call that must succeed.
    std::string ok(const Strings& arguments) const {
        const Finished finished = call(arguments);
        INFO(finished.err);
        REQUIRE(finished.code() == 0);
        return finished.out;
    }
    CommandOptions options() const {
        CommandOptions options;
        options.uid = kUser;
        options.timeout = milliseconds{120'000};
        options.working_directory = home_;
        options.environment = Strings{
            "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME=" + home_.string(), "XDG_RUNTIME_DIR=" + (home_ / "run").string(),
            "TMPDIR=" + home_.string(), "CONTAINERS_CONF=" + (home_ / "containers.conf").string()};
        return options;
    }

  private:
    std::filesystem::path home_;
    std::string runtime_;
};

}  // namespace lxcri::test
