// HOME, and the program that PATH leads to.

#include <sys/stat.h>

#include "base/strings.h"
#include "root_directory.h"
#include "support/catch.h"

using namespace lxcri;
using namespace lxcri::test;
using handoff::ProcessPlan;

namespace {

std::string home_of(const fs::path& root, std::vector<std::string> env, std::uint32_t uid = 7) {
    return inside(root, [&] {
        libexec::complete_environment(env, uid);
        return join(env, " ");
    });
}

std::string program_of(const fs::path& root, const std::string& name,
                       std::vector<std::string> env) {
    ProcessPlan process;
    process.args = {name};
    process.env = std::move(env);
    return inside(root, [&] { return libexec::find_program(process); });
}

}  // namespace

TEST_CASE("environment: HOME is that of the image's passwd") {
    NEEDS_USER_NAMESPACES();
    const TempDir root;
    CHECK(home_of(root.path(), {"A=1"}) == "A=1 HOME=/");
    put_file(root / "etc/passwd",
             "root:x:0:0::/root:/bin/sh\nbroken\nx:x:seven:7::/wrong:\n"
             "seven:x:7:7::/home/seven:/bin/sh\nagain:x:7:7::/again:\n");
    CHECK(home_of(root.path(), {}) == "HOME=/home/seven");
    CHECK(home_of(root.path(), {"HOME="}) == "HOME=/home/seven");
    CHECK(home_of(root.path(), {"HOME=/mine"}) == "HOME=/mine");
    CHECK(home_of(root.path(), {}, 8) == "HOME=/");
    put_file(root / "etc/passwd", "seven:x:7:7:");
    CHECK(home_of(root.path(), {}) == "HOME=/");
    put_file(root / "etc/passwd", "seven:x:7:7::/no/newline");
    CHECK(home_of(root.path(), {}) == "HOME=/no/newline");
}

TEST_CASE("environment: a passwd that is no file, or has no end, gives no HOME") {
    NEEDS_USER_NAMESPACES();
    const TempDir root;
    fs::create_directories(root / "etc");
    REQUIRE(::mkfifo((root / "etc/passwd").c_str(), 0644) == 0);
    CHECK(home_of(root.path(), {}) == "HOME=/");
    fs::remove(root / "etc/passwd");
    fs::create_directories(root / "etc/passwd");
    CHECK(home_of(root.path(), {}) == "HOME=/");
    fs::remove(root / "etc/passwd");
    put_file(root / "etc/passwd",
             std::string(1 << 20, 'x') + "\nseven:x:7:7::/home/seven:/bin/sh\n");
    CHECK(home_of(root.path(), {}) == "HOME=/");
}

TEST_CASE("program: found as execvp(3) finds it") {
    NEEDS_USER_NAMESPACES();
    const TempDir root;
    constexpr auto kExecutable = fs::perms::owner_all;
    put_program(root / "usr/bin/tool", kExecutable);
    put_program(root / "second/tool", kExecutable);
    put_program(root / "locked/secret", fs::perms::owner_read);
    fs::create_directories(root / "second/directory");
    CHECK(program_of(root.path(), "tool", {}) == "/usr/bin/tool");
    CHECK(program_of(root.path(), "tool", {"PATH=/none:/second:/usr/bin"}) == "/second/tool");
    CHECK(program_of(root.path(), "/second/tool", {"PATH=/usr/bin"}) == "/second/tool");
    CHECK(program_of(root.path(), "tool", {"PATH=/none"}) ==
          "exception: /process/args/0: exec \"tool\": executable file not found in $PATH");
    CHECK(program_of(root.path(), "", {"PATH=/second"}) ==
          "exception: /process/args/0: exec \"\": executable file not found in $PATH");
    for (const char* name : {"secret", "directory"}) {
        INFO(name);
        CHECK(program_of(root.path(), name, {"PATH=/locked:/second:/none"}) ==
              concat("exception: /process/args/0: exec \"", name, "\": permission denied"));
    }
    CHECK(program_of(root.path(), "/second/missing", {}) ==
          "exception: /process/args/0: exec \"/second/missing\": no such file or directory");
}
