// config.json on this machine. What is translated into what: tests/golden.

#include "runtime/translation.h"

#include <algorithm>
#include <filesystem>

#include "base/error.h"
#include "base/strings.h"
#include "cgroup/layout.h"
#include "host/live_host.h"
#include "support/catch.h"
#include "unit/os/temp_dir.h"

namespace fs = std::filesystem;
using namespace lxcri;
using namespace lxcri::test;

namespace {

constexpr std::string_view kConfig = R"({
    "ociVersion": "1.3.0",
    "root": {"path": "rootfs"},
    "process": {"cwd": "/", "args": ["true"],
                "capabilities": {"bounding": ["CAP_UNKNOWN"]}},
    "mounts": [{"destination": "relative", "type": "tmpfs"}],
    "linux": {"namespaces": [{"type": "mount"}]}
})";

constexpr auto kToLookAt = runtime::Purpose::to_look_at;

class Bundle {
  public:
    Bundle() {
        options_.root = "/run/lxcri";
        options_.libexec_dir = "/usr/libexec/lxcri";
        options_.cgroup_driver = settings::CgroupDriver::disabled;
        call_.id = "c1";
        call_.bundle = temp_.path();
    }

    translate::Plan translate(runtime::Purpose purpose = runtime::Purpose::create) const {
        return runtime::translate_config(options_, call_, kConfig, purpose);
    }

    const TempDir& temp() const { return temp_; }
    settings::Options& options() { return options_; }
    runtime::CreateOptions& call() { return call_; }

  private:
    TempDir temp_;
    settings::Options options_;
    runtime::CreateOptions call_;
};

std::string item(const translate::Plan& plan, std::string_view key) {
    const auto& items = plan.start.items;
    const auto found = std::find_if(items.begin(), items.end(),
                                    [&](const auto& entry) { return entry.key == key; });
    return found == items.end() ? "missing" : found->value;
}

}  // namespace

TEST_CASE("the root filesystem is looked up from the bundle, without links") {
    const Bundle bundle;
    fs::create_directories(bundle.temp() / "images/one");
    fs::create_directory_symlink("images/one", bundle.temp() / "rootfs");
    const auto real = fs::canonical(bundle.temp() / "images/one").string();
    const auto plan = bundle.translate();
    CHECK(plan.host.rootfs == real);
    CHECK(item(plan, "lxc.rootfs.path") == "dir:" + real);
}

TEST_CASE("a root filesystem that is missing, or is none") {
    const Bundle bundle;
    const auto path = (bundle.temp() / "rootfs").string();
    CHECK_THROWS_WITH(bundle.translate(),
                      concat("/root/path: \"", path, "\": no such file or directory"));
    CHECK_THROWS_AS(bundle.translate(), SpecError);
    CHECK(bundle.translate(kToLookAt).host.rootfs == path);
    put_file(bundle.temp() / "rootfs", "a file");
    CHECK_THROWS_WITH(bundle.translate(), concat("/root/path: \"", path, "\": not a directory"));
}

TEST_CASE("warnings of validation and translation come together") {
    const Bundle bundle;
    CHECK(bundle.translate(kToLookAt).warnings ==
          std::vector<std::string>{
              "/process/capabilities/bounding/0: unknown capability \"CAP_UNKNOWN\" is left out",
              "/mounts/0/destination: \"relative\" is relative, taken from /"});
}

TEST_CASE("the options of the call reach the plan") {
    Bundle bundle;
    bundle.options().open_stdio = 5;
    bundle.call().new_keyring = false;
    bundle.call().preserve_fds = 2;
    bundle.call().listen_fds = 1;
    bundle.call().listen_fdnames = "web";
    const auto plan = bundle.translate(kToLookAt);
    CHECK(plan.start.id == "c1");
    CHECK(plan.start.runtime_root == "/run/lxcri");
    CHECK(plan.init.process.session_keyring.empty());
    CHECK(plan.init.process.preserved_fds == 3);
    CHECK(plan.init.process.open_stdio == 5);
    CHECK(plan.init.added_env ==
          std::vector<std::string>{"LISTEN_FDS=1", "LISTEN_PID=1", "LISTEN_FDNAMES=web"});
    CHECK_FALSE(plan.start.keep_monitor);
}

TEST_CASE("the monitor is kept when asked for") {
    Bundle bundle;
    bundle.options().monitor = settings::MonitorMode::keep;
    const auto plan = bundle.translate(kToLookAt);
    CHECK(plan.start.keep_monitor);
    CHECK(item(plan, "lxc.hook.post-stop") == "/usr/libexec/lxcri/lxcri-hook");
}

TEST_CASE("liblxc tells everything only when asked") {
    Bundle bundle;
    CHECK(item(bundle.translate(kToLookAt), "lxc.log.level") == "ERROR");
    bundle.options().lxc_debug_log = true;
    CHECK(item(bundle.translate(kToLookAt), "lxc.log.level") == "TRACE");
}

TEST_CASE("a container without a cgroup shows that of the runtime") {
    Bundle bundle;
    const auto plan = bundle.translate(kToLookAt);
    CHECK(plan.host.cgroup.layout.hierarchies.empty());
    CHECK(plan.host.cgroup.path.empty());
    auto host = host::look_at_host(bundle.options(), cgroup::read_layout());
    host::look_at_cgroup("", host);
    for (const auto& hierarchy : host.cgroups) {
        // Not the ID alone: the cgroup that we are in may have any name.
        CHECK(hierarchy.directory.find("lxcri-c1") == std::string::npos);
        CHECK(hierarchy.directory.starts_with(hierarchy.mount_point));
    }
}

TEST_CASE("the capabilities of this machine") {
    Bundle bundle;
    const auto host = host::look_at_host(bundle.options(), {});
    CHECK(host.last_capability >= 37);  // Linux 3.16
    CHECK(host.last_capability < 64);
    // None beyond the last.
    CHECK((host.last_capability == 63 ||
           (host.bounding_capabilities >> (host.last_capability + 1)) == 0));
}

TEST_CASE("what is switched off is not in the plan, and a warning") {
    Bundle bundle;
    bundle.options().capabilities = false;
    bundle.options().cgroup_devices = false;
    bundle.options().cgroup_driver = settings::CgroupDriver::cgroupfs;
    const auto plan = bundle.translate(kToLookAt);
    const auto host = host::look_at_host(bundle.options(), {});
    CHECK(plan.init.process.capabilities.permitted ==
          (host.bounding_capabilities & ((std::uint64_t{1} << 41U) - 1)));
    REQUIRE(plan.host.cgroup.resources);
    const auto has = [&](const char* warning) {
        return std::count(plan.warnings.begin(), plan.warnings.end(), warning) == 1;
    };
    CHECK(has("/process/capabilities: not applied, capabilities is false"));
    CHECK(has("/linux/resources/devices: not applied, cgroupDevices is false"));
}
