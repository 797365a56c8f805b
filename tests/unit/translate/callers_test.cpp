// What real callers wrote is translated: tests/specs/callers, on the machine of the golden cases.
// What is not supported yet, and every warning, is in tests/golden/callers.txt.

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/strings.h"
#include "golden_files.h"
#include "golden_host.h"
#include "handoff/codec.h"
#include "oci/parse.h"
#include "oci/validate.h"
#include "support/catch.h"
#include "translate/plan.h"

namespace fs = std::filesystem;
using namespace lxcri;
using namespace lxcri::test;

namespace {

struct Caller {
    std::string name;
    oci::Spec spec;
    translate::Plan plan;
    std::string refusal;  // then there is no plan
};

Caller translate_one(const fs::path& path, const translate::Host& host) {
    Caller caller;
    caller.name = path.filename();
    caller.spec = oci::parse_spec(read_text(path));
    const auto warnings = oci::validate(caller.spec);
    try {
        caller.plan = translate::translate(caller.spec, host);
        auto& all = caller.plan.warnings;
        all.insert(all.begin(), warnings.begin(), warnings.end());
    } catch (const SpecError& error) {
        // The only reason that a document of everyday use may have.
        CHECK_THAT(error.what(), Catch::Contains(": not supported yet: "));
        caller.refusal = error.what();
    }
    return caller;
}

std::vector<Caller> translate_all() {
    const auto host = host_from(nlohmann::json::parse(read_text(kGolden / "host.json")));
    std::vector<Caller> callers;
    for (const auto& entry : fs::directory_iterator(kData / "specs/callers")) {
        if (entry.path().filename().string().starts_with("process-")) continue;
        INFO(entry.path().filename());
        callers.push_back(translate_one(entry.path(), host));
    }
    std::sort(callers.begin(), callers.end(),
              [](const Caller& left, const Caller& right) { return left.name < right.name; });
    return callers;
}

// Those that have a plan: all but a few.
std::vector<Caller> translated() {
    auto callers = translate_all();
    std::erase_if(callers, [](const Caller& caller) { return !caller.refusal.empty(); });
    REQUIRE(callers.size() > 40);
    return callers;
}

// A plan that has been sent and received is the same plan.
template <class T>
T sent(const T& plan) {
    return handoff::decode<T>(handoff::encode(plan));
}

}  // namespace

TEST_CASE("what is not supported of the callers' documents", "[golden]") {
    std::string text;
    for (const auto& caller : translate_all()) {
        text += caller.name + "\n";
        if (!caller.refusal.empty()) text += concat("  ", caller.refusal, "\n");
        for (const auto& warning : caller.plan.warnings) text += concat("  ", warning, "\n");
    }
    check_golden(kGolden / "callers.txt", text);
}

TEST_CASE("nothing of the callers' documents is lost in translation", "[golden]") {
    for (const auto& [name, spec, plan, refusal] : translated()) {
        INFO(name);
        const auto& hook = plan.hook;
        for (std::size_t i = 0; i < spec.mounts.size(); ++i) {
            INFO("mount " << i);
            CHECK(std::count_if(hook.mounts.begin(), hook.mounts.end(), [&](const auto& action) {
                      return action.pointer == concat("/mounts/", std::to_string(i));
                  }) >= 1);
        }
        for (const auto& device : spec.linux_->devices) {
            INFO(device.path);
            CHECK(std::count_if(hook.devices.begin(), hook.devices.end(), [&](const auto& node) {
                      return node.path == device.path;
                  }) == (device.path == "/dev/ptmx" ? 0 : 1));
        }
        CHECK(hook.masked_paths == spec.linux_->masked_paths);
        CHECK(hook.readonly_paths == spec.linux_->readonly_paths);
        CHECK(hook.sysctls.size() == spec.linux_->sysctl.size());
        CHECK(plan.init.process.args == spec.process->args);
        CHECK(plan.init.process.cwd == spec.process->cwd);
        CHECK(plan.init.readonly_root == spec.root.readonly);
        CHECK(plan.host.limits.rlimits.size() == spec.process->rlimits.size());
        CHECK(plan.host.prestart.size() == spec.hooks.prestart.size());

        const auto& items = plan.start.items;
        const auto clone = std::find_if(items.begin(), items.end(), [](const auto& item) {
            return item.key == "lxc.namespace.clone";
        });
        REQUIRE(clone != items.end());
        CHECK(split(clone->value, ' ').size() + plan.start.shared_namespaces.size() ==
              spec.linux_->namespaces.size());
    }
}

TEST_CASE("the callers' plans survive the way to the helpers", "[golden]") {
    for (const auto& [name, spec, plan, refusal] : translated()) {
        INFO(name);
        translate::Plan received = plan;
        received.start = sent(plan.start);
        received.hook = sent(plan.hook);
        received.init = sent(plan.init);
        CHECK(line_diff(translate::plan_json(plan), translate::plan_json(received)).empty());
    }
}

TEST_CASE("the callers' liblxc configuration has one line for each item", "[golden]") {
    for (const auto& [name, spec, plan, refusal] : translated()) {
        INFO(name);
        const auto lines = split(translate::lxc_config_text(plan.start), '\n');
        REQUIRE(lines.size() == plan.start.items.size() + 1);
        CHECK(lines.back().empty());
        for (std::size_t i = 0; i + 1 < lines.size(); ++i) {
            CHECK(lines[i] == concat(plan.start.items[i].key, " = ", plan.start.items[i].value));
        }
    }
}
