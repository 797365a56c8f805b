#include "os/namespace.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/stat.h>

#include <array>
#include <filesystem>

#include "base/error.h"
#include "base/strings.h"
#include "child.h"
#include "needs.h"
#include "support/catch.h"
#include "temp_dir.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

using namespace lxcri;
using namespace lxcri::test;

namespace {

struct Type {
    const char* name;
    int flag;
};

constexpr std::array<Type, 8> kTypes{{
    {"pid", CLONE_NEWPID},
    {"net", CLONE_NEWNET},
    {"mnt", CLONE_NEWNS},
    {"ipc", CLONE_NEWIPC},
    {"uts", CLONE_NEWUTS},
    {"user", CLONE_NEWUSER},
    {"cgroup", CLONE_NEWCGROUP},
    {"time", CLONE_NEWTIME},
}};

std::string own(const char* name) {
    return concat("/proc/self/ns/", name);
}

}  // namespace

TEST_CASE("a namespace is opened as what it is and nothing else", "[native]") {
    for (const auto& type : kTypes) {
        for (const auto& asked : kTypes) {
            INFO(type.name << " as " << asked.name);
            if (type.flag == asked.flag) {
                const auto fd = os::open_namespace(own(type.name), asked.flag);
                CHECK((::fcntl(fd.get(), F_GETFD) & FD_CLOEXEC) != 0);
            } else {
                CHECK_THROWS_WITH(
                    os::open_namespace(own(type.name), asked.flag),
                    concat("\"", own(type.name), "\" is a namespace of another type"));
            }
        }
    }
}

TEST_CASE("what is no namespace", "[native]") {
    const TempDir temp;
    put_file(temp / "file", "");
    ::mkfifo((temp / "fifo").c_str(), 0600);  // must not wait for a writer
    std::filesystem::create_symlink("/proc/self/ns/net", temp / "link");
    for (const auto& path :
         {temp.path(), temp / "file", temp / "fifo", std::filesystem::path("/proc/self/status"),
          std::filesystem::path("/dev/null")}) {
        INFO(path);
        CHECK_THROWS_WITH(os::open_namespace(path, CLONE_NEWNET),
                          concat(lxcri::in_quotes(path.string()), " is not a namespace"));
    }
    CHECK_THROWS_WITH(os::open_namespace(temp / "none", CLONE_NEWNET),
                      Catch::EndsWith("no such file or directory"));
    CHECK(os::open_namespace(temp / "link", CLONE_NEWNET).valid());
}

TEST_CASE("our own namespaces are our own", "[native]") {
    for (const auto& type : kTypes) {
        INFO(type.name);
        CHECK(os::is_own_namespace(os::open_namespace(own(type.name), type.flag).get(), type.name));
    }
    // The number of one type says nothing about another.
    const auto net = os::open_namespace(own("net"), CLONE_NEWNET);
    CHECK_FALSE(os::is_own_namespace(net.get(), "uts"));
}

TEST_CASE("another process's namespace is not our own", "[root]") {
    UNIT_NEEDS(is_root(), "a new namespace needs root");
    CHECK(in_child([] {
              const auto before = os::open_namespace(own("uts"), CLONE_NEWUTS);
              if (::unshare(CLONE_NEWUTS) != 0) return std::string("unshare");
              const auto after = os::open_namespace(own("uts"), CLONE_NEWUTS);
              return concat(os::is_own_namespace(before.get(), "uts") ? "own" : "other", " ",
                            os::is_own_namespace(after.get(), "uts") ? "own" : "other");
          }) == "other own");
}
