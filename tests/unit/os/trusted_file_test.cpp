#include "os/trusted_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "needs.h"
#include "support/catch.h"
#include "temp_dir.h"

using namespace lxcri;
using namespace lxcri::test;

namespace {

std::string error_of(const std::filesystem::path& path) {
    try {
        (void)os::find_trusted_file(path);
    } catch (const Error& error) {
        return error.what();
    }
    return "";
}

bool is_refused(const std::filesystem::path& path) {
    return error_of(path).find("must belong to root") != std::string::npos;
}

}  // namespace

TEST_CASE("trusted file: one of ours that no other user may write", "[trusted]") {
    const TempDir temp;
    put_file(temp / "file", "text");
    REQUIRE(::chmod((temp / "file").c_str(), 0644) == 0);
    CHECK(os::find_trusted_file(temp / "file") == "text");
}

TEST_CASE("trusted file: a missing one is nothing", "[trusted]") {
    const TempDir temp;
    CHECK_FALSE(os::find_trusted_file(temp / "file").has_value());
}

TEST_CASE("trusted file: one that others may write is refused", "[trusted]") {
    const TempDir temp;
    put_file(temp / "file", "text");
    const mode_t mode = GENERATE(0646U, 0664U, 0622U, 0777U);
    REQUIRE(::chmod((temp / "file").c_str(), mode) == 0);
    CHECK(is_refused(temp / "file"));
}

TEST_CASE("trusted file: what is no regular file is refused, and never waited for", "[trusted]") {
    const TempDir temp;
    REQUIRE(::mkfifo((temp / "fifo").c_str(), 0600) == 0);
    CHECK(error_of(temp / "fifo").find("is not a regular file") != std::string::npos);
    CHECK(error_of(temp.path()).find("is not a regular file") != std::string::npos);
}

TEST_CASE("trusted file: root does not read another user's", "[trusted][root]") {
    UNIT_NEEDS(is_root(), "needs root");
    const TempDir temp;
    put_file(temp / "file", "text");
    REQUIRE(::chmod((temp / "file").c_str(), 0644) == 0);
    const uid_t uid = GENERATE(1000U, 65534U);
    REQUIRE(::chown((temp / "file").c_str(), uid, 0) == 0);
    CHECK(is_refused(temp / "file"));
}
