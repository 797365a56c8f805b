// /proc/PID/stat, in which the container writes the second field.

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "base/error.h"
#include "base/strings.h"
#include "child.h"
#include "os/file.h"
#include "os/process.h"
#include "support/catch.h"

using namespace lxcri;
using namespace lxcri::test;

namespace {

// All that follows the name; start time 22222.
constexpr std::string_view kRest =
    "S 77 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 22222 1000 200 18446744073709551615 1 1 0\n";

std::string stat_line(std::string_view comm) {
    return concat("4711 (", comm, ") ", kRest);
}

}  // namespace

TEST_CASE("the fields of a stat line") {
    const auto stat = os::parse_process_stat(stat_line("sh"));
    CHECK(stat.state == 'S');
    CHECK(stat.parent == 77);
    CHECK(stat.start_time == 22222);
}

TEST_CASE("a name cannot pretend to be other fields") {
    const auto* comm = GENERATE(values<const char*>({
        "",
        " ",
        ")",
        "(",
        "))) ",
        ") R 1 1",
        "a) Z 0 (",
        ") Z 1 2 3 4 5 6",
        "\n",
        "a\nb) Z",
        ") ) ) )",
        "x) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 99999 1",
    }));
    INFO(comm);
    const auto stat = os::parse_process_stat(stat_line(comm));
    CHECK(stat.state == 'S');
    CHECK(stat.parent == 77);
    CHECK(stat.start_time == 22222);
}

TEST_CASE("a stat line that is cut anywhere is refused, or complete up to the start time") {
    const auto line = stat_line("a) b (c");
    const auto end = line.find("22222") + 5;
    for (std::size_t length = 0; length < line.size(); ++length) {
        INFO(length);
        const auto part = std::string_view(line).substr(0, length);
        if (length < end - 4) {
            CHECK_THROWS_AS(os::parse_process_stat(part), Error);
        } else if (length >= end) {
            CHECK(os::parse_process_stat(part).start_time == 22222);
        } else {
            CHECK_NOTHROW(os::parse_process_stat(part));  // a shorter number is a number
        }
    }
}

TEST_CASE("stat lines that no kernel writes") {
    const auto with = [](std::string_view from, std::string_view to) {
        auto line = stat_line("sh");
        line.replace(line.find(from), from.size(), to);
        return line;
    };
    for (const auto& line : {
             with(" S 77", " SS 77"),
             with(" S 77", "  77"),
             with("77", "x"),
             with("77", "-"),
             with("77", "99999999999"),
             with("22222", "-1"),
             with("22222", "1.5"),
             with("22222", "0x1"),
             with("22222", "99999999999999999999"),
             with("22222", ""),
             std::string("no parentheses at all"),
             std::string(") "),
             std::string(),
         }) {
        INFO(line);
        CHECK_THROWS_AS(os::parse_process_stat(line), Error);
    }
}

TEST_CASE("the kernel's own lines", "[native]") {
    const auto stat = os::find_process_stat(::getpid());
    REQUIRE(stat);
    CHECK(stat->state == 'R');
    CHECK(stat->parent == ::getppid());
    CHECK(stat->start_time > 0);
    CHECK_FALSE(os::find_process_stat(-1));
    CHECK_FALSE(os::find_process_stat(0x7fffffff));
}

TEST_CASE("a process with a hostile name", "[native]") {
    const auto* name = GENERATE(values<const char*>({") Z 1 (", "a) R 2 3 4 5", ")", "\n) X"}));
    const auto parent = std::to_string(::getpid());
    CHECK(in_child([&] {
              ::prctl(PR_SET_NAME, name);
              const auto text = os::read_file_at(AT_FDCWD, "/proc/self/stat");
              if (text.find(std::string_view(name).substr(0, 15)) == std::string::npos) {
                  return std::string("the name is not in the line");
              }
              return std::to_string(os::find_process_stat(::getpid())->parent);
          }) == parent);
}
