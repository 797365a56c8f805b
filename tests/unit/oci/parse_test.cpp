// Every property of the specification arrives in its field: tests/specs/every-property.json.

#include "oci/parse.h"

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/error.h"
#include "oci/properties.h"
#include "support/catch.h"

using namespace lxcri;
using namespace lxcri::oci;
using nlohmann::json;
using Strings = std::vector<std::string>;

namespace {

std::string every_property() {
    std::ifstream file(LXCRI_TEST_DATA "/specs/every-property.json");
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

// The row's path in that document: "*" becomes the first element or member.
std::string first_pointer(const json& document, std::string_view path) {
    const json* value = &document;
    std::string pointer;
    std::istringstream parts{std::string(path.substr(1))};
    for (std::string part; std::getline(parts, part, '/');) {
        if (part == "*") part = value->is_array() ? "0" : value->items().begin().key();
        pointer += "/" + part;
        value = &document.at(json::json_pointer(pointer));
    }
    return pointer;
}

}  // namespace

TEST_CASE("no property of the table is left unread") {
    const auto document = json::parse(every_property());
    for (const auto& property : properties()) {
        INFO(property.path);
        if (property.by == "of another platform") continue;
        const auto pointer = first_pointer(document, property.path);
        // Nothing takes a fraction.
        auto changed = document;
        changed[json::json_pointer(pointer)] = 1.5;
        try {
            parse_spec(changed.dump());
            FAIL_CHECK("not read");
        } catch (const SpecError& error) {
            CHECK(error.pointer() == pointer);
            CHECK_THAT(error.what(), Catch::Contains("got 1.5"));
        }
        // And null is either the same as absent, or in a list not possible.
        changed[json::json_pointer(pointer)] = nullptr;
        try {
            parse_spec(changed.dump());
        } catch (const SpecError& error) {
            CHECK(error.pointer() == pointer);
        }
    }
}

TEST_CASE("top level, root, mounts, hooks") {
    const auto spec = parse_spec(every_property());
    CHECK(spec.oci_version == "1.3.0");
    CHECK(spec.root.path == "rootfs");
    CHECK(spec.root.readonly);
    CHECK(spec.hostname == "host");
    CHECK(spec.domainname == "domain");
    CHECK(spec.annotations == std::map<std::string, std::string>{{"com.example.key", "value"}});
    REQUIRE(spec.mounts.size() == 1);
    const auto& mount = spec.mounts[0];
    CHECK(mount.destination == "/data");
    CHECK(mount.type == "none");
    CHECK(mount.source == "/srv");
    CHECK(mount.options == Strings{"rbind", "ro"});
    REQUIRE(mount.uid_mappings.size() == 1);
    CHECK(mount.uid_mappings[0].container_id == 0);
    CHECK(mount.uid_mappings[0].host_id == 1000);
    CHECK(mount.uid_mappings[0].size == 65536);
    CHECK(mount.gid_mappings.at(0).host_id == 2000);
    const auto check_hook = [](const std::vector<Hook>& hooks, const std::string& name) {
        REQUIRE(hooks.size() == 1);
        CHECK(hooks[0].path == "/hooks/" + name);
        CHECK(hooks[0].args == Strings{name, "a"});
        CHECK(hooks[0].env == Strings{"K=" + name});
        CHECK(hooks[0].timeout == 5);
    };
    check_hook(spec.hooks.prestart, "prestart");
    check_hook(spec.hooks.create_runtime, "createRuntime");
    check_hook(spec.hooks.create_container, "createContainer");
    check_hook(spec.hooks.start_container, "startContainer");
    check_hook(spec.hooks.poststart, "poststart");
    check_hook(spec.hooks.poststop, "poststop");
}

TEST_CASE("process") {
    const auto process = parse_spec(every_property()).process.value();
    CHECK(process.terminal);
    CHECK(process.console_size->height == 25);
    CHECK(process.console_size->width == 80);
    CHECK(process.cwd == "/work");
    CHECK(process.env == Strings{"PATH=/bin", "TERM=xterm"});
    CHECK(process.args == Strings{"sh", "-c", "true"});
    CHECK(process.user.uid == 1);
    CHECK(process.user.gid == 2);
    CHECK(process.user.umask == 022);
    CHECK(process.user.additional_gids == std::vector<std::uint32_t>{3, 4});
    CHECK(process.capabilities->bounding == Strings{"CAP_CHOWN"});
    CHECK(process.capabilities->permitted == Strings{"CAP_FOWNER"});
    CHECK(process.capabilities->effective == Strings{"CAP_FSETID"});
    CHECK(process.capabilities->inheritable == Strings{"CAP_KILL"});
    CHECK(process.capabilities->ambient == Strings{"CAP_SETUID"});
    REQUIRE(process.rlimits.size() == 1);
    CHECK(process.rlimits[0].type == RlimitType::nofile);
    CHECK(process.rlimits[0].soft == 1024);
    CHECK(process.rlimits[0].hard == 4096);
    CHECK(process.no_new_privileges);
    CHECK(process.apparmor_profile == "profile");
    CHECK(process.selinux_label == "label");
    CHECK(process.oom_score_adj == -5);
    CHECK(process.scheduler->policy == SchedulerPolicy::deadline);
    CHECK(process.scheduler->nice == 1);
    CHECK(process.scheduler->priority == 0);
    CHECK(process.scheduler->flags == std::vector{SchedulerFlag::reclaim});
    CHECK(process.scheduler->runtime == 10U);
    CHECK(process.scheduler->deadline == 20U);
    CHECK(process.scheduler->period == 30U);
    CHECK(process.io_priority->class_ == IoPriorityClass::realtime);
    CHECK(process.io_priority->priority == 4);
    CHECK(process.exec_cpu_affinity->initial == "0-1");
    CHECK(process.exec_cpu_affinity->final == "2");
}

TEST_CASE("linux") {
    const auto section = parse_spec(every_property()).linux_.value();
    REQUIRE(section.namespaces.size() == 8);
    CHECK(section.namespaces[0].type == NamespaceType::pid);
    CHECK(section.namespaces[7].type == NamespaceType::time);
    CHECK(section.namespaces[0].path == "/run/ns/pid");
    CHECK_FALSE(section.namespaces[1].path);
    CHECK(section.uid_mappings.at(0).host_id == 100000);
    CHECK(section.gid_mappings.at(0).host_id == 200000);
    CHECK(section.time_offsets.boottime->secs == -1);
    CHECK(section.time_offsets.boottime->nanosecs == 2);
    CHECK(section.time_offsets.monotonic->secs == 3);
    CHECK(section.time_offsets.monotonic->nanosecs == 4);
    REQUIRE(section.devices.size() == 1);
    CHECK(section.devices[0].type == DeviceType::character);
    CHECK(section.devices[0].path == "/dev/fuse");
    CHECK(section.devices[0].major == 10);
    CHECK(section.devices[0].minor == 229);
    CHECK(section.devices[0].file_mode == 0660U);
    CHECK(section.devices[0].uid == 5U);
    CHECK(section.devices[0].gid == 6U);
    CHECK(section.net_devices.at("eth0").name == "inside0");
    CHECK(section.cgroups_path == "/group/c1");
    CHECK(section.sysctl.at("net.ipv4.ip_forward") == "1");
    CHECK(section.rootfs_propagation == Propagation::slave);
    CHECK(section.masked_paths == Strings{"/proc/kcore"});
    CHECK(section.readonly_paths == Strings{"/proc/sys"});
    CHECK(section.mount_label == "mount label");
    CHECK(section.intel_rdt->clos_id == "class");
    CHECK(section.intel_rdt->schemata == Strings{"L3:0=f"});
    CHECK(section.intel_rdt->l3_cache_schema == "L3:0=ff");
    CHECK(section.intel_rdt->mem_bw_schema == "MB:0=20");
    CHECK(section.intel_rdt->enable_monitoring);
    CHECK(section.memory_policy->mode == MemoryPolicyMode::bind);
    CHECK(section.memory_policy->nodes == "0-1");
    CHECK(section.memory_policy->flags == std::vector{MemoryPolicyFlag::static_nodes});
    CHECK(section.personality->domain == PersonalityDomain::linux32);
    CHECK(section.personality->flags == Strings{"NONE_DEFINED"});
}

TEST_CASE("resources") {
    const auto resources = parse_spec(every_property()).linux_->resources.value();
    REQUIRE(resources.devices.size() == 1);
    CHECK(resources.devices[0].allow);
    CHECK(resources.devices[0].type == DeviceRuleType::character);
    CHECK(resources.devices[0].major == 10);
    CHECK(resources.devices[0].minor == 229);
    CHECK(resources.devices[0].access == "rw");
    CHECK(resources.memory.limit == 1000);
    CHECK(resources.memory.reservation == 900);
    CHECK(resources.memory.swap == 2000);
    CHECK(resources.memory.kernel == -1);
    CHECK(resources.memory.kernel_tcp == -1);
    CHECK(resources.memory.swappiness == 50U);
    CHECK(resources.memory.disable_oom_killer == true);
    CHECK(resources.memory.use_hierarchy == true);
    CHECK(resources.memory.check_before_update == true);
    CHECK(resources.cpu.shares == 1024U);
    CHECK(resources.cpu.quota == 50000);
    CHECK(resources.cpu.burst == 1000U);
    CHECK(resources.cpu.period == 100000U);
    CHECK(resources.cpu.realtime_runtime == 7);
    CHECK(resources.cpu.realtime_period == 8U);
    CHECK(resources.cpu.cpus == "0-3");
    CHECK(resources.cpu.mems == "0");
    CHECK(resources.cpu.idle == 1);
    CHECK(resources.pids.limit == 99);
    CHECK(resources.block_io.weight == 100U);
    CHECK(resources.block_io.leaf_weight == 200U);
    CHECK(resources.block_io.weight_device.at(0).weight == 300U);
    CHECK(resources.block_io.weight_device.at(0).leaf_weight == 400U);
    CHECK(resources.block_io.throttle_read_bps_device.at(0).major == 8);
    CHECK(resources.block_io.throttle_read_bps_device.at(0).minor == 16);
    CHECK(resources.block_io.throttle_read_bps_device.at(0).rate == 1);
    CHECK(resources.block_io.throttle_write_bps_device.at(0).rate == 2);
    CHECK(resources.block_io.throttle_read_iops_device.at(0).rate == 3);
    CHECK(resources.block_io.throttle_write_iops_device.at(0).rate == 4);
    CHECK(resources.hugepage_limits.at(0).page_size == "2MB");
    CHECK(resources.hugepage_limits.at(0).limit == 123);
    CHECK(resources.network.class_id == 17U);
    CHECK(resources.network.priorities.at(0).name == "eth0");
    CHECK(resources.network.priorities.at(0).priority == 9);
    CHECK(resources.rdma.at("mlx5_1").hca_handles == 3U);
    CHECK(resources.rdma.at("mlx5_1").hca_objects == 10000U);
    CHECK(resources.unified.at("memory.high") == "500");
}

TEST_CASE("seccomp") {
    const auto seccomp = parse_spec(every_property()).linux_->seccomp.value();
    CHECK(seccomp.default_action == SeccompAction::error);
    CHECK(seccomp.default_errno_ret == 38U);
    CHECK(seccomp.architectures == std::vector{SeccompArch::x86_64, SeccompArch::x32});
    CHECK(seccomp.flags == std::vector{SeccompFlag::log});
    CHECK(seccomp.listener_path == "/run/listener");
    CHECK(seccomp.listener_metadata == "metadata");
    REQUIRE(seccomp.syscalls.size() == 1);
    CHECK(seccomp.syscalls[0].names == Strings{"personality"});
    CHECK(seccomp.syscalls[0].action == SeccompAction::trace);
    CHECK(seccomp.syscalls[0].errno_ret == 7U);
    REQUIRE(seccomp.syscalls[0].args.size() == 1);
    CHECK(seccomp.syscalls[0].args[0].index == 1);
    CHECK(seccomp.syscalls[0].args[0].value == 18446744073709551615U);
    CHECK(seccomp.syscalls[0].args[0].value_two == 6);
    CHECK(seccomp.syscalls[0].args[0].op == SeccompOperator::masked_eq);
}

TEST_CASE("documents of exec and update") {
    const auto document = json::parse(every_property());
    std::vector<std::string> unknown;
    const auto process = parse_process(document["process"].dump());
    CHECK(process.args.size() == 3);
    const auto resources = parse_resources(document["linux"]["resources"].dump(), &unknown);
    CHECK(unknown.empty());
    CHECK(resources.pids.limit == 99);
    CHECK_THROWS_AS(parse_resources("[]"), SpecError);
}

TEST_CASE("the document of update: unknown properties that ask for something") {
    const auto unknown = [](const char* text) {
        std::vector<std::string> pointers;
        (void)parse_resources(text, &pointers);
        return pointers;
    };
    using Pointers = std::vector<std::string>;
    CHECK(unknown(R"({"memory": {"limitt": 1, "limit": 2}})") == Pointers{"/memory/limitt"});
    CHECK(unknown(R"({"nosuch": {"a": 1}})") == Pointers{"/nosuch"});
    CHECK(unknown(R"({"devices": [{"allow": true, "access": "r"}, {"allow": true, "x": 1}]})") ==
          Pointers{"/devices/1/x"});
    CHECK(unknown(R"({"rdma": {"mlx": {"hcaHandles": 1, "other": 2}}})") ==
          Pointers{"/rdma/mlx/other"});
    CHECK(unknown(R"({"unified": {"anything.at.all": "1"}})").empty());
    CHECK(unknown(R"({"nosuch": {"a": 0, "b": ""}, "memory": {"x": null}})").empty());
}

TEST_CASE("the page size of a limit by its old name") {
    std::vector<std::string> unknown;
    const auto resources = parse_resources(
        R"({"hugepageLimits": [{"pagesize": "2MB", "limit": 5}, {"pageSize": "1GB", "limit": 6}]})",
        &unknown);
    CHECK(unknown.empty());
    REQUIRE(resources.hugepage_limits.size() == 2);
    CHECK(resources.hugepage_limits[0].page_size == "2MB");
    CHECK(resources.hugepage_limits[1].page_size == "1GB");
    CHECK_THROWS_WITH(parse_resources(R"({"hugepageLimits": [{"limit": 5}]})"),
                      Catch::Contains("/hugepageLimits/0/pageSize"));
}
