#include "runtime/stored_plan.h"

#include <fcntl.h>

#include <filesystem>

#include "base/error.h"
#include "os/file.h"
#include "support/catch.h"
#include "unit/handoff/random_plan.h"
#include "unit/os/temp_dir.h"

using namespace lxcri;
using namespace lxcri::test;
using translate::Plan;

namespace {

struct Dir {
    TempDir temp;
    os::UniqueFd fd{os::open_at(AT_FDCWD, temp.path(), O_RDONLY | O_DIRECTORY)};

    std::filesystem::path file() const { return temp / "plan"; }
};

}  // namespace

TEST_CASE("a stored plan comes back as it was written") {
    for (unsigned seed = 0; seed < 50; ++seed) {
        INFO(seed);
        const Dir dir;
        const auto plan = random_plan<Plan>(seed);
        runtime::write_plan(dir.fd.get(), plan);
        const auto found = runtime::find_plan(dir.fd.get());
        REQUIRE(found);
        CHECK(Comparer::same(*found, plan));
    }
}

TEST_CASE("a stored plan is written once, and only its owner can read it") {
    const Dir dir;
    runtime::write_plan(dir.fd.get(), Plan{});
    CHECK_THROWS_AS(runtime::write_plan(dir.fd.get(), Plan{}), SystemError);
    CHECK(std::filesystem::status(dir.file()).permissions() ==
          (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));
}

TEST_CASE("no plan is found where there is none, or one of another version") {
    const Dir dir;
    CHECK_FALSE(runtime::find_plan(dir.fd.get()));
    for (const std::string text : {"", "lxcri plan", "lxcri plan 0123456789abcdef\n", "x"}) {
        put_file(dir.file(), text);
        CHECK_FALSE(runtime::find_plan(dir.fd.get()));
    }
}

TEST_CASE("a stored plan that is damaged is an error") {
    const Dir dir;
    runtime::write_plan(dir.fd.get(), Plan{});
    const std::string text = content_of(dir.file());
    put_file(dir.file(), text.substr(0, text.size() - 1));
    CHECK_THROWS_AS(runtime::find_plan(dir.fd.get()), Error);
    put_file(dir.file(), text + "x");
    CHECK_THROWS_AS(runtime::find_plan(dir.fd.get()), Error);
}
