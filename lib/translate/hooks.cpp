// Owns:  /hooks/*
// Emits: HostPlan::{prestart,create_runtime,poststart,poststop},
//        HookPlan::{runtime_hooks,create_container,state}, InitPlan::{start_container,state}
#include <string>

#include "base/strings.h"
#include "handoff/run_hooks.h"
#include "translate/translators.h"

namespace lxcri::translate {

using handoff::HookKind;

namespace {

handoff::StateTemplate make_template(oci::State state) {
    // A number that cannot occur otherwise marks the place of the pid.
    constexpr int kPlace = 2147483647;
    state.pid = kPlace;
    const std::string text = oci::to_json(state, oci::JsonStyle::one_line);
    constexpr std::string_view kKey = "\"pid\":";
    const std::string mark = concat(kKey, std::to_string(kPlace));
    const auto at = text.find(mark);
    if (at == std::string::npos) throw Error("internal error: the state document has no pid");
    return {text.substr(0, at + kKey.size()), text.substr(at + mark.size())};
}

std::vector<handoff::Hook> make_hooks(const std::vector<oci::Hook>& hooks, HookKind kind) {
    std::vector<handoff::Hook> result;
    for (std::size_t i = 0; i < hooks.size(); ++i) {
        handoff::Hook hook;
        hook.kind = kind;
        hook.index = static_cast<std::uint32_t>(i);
        hook.path = hooks[i].path;
        hook.args = hooks[i].args;
        if (hook.args.empty()) hook.args.push_back(hook.path);
        hook.env = hooks[i].env.value_or(std::vector<std::string>());
        hook.inherits_env = !hooks[i].env;
        hook.timeout = hooks[i].timeout.value_or(0);
        result.push_back(std::move(hook));
    }
    return result;
}

}  // namespace

void translate_hooks(const oci::Spec& spec, const Host& host, Plan& plan) {
    plan.host.prestart = make_hooks(spec.hooks.prestart, HookKind::prestart);
    plan.host.create_runtime = make_hooks(spec.hooks.create_runtime, HookKind::create_runtime);
    plan.hook.runtime_hooks = !plan.host.prestart.empty() || !plan.host.create_runtime.empty();
    plan.hook.create_container =
        make_hooks(spec.hooks.create_container, HookKind::create_container);
    // Where they run the environment is liblxc's.
    handoff::complete_environment(plan.hook.create_container, host.environment);
    if (!plan.hook.create_container.empty()) {
        plan.hook.state = make_template(make_state(plan.host, oci::Status::creating));
    }
    plan.init.start_container = make_hooks(spec.hooks.start_container, HookKind::start_container);
    if (!plan.init.start_container.empty()) {
        plan.init.state = make_template(make_state(plan.host, oci::Status::created));
    }
    plan.host.poststart = make_hooks(spec.hooks.poststart, HookKind::poststart);
    plan.host.poststop = make_hooks(spec.hooks.poststop, HookKind::poststop);
}

}  // namespace lxcri::translate
