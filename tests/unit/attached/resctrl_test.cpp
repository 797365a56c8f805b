// config-linux.md "IntelRdt", on a tree that behaves as the kernel's in what matters.
#include "attached/resctrl.h"

#include <fcntl.h>

#include <filesystem>

#include "base/error.h"
#include "os/file.h"
#include "support/catch.h"
#include "unit/os/temp_dir.h"

namespace fs = std::filesystem;
using namespace lxcri;
using namespace lxcri::test;
using attached::Resctrl;
using attached::ResctrlRecord;
using oci::IntelRdt;

namespace {

constexpr const char* kSchemata = "    L3:0=07ff;1=7ff\n    MB:0=100;1=100\n";

void fill_group(const fs::path& group) {
    put_file(group / "tasks", "");
    put_file(group / "schemata", kSchemata);
    fs::create_directories(group / "mon_groups");
}

// The kernel fills a new directory; here the test must.
class FakeResctrl : public Resctrl {
  public:
    explicit FakeResctrl(const fs::path& root)
        : Resctrl(os::open_at(AT_FDCWD, root, O_RDONLY | O_DIRECTORY)) {}

    bool is_full = false;

  protected:
    void make_directory(int parent_fd, const std::string& name) override {
        if (is_full) throw Error("no space left on device");
        Resctrl::make_directory(parent_fd, name);
        fill_group(fs::path("/proc/self/fd") / std::to_string(parent_fd) / name);
    }
};

struct Tree {
    Tree() {
        fill_group(root());
        put_file(root() / "info/last_cmd_status", "ok\n");
        fill_group(root() / "there");
    }
    fs::path root() const { return temp.path() / "resctrl"; }
    std::string file(const std::string& name) const { return content_of(root() / name); }
    bool has(const std::string& name) const { return fs::exists(root() / name); }

    TempDir temp;
};

ResctrlRecord join(Resctrl& resctrl, const IntelRdt& rdt, const std::string& id = "c1") {
    const auto record = resctrl.plan(rdt, id);
    resctrl.make(record, rdt);
    resctrl.add_process(record, 42);
    return record;
}

IntelRdt rdt_of(const std::optional<std::string>& clos_id) {
    IntelRdt rdt;
    rdt.clos_id = clos_id;
    return rdt;
}

template <class Action>
std::string refusal(Action&& action) {
    try {
        action();
    } catch (const Error& error) {
        return error.what();
    }
    return "";
}

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("resctrl: without a closID the group has the container's ID, and goes with it") {
    const Tree tree;
    FakeResctrl resctrl(tree.root());
    IntelRdt rdt = rdt_of({});
    rdt.schemata = {"L2:0=f"};
    rdt.mem_bw_schema = "MB:0=20;1=70";
    rdt.l3_cache_schema = "L3:0=7f0;1=1f";
    const auto record = join(resctrl, rdt);
    CHECK(record.made);
    CHECK(tree.file("c1/tasks") == "42");
    // L3 first, then MB, then schemata; in one write.
    CHECK(tree.file("c1/schemata").starts_with("L3:0=7f0;1=1f\nMB:0=20;1=70\nL2:0=f\n"));
    // A real one goes with a single rmdir(2).
    fs::remove_all(tree.root() / "c1");
    fs::create_directory(tree.root() / "c1");
    resctrl.remove(record);
    CHECK(!tree.has("c1"));
    CHECK_NOTHROW(resctrl.remove(record));
}

TEST_CASE("resctrl: without any schemata nothing is written to them") {
    const Tree tree;
    FakeResctrl resctrl(tree.root());
    SECTION("a new group") {
        join(resctrl, rdt_of({}));
        CHECK(tree.file("c1/schemata") == kSchemata);
        CHECK(tree.file("c1/tasks") == "42");
    }
    SECTION("one that is there") {
        const auto record = join(resctrl, rdt_of("there"));
        CHECK(tree.file("there/schemata") == kSchemata);
        CHECK(tree.file("there/tasks") == "42");
        resctrl.remove(record);
        CHECK(tree.has("there"));
    }
    SECTION("the default one") {
        const auto record = join(resctrl, rdt_of("/"));
        CHECK(tree.file("schemata") == kSchemata);
        CHECK(tree.file("tasks") == "42");
        resctrl.remove(record);
        CHECK(tree.has("tasks"));
    }
}

TEST_CASE("resctrl: a closID that does not exist") {
    const Tree tree;
    FakeResctrl resctrl(tree.root());
    IntelRdt rdt = rdt_of("new");
    SECTION("without schemata is an error") {
        CHECK(contains(refusal([&] { resctrl.plan(rdt, "c1"); }),
                       "/linux/intelRdt/closID: the group \"new\" does not exist"));
        CHECK(!tree.has("new"));
    }
    SECTION("with schemata is made, and stays") {
        rdt.l3_cache_schema = "L3:0=f";
        const auto record = join(resctrl, rdt);
        CHECK(!record.made);
        CHECK(tree.file("new/schemata").starts_with("L3:0=f\n"));
        resctrl.remove(record);
        CHECK(tree.has("new"));
    }
    SECTION("a create that fails later takes away what it has made") {
        rdt.schemata = {"L3:0=f"};
        const auto made = resctrl.make(resctrl.plan(rdt, "c1"), rdt);
        CHECK(made.made);
        CHECK(!resctrl.make(resctrl.plan(rdt, "c1"), rdt).made);
    }
}

TEST_CASE("resctrl: what an existing group has must be what is asked for") {
    const Tree tree;
    FakeResctrl resctrl(tree.root());
    IntelRdt rdt = rdt_of("there");
    SECTION("the same, written in another way") {
        rdt.l3_cache_schema = "L3:0=7FF;1=7ff";
        rdt.mem_bw_schema = "MB:1=100";
        CHECK(refusal([&] { join(resctrl, rdt); }).empty());
        CHECK(tree.file("there/schemata") == kSchemata);
    }
    SECTION("another L3") {
        rdt.l3_cache_schema = "L3:0=7ff;1=1";
        CHECK(contains(refusal([&] { join(resctrl, rdt); }), "/linux/intelRdt/l3CacheSchema: "));
    }
    SECTION("another MB") {
        rdt.mem_bw_schema = "MB:0=10";
        CHECK(contains(refusal([&] { join(resctrl, rdt); }), "/linux/intelRdt/memBwSchema: "));
    }
    CHECK(tree.has("there"));
}

TEST_CASE("resctrl: update writes what is given") {
    const Tree tree;
    FakeResctrl resctrl(tree.root());
    const auto record = join(resctrl, rdt_of("there"));
    IntelRdt change;
    change.mem_bw_schema = "MB:0=50";
    const bool both = GENERATE(false, true);
    if (both) change.l3_cache_schema = "L3:0=f";
    resctrl.update(record, change);
    CHECK(tree.file("there/schemata").starts_with(both ? "L3:0=f\nMB:0=50\n" : "MB:0=50\n"));
}

TEST_CASE("resctrl: directories that are no groups") {
    const Tree tree;
    FakeResctrl resctrl(tree.root());
    fs::create_directory_symlink("there", tree.root() / "link");
    for (const char* name : {"info", "mon_groups", "link"}) {
        CAPTURE(name);
        CHECK(!refusal([&] { join(resctrl, rdt_of(name)); }).empty());
        CHECK(!refusal([&] { join(resctrl, rdt_of({}), name); }).empty());
        CHECK(tree.has(name));
    }
}

TEST_CASE("resctrl: monitoring") {
    const Tree tree;
    FakeResctrl resctrl(tree.root());
    IntelRdt rdt = rdt_of(GENERATE(as<std::string>(), "there", "/"));
    rdt.enable_monitoring = true;
    const std::string group = *rdt.clos_id == "/" ? "" : "there/";
    SECTION("has a group with the container's ID, which goes with it") {
        const auto record = join(resctrl, rdt);
        CHECK(tree.file(group + "tasks") == "42");
        CHECK(tree.file(group + "mon_groups/c1/tasks") == "42");
        fs::remove_all(tree.root() / (group + "mon_groups/c1"));
        fs::create_directory(tree.root() / (group + "mon_groups/c1"));
        resctrl.remove(record);
        CHECK(!tree.has(group + "mon_groups/c1"));
        CHECK(tree.has(group + "tasks"));
    }
    SECTION("an error when there cannot be one more") {
        resctrl.is_full = true;
        CHECK(contains(refusal([&] { join(resctrl, rdt); }), "/linux/intelRdt/enableMonitoring: "));
    }
    SECTION("an error when the group is there already") {
        fs::create_directories(tree.root() / (group + "mon_groups/c1"));
        CHECK(contains(refusal([&] { join(resctrl, rdt); }), "/linux/intelRdt/enableMonitoring: "));
        CHECK(tree.has(group + "mon_groups/c1"));
    }
}

TEST_CASE("resctrl: the kernel's own words are part of the error") {
    const Tree tree;
    FakeResctrl resctrl(tree.root());
    put_file(tree.root() / "info/last_cmd_status", "Mask f00 is not possible\n");
    fs::remove(tree.root() / "there/schemata");
    fs::create_directory(tree.root() / "there/schemata");  // writing fails
    IntelRdt rdt = rdt_of("there");
    rdt.schemata = {"L3:0=f00"};
    const std::string error = refusal([&] { join(resctrl, rdt); });
    CHECK(contains(error, "/linux/intelRdt: "));
    CHECK(contains(error, "Mask f00 is not possible"));
}

TEST_CASE("resctrl: schemata are compared by value") {
    using attached::schema_matches;
    CHECK(schema_matches("L3:0=f", "L3:0=f;1=f\n"));
    CHECK(schema_matches("L3:1=0F;0=f", "  L3:0=f;1=f\n"));
    CHECK(schema_matches("MB:0=10", "L3:0=f\nMB:0= 10;1=20\n"));
    CHECK(!schema_matches("L3:0=f", "L3:0=ff\n"));
    CHECK(!schema_matches("L3:2=f", "L3:0=f;1=f\n"));
    CHECK(!schema_matches("L3:0=f", "L3CODE:0=f\n"));
    CHECK(!schema_matches("L3:", "L3:0=f\n"));
    CHECK(!schema_matches("", "L3:0=f\n"));
    CHECK(!schema_matches("nonsense", "L3:0=f\n"));
}
