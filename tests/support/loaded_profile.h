#pragma once

#include <filesystem>
#include <string>

#include "support/catch.h"
#include "support/environment.h"
#include "support/files.h"
#include "support/process.h"

namespace lxcri::test {

// A profile of AppArmor that allows everything but one file.
class LoadedProfile {
  public:
    static constexpr const char* kName = "lxcri-test-deny";

    explicit LoadedProfile(const std::filesystem::path& directory) : file_(directory / "profile") {
        write_file(file_, std::string("profile ") + kName +
                              " flags=(attach_disconnected) {\n"
                              "  file, capability, network, mount, umount, ptrace, signal, unix,\n"
                              "  deny /tmp/secret r,\n}\n");
        REQUIRE(parse("--replace").code() == 0);
    }
    LoadedProfile(const LoadedProfile&) = delete;
    LoadedProfile& operator=(const LoadedProfile&) = delete;
    ~LoadedProfile() { (void)parse("--remove"); }

  private:
    Finished parse(const char* action) const {
        return run_command({find_program("apparmor_parser"), action, "--skip-cache", file_},
                           {.timeout = milliseconds(60000)});
    }
    std::filesystem::path file_;
};

}  // namespace lxcri::test
