// tmpcopyup: what the copy of a directory has.

#include "hooks/copy_up.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "os/file.h"
#include "support/catch.h"
#include "unit/os/temp_dir.h"

using namespace lxcri;
using namespace lxcri::test;
namespace fs = std::filesystem;

namespace {

void copy_all(const fs::path& from, const fs::path& to) {
    hooks::copy_directory(os::open_at(AT_FDCWD, from.string(), O_RDONLY | O_DIRECTORY).get(),
                          os::open_at(AT_FDCWD, to.string(), O_RDONLY | O_DIRECTORY).get());
}

unsigned mode_of(const fs::path& path) {
    struct stat status {};
    REQUIRE(::lstat(path.c_str(), &status) == 0);
    return status.st_mode;
}

}  // namespace

TEST_CASE("copy up: files, directories, links, FIFOs, with their modes") {
    const TempDir temp;
    put_file(temp / "from/file", std::string(100000, 'x'));
    put_file(temp / "from/directory/deep/file", "deep");
    REQUIRE(::chmod((temp / "from/file").c_str(), 04751) == 0);
    REQUIRE(::chmod((temp / "from/directory").c_str(), 01777) == 0);
    fs::create_symlink("/etc/passwd", temp / "from/link");
    fs::create_directory_symlink("..", temp / "from/directory/up");
    REQUIRE(::mkfifo((temp / "from/fifo").c_str(), 0640) == 0);
    fs::create_directories(temp / "to");

    copy_all(temp / "from", temp / "to");
    CHECK(tree_of(temp / "to") == tree_of(temp / "from"));
    CHECK(content_of(temp / "to/file") == std::string(100000, 'x'));
    CHECK(content_of(temp / "to/directory/deep/file") == "deep");
    for (const char* name : {"file", "directory", "fifo"}) {
        INFO(name);
        CHECK(mode_of(temp / "to" / name) == mode_of(temp / "from" / name));
    }
    CHECK(fs::read_symlink(temp / "to/link") == "/etc/passwd");
}

TEST_CASE("copy up: a socket is left out, an existing name is an error") {
    const TempDir temp;
    fs::create_directories(temp / "from");
    fs::create_directories(temp / "to");
    const os::UniqueFd server(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = temp / "from/socket";
    REQUIRE(path.size() < sizeof address.sun_path);
    path.copy(address.sun_path, path.size());
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast)
    REQUIRE(::bind(server.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    copy_all(temp / "from", temp / "to");
    CHECK(tree_of(temp / "to").empty());

    put_file(temp / "from/file", "new");
    fs::create_symlink(temp / "target", temp / "to/file");
    CHECK_THROWS_WITH(copy_all(temp / "from", temp / "to"), Catch::Contains("file exists"));
    CHECK_FALSE(fs::exists(temp / "target"));
}
