// What a cgroup counts, from the text of its files.

#include "cgroup/stats.h"
#include "support/catch.h"

namespace {

using namespace lxcri::cgroup;

TEST_CASE("stats: lists of cpusets") {
    CHECK(parse_list("0-2,7") == std::vector<std::uint64_t>{0, 1, 2, 7});
    CHECK(parse_list("") == std::vector<std::uint64_t>{});
    CHECK(parse_list("3-1,x,5-") == std::vector<std::uint64_t>{});
    CHECK(parse_list("0-99999999999").empty());
}

TEST_CASE("stats: block IO of version 1") {
    const auto entries = parse_blkio("8:0 Read 4096\n8:0 Write 0\n254:16 Total 7\nTotal 4103\n");
    REQUIRE(entries.size() == 3);
    CHECK(entries[0].major == 8);
    CHECK(entries[0].operation == "Read");
    CHECK(entries[0].value == 4096);
    CHECK(entries[2].major == 254);
    CHECK(entries[2].minor == 16);
}

TEST_CASE("stats: block IO of version 2") {
    const auto stats =
        parse_io_stat("8:0 rbytes=4096 wbytes=8 rios=1 wios=2 dbytes=0 dios=0 cost.usage=5\n");
    REQUIRE(stats.bytes.size() == 3);
    REQUIRE(stats.operations.size() == 3);
    CHECK(stats.bytes[0].operation == "Read");
    CHECK(stats.bytes[0].value == 4096);
    CHECK(stats.operations[1].operation == "Write");
    CHECK(stats.operations[1].value == 2);
    CHECK(parse_io_stat("").bytes.empty());
}

}  // namespace
