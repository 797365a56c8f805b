#include "cgroup/unit_path.h"

#include "base/error.h"
#include "support/catch.h"

namespace {

using lxcri::cgroup::unit_container_path;
using lxcri::cgroup::unit_name;
using lxcri::cgroup::UserManager;

constexpr UserManager kSystem;

std::string path_of(const std::string& cgroups_path, const UserManager& user = kSystem) {
    return unit_container_path(unit_name(cgroups_path, "c1", user), user, "container");
}

TEST_CASE("unit: where systemd puts the scope that cgroupsPath names") {
    CHECK(path_of("machine.slice:libpod:abc") == "machine.slice/libpod-abc.scope/container");
    CHECK(path_of("kubepods-besteffort-pod1.slice:crio:abc") ==
          "kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod1.slice/"
          "crio-abc.scope/container");
    CHECK(path_of(":crio:abc") == "system.slice/crio-abc.scope/container");
    CHECK(path_of("-.slice:crio:abc") == "crio-abc.scope/container");
    CHECK(path_of("a.slice::abc") == "a.slice/-abc.scope/container");
    CHECK(path_of("a.slice:p:b.slice") == "a.slice/p-b.slice.scope/container");
    CHECK(path_of("") == "system.slice/lxcri-c1.scope/container");
}

TEST_CASE("unit: with a user's manager") {
    const UserManager user = 1000;
    const std::string manager = "user.slice/user-1000.slice/user@1000.service/";
    CHECK(path_of("", user) == manager + "user.slice/lxcri-c1.scope/container");
    CHECK(path_of("a-b.slice:p:n", user) == manager + "a.slice/a-b.slice/p-n.scope/container");
}

TEST_CASE("unit: an ID with characters that no unit name has is escaped") {
    CHECK(unit_name("", "a+b_c.d-e", kSystem).scope == "lxcri-a\\x2bb_c.d-e.scope");
    CHECK_THROWS_AS(unit_name("", std::string(250, 'x'), kSystem), lxcri::Error);
    CHECK_NOTHROW(unit_name("", std::string(243, 'x'), kSystem));
}

TEST_CASE("unit: what names no unit is refused") {
    for (const std::string path :
         {"a", "/a/b", "a.slice:b", "a.slice:b:", "a.slice:b:c:d", "a:b:c", ".slice:b:c",
          "a--b.slice:c:d", "-a.slice:b:c", "a-.slice:b:c", "a.slice:b/c:d", "a.slice:b:c/../d",
          "a/b.slice:c:d", "a.slice:b:c d", "a.slice:b:c\n", "a.slice:\xc3\xa4:b"}) {
        INFO(path);
        try {
            unit_name(path, "c1", kSystem);
            FAIL("no error");
        } catch (const lxcri::SpecError& error) {
            CHECK(error.pointer() == "/linux/cgroupsPath");
        }
    }
    CHECK_THROWS_AS(unit_name("a.slice:b:" + std::string(250, 'x'), "c1", kSystem),
                    lxcri::SpecError);
}

}  // namespace
