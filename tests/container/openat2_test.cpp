// lxcri in a sandbox that refuses openat2(2): everything works, and nothing is less safe.
#include <fcntl.h>
#include <sys/stat.h>

#include <filesystem>

#include "support/catch.h"
#include "support/environment.h"
#include "support/runtime.h"

using namespace lxcri::test;
namespace fs = std::filesystem;

namespace {

// `run` of the bundle as it is, under the filter.
Finished run_confined(Box& box, const std::string& error) {
    box.bundle.write();
    Strings line{environment().probe, "without-openat2", error};
    const std::string id = box.new_id();
    for (const auto& word : box.command_line({"run", "--bundle", box.bundle.path(), id})) {
        line.push_back(word);
    }
    return run_command(line);
}

}  // namespace

TEST_CASE("openat2 refused: the filter of these tests refuses it", "[openat2][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    const Finished direct = run_command(
        {environment().probe, "without-openat2", "EPERM", environment().probe, "openat2", "/"});
    CHECK(has_line(direct.out, "openat2 /: EPERM"));
    CHECK(has_line(run_command({environment().probe, "openat2", "/"}).out, "openat2 /: ok"));
}

TEST_CASE("openat2 refused: a container runs all the same", "[openat2][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    fs::create_directories(box / "source");
    write_file(box / "source/file", "from outside\n");
    write_file(box.bundle.in_rootfs("etc/secret"), "secret\n");
    fs::create_directory_symlink("/srv", box.bundle.in_rootfs("data"));
    fs::create_directories(box.bundle.in_rootfs("srv"));
    // Through a link inside, to a place that has to be made.
    box.bundle.add_mount({{"destination", "/data/deep/er"},
                          {"type", "bind"},
                          {"source", box / "source"},
                          {"options", {"bind", "ro"}}});
    box.bundle.add_mount({{"destination", "/new/file"},
                          {"type", "bind"},
                          {"source", box / "source/file"},
                          {"options", {"bind"}}});
    box.bundle.linux()["maskedPaths"].push_back("/etc/secret");
    box.bundle.linux()["sysctl"] = {{"net.ipv4.ip_forward", "1"}};
    box.bundle.linux()["devices"] = {
        {{"path", "/dev/deep/zero"}, {"type", "c"}, {"major", 1}, {"minor", 5}}};
    box.bundle.args({"cat", "/srv/deep/er/file", "/new/file", "/etc/secret",
                     "/proc/sys/net/ipv4/ip_forward", "--", "write", "/srv/deep/er/file", "x", "--",
                     "stat", "/dev/deep/zero"});
    const Finished result = run_confined(box, "ENOSYS");
    CAPTURE(result.err);
    CHECK(result.out.starts_with("from outside\nfrom outside\n1\n"));
    CHECK(has_line(result.out, "write /srv/deep/er/file: EROFS"));
    CHECK(facts_of(result.out, "/dev/deep/zero").starts_with("char "));
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("openat2 refused: with EPERM liblxc gives up, and the error says why",
          "[openat2][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    const Finished result = run_confined(box, "EPERM");
    CHECK(result.code() == 1);
    CHECK(lines_of(result.err).size() == 1);
    CHECK(contains(result.err, "openat2"));
    CHECK(contains(result.err, "EPERM"));
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("openat2 refused: links lead nowhere outside", "[openat2][hostile][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    fs::create_directories(box / "outside");
    fs::create_directories(box / "source");
    const bool absolute = GENERATE(true, false);
    const std::string target = absolute ? (box / "outside").string() : "../../../outside";
    fs::create_symlink(target, box.bundle.in_rootfs("trap"));
    box.bundle.add_mount({{"destination", "/trap/made"},
                          {"type", "bind"},
                          {"source", box / "source"},
                          {"options", {"bind"}}});
    box.bundle.args({"mountinfo"});
    const Finished result = run_confined(box, "ENOSYS");
    CAPTURE(result.err);
    CHECK(result.code() == 0);
    const std::string inside = absolute ? target : "/outside";
    CHECK(contains(result.out, " " + inside + "/made rw"));
    CHECK(names_in(box / "outside") == Strings{});
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("openat2 refused: a plain /proc is still demanded", "[openat2][hostile][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    fs::remove(box.bundle.in_rootfs("proc"));
    fs::create_directories(box.bundle.in_rootfs("fake"));
    fs::create_symlink("/fake", box.bundle.in_rootfs("proc"));
    const Finished result = run_confined(box, "ENOSYS");
    CHECK(result.code() == 1);
    CHECK(contains(result.err, "\"/proc\" is a symbolic link"));
    CHECK(box.leftovers() == Strings{});
}
