#include "runtime/record.h"

#include <fcntl.h>

#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "base/strings.h"
#include "host/owner.h"
#include "os/file.h"
#include "runtime/new_container.h"
#include "support/catch.h"
#include "unit/os/temp_dir.h"

using namespace lxcri;
using namespace lxcri::test;
using nlohmann::json;
using runtime::Record;

namespace {

Record full_record() {
    Record record;
    record.id = "c1";
    record.oci_version = "1.3.0";
    record.bundle = "/bundle";
    record.rootfs = "/bundle/rootfs";
    record.created = "2024-02-29T23:59:59Z";
    record.owner = "root";
    record.annotations = {{"a", "1"}, {"", "\n\"\\"}, {"größe", "\x01"}};
    record.pid = std::numeric_limits<int>::max();
    record.start_time = std::numeric_limits<std::uint64_t>::max();
    record.monitor_pid = 7;
    record.monitor_start_time = 8;
    record.supervisor_pid = 9;
    record.supervisor_start_time = 10;
    record.own_pid_namespace = false;
    record.owns_cgroup = true;
    record.needs_plan = false;
    record.unit = "lxcri-c1.scope";
    record.resctrl = {"class", true, "c1"};
    record.root_mount = {std::numeric_limits<std::uint64_t>::max(), "/proc/1/ns/mnt"};
    record.cgroup.directories = {
        {2, {}, "/sys/fs/cgroup", "/sys/fs/cgroup/c1", std::numeric_limits<std::uint64_t>::max()},
        {1, {"cpu", "cpuacct"}, "/sys/fs/cgroup/cpu", "/sys/fs/cgroup/cpu/a b", 0}};
    record.setup_cgroup.directories = {{2, {}, "/sys/fs/cgroup", "/sys/fs/cgroup/c1-setup", 3}};
    record.mounts = {{"/data", "bind", "/srv/data", {"rbind", "ro"}, {7, 8, 9, true}}};
    runtime::PluggedDevice device;
    device.node.path = "/dev/new";
    device.node.type = handoff::NodeType::block;
    device.node.major = 1;
    device.node.minor = 2;
    device.access = "rw";
    device.place = {1, 2, 3, false};
    record.devices = {device};
    record.device_rules = {{true, oci::DeviceRuleType::character, {}, 3, "rwm"}};
    return record;
}

struct Dir {
    TempDir temp;
    os::UniqueFd fd{os::open_at(AT_FDCWD, temp.path(), O_RDONLY | O_DIRECTORY)};

    void put(std::string_view text) const { put_file(temp / "state.json", text); }
    std::string text() const { return content_of(temp / "state.json"); }
};

}  // namespace

TEST_CASE("a record comes back as it was written") {
    const Dir dir;
    const auto written = full_record();
    runtime::write_record(dir.fd.get(), written);
    const auto found = runtime::find_record(dir.fd.get());
    REQUIRE(found);
    CHECK(found->id == written.id);
    CHECK(found->oci_version == written.oci_version);
    CHECK(found->bundle == written.bundle);
    CHECK(found->rootfs == written.rootfs);
    CHECK(found->created == written.created);
    CHECK(found->owner == written.owner);
    CHECK(found->annotations == written.annotations);
    CHECK(found->pid == written.pid);
    CHECK(found->start_time == written.start_time);
    CHECK(found->monitor_pid == written.monitor_pid);
    CHECK(found->monitor_start_time == written.monitor_start_time);
    CHECK(found->supervisor_pid == written.supervisor_pid);
    CHECK(found->supervisor_start_time == written.supervisor_start_time);
    CHECK(found->own_pid_namespace == written.own_pid_namespace);
    CHECK(found->owns_cgroup == written.owns_cgroup);
    CHECK(found->needs_plan == written.needs_plan);
    CHECK(found->root_mount.id == written.root_mount.id);
    CHECK(found->root_mount.mount_namespace == written.root_mount.mount_namespace);
    CHECK(found->resctrl.group == written.resctrl.group);
    CHECK(found->resctrl.made == written.resctrl.made);
    CHECK(found->resctrl.monitor == written.resctrl.monitor);
    REQUIRE(found->cgroup.directories.size() == 2);
    for (std::size_t i = 0; i < 2; ++i) {
        const auto& left = written.cgroup.directories[i];
        const auto& right = found->cgroup.directories[i];
        CHECK(left.version == right.version);
        CHECK(left.controllers == right.controllers);
        CHECK(left.mount_point == right.mount_point);
        CHECK(left.path == right.path);
        CHECK(left.inode == right.inode);
    }
    REQUIRE(found->setup_cgroup.directories.size() == 1);
    CHECK(found->setup_cgroup.directories[0].path == "/sys/fs/cgroup/c1-setup");
}

TEST_CASE("no field of a record is lost") {
    // Written again, what was found is the same text: so whatever is written is read, too.
    const Dir dir;
    runtime::write_record(dir.fd.get(), full_record());
    const auto text = dir.text();
    runtime::write_record(dir.fd.get(), *runtime::find_record(dir.fd.get()));
    CHECK(dir.text() == text);
    // And each member matters: with another value the record is another one.
    const Record empty;
    runtime::write_record(dir.fd.get(), empty);
    const auto left = json::parse(text);
    const auto right = json::parse(dir.text());
    for (const auto& [name, value] : left.items()) {
        INFO(name);
        CHECK(value != right.value(name, json()));
    }
}

TEST_CASE("a record is only for its owner") {
    const Dir dir;
    runtime::write_record(dir.fd.get(), full_record());
    CHECK(static_cast<unsigned>(std::filesystem::status(dir.temp / "state.json").permissions()) ==
          0600);
    CHECK(tree_of(dir.temp.path()) == std::vector<std::string>{"state.json"});
}

TEST_CASE("there is no record") {
    const Dir dir;
    CHECK_FALSE(runtime::find_record(dir.fd.get()));
}

TEST_CASE("a path that is no UTF-8 does not stop a record") {
    const Dir dir;
    auto record = full_record();
    record.bundle = "/bundle/\xff\xfe";
    CHECK_NOTHROW(runtime::write_record(dir.fd.get(), record));
    CHECK(runtime::find_record(dir.fd.get())->id == "c1");
}

TEST_CASE("a damaged record says so, in one line") {
    const Dir dir;
    runtime::write_record(dir.fd.get(), full_record());
    const auto text = dir.text();
    for (std::size_t length = 0; length < text.size(); ++length) {
        INFO(length);
        dir.put(text.substr(0, length));
        CHECK_THROWS_WITH(runtime::find_record(dir.fd.get()),
                          Catch::StartsWith("state.json is damaged: ") && !Catch::Contains("\n"));
    }
}

TEST_CASE("a record in which something is missing or of another type") {
    const Dir dir;
    runtime::write_record(dir.fd.get(), full_record());
    const auto whole = json::parse(dir.text());
    for (const auto& [name, value] : whole.items()) {
        INFO(name);
        auto without = whole;
        without.erase(name);
        dir.put(without.dump());
        // Those that came later may be missing.
        static const std::set<std::string> younger{"unit",        "setupCgroup", "resctrl",
                                                   "rootMount",   "mounts",      "devices",
                                                   "deviceRules", "needsPlan",   "supervisor"};
        if (!younger.contains(name)) CHECK_THROWS_AS(runtime::find_record(dir.fd.get()), Error);
        auto other = whole;
        other[name] = value.is_string() ? json(5) : json("text");
        dir.put(other.dump());
        CHECK_THROWS_AS(runtime::find_record(dir.fd.get()), Error);
    }
}

TEST_CASE("the owner is a name, or the number of a user without one") {
    CHECK(host::owner_name(0) == "root");
    CHECK(host::owner_name(4000000000U) == "4000000000");
}

TEST_CASE("a record of a version that knew less is read") {
    const Dir dir;
    runtime::write_record(dir.fd.get(), full_record());
    auto document = json::parse(dir.text());
    document.erase("unit");
    document.erase("setupCgroup");
    document.erase("needsPlan");
    dir.put(document.dump());
    const auto found = runtime::find_record(dir.fd.get());
    REQUIRE(found);
    CHECK(found->pid == full_record().pid);
    CHECK(found->unit.empty());
    CHECK(found->setup_cgroup.directories.empty());
    CHECK(found->needs_plan);
}

TEST_CASE("a record says whether start and delete have something to do that only the plan tells") {
    translate::Plan plan;
    CHECK(runtime::first_record(plan).needs_plan);  // no process
    plan.init.has_process = true;
    CHECK_FALSE(runtime::first_record(plan).needs_plan);
    plan.host.poststart.emplace_back();
    CHECK(runtime::first_record(plan).needs_plan);
    plan.host.poststart.clear();
    plan.host.poststop.emplace_back();
    CHECK(runtime::first_record(plan).needs_plan);
}
