// Owns:  /process/capabilities
// Emits: ProcessPlan::capabilities, warnings
#include <cstdint>
#include <string>

#include "base/strings.h"
#include "oci/names.h"
#include "translate/translators.h"

namespace lxcri::translate {

using handoff::CapabilitySets;

namespace {

// Returns 0 for an unknown name: validate() has warned.
std::uint64_t bit_of(const std::string& name) {
    const auto number = oci::capability_number(name);
    return number ? std::uint64_t{1} << static_cast<unsigned>(*number) : 0;
}

// runtime-spec config.md "process.capabilities": what cannot be granted is a warning, no error.
std::uint64_t make_set(const std::vector<std::string>& names, std::string_view set,
                       std::uint64_t grantable, Plan& plan) {
    std::uint64_t result = 0;
    for (std::size_t i = 0; i < names.size(); ++i) {
        const std::uint64_t bit = bit_of(names[i]);
        if ((grantable & bit) != bit) {
            plan.warnings.push_back(concat("/process/capabilities/", set, "/", std::to_string(i),
                                           ": ", names[i], " cannot be granted here"));
            continue;
        }
        result |= bit;
    }
    return result;
}

// Those that we may have, as far as they have a name.
CapabilitySets every_capability(const Host& host) {
    std::uint64_t all = 0;
    for (const auto& capability : oci::kCapabilities) {
        all |= std::uint64_t{1} << static_cast<unsigned>(capability.value);
    }
    all &= host.bounding_capabilities;
    return {all, all, all, 0, 0};
}

// A process that makes a user namespace has every capability in it: user_namespaces(7).
std::uint64_t grantable_in(const oci::Spec& spec, const Host& host) {
    const std::uint64_t known =
        (std::uint64_t{1} << (static_cast<unsigned>(host.last_capability) + 1)) - 1;
    return has_user_namespace(spec) ? known : known & host.bounding_capabilities;
}

}  // namespace

void translate_capabilities(const oci::Spec& spec, const Host& host, Plan& plan) {
    if (spec.process && !host.options.capabilities) {
        plan.init.process.capabilities = every_capability(host);
        plan.warnings.push_back(switched_off("/process/capabilities", "capabilities"));
        return;
    }
    // Absent means none: the spec does not say, and less is safer.
    if (!spec.process || !spec.process->capabilities) return;
    const auto& asked = *spec.process->capabilities;
    const std::uint64_t grantable = grantable_in(spec, host);
    auto& sets = plan.init.process.capabilities;
    sets.bounding = make_set(asked.bounding, "bounding", grantable, plan);
    sets.permitted = make_set(asked.permitted, "permitted", grantable, plan);
    sets.effective = make_set(asked.effective, "effective", grantable, plan);
    sets.inheritable = make_set(asked.inheritable, "inheritable", grantable, plan);
    sets.ambient = make_set(asked.ambient, "ambient", grantable, plan);
    if ((sets.effective & ~sets.permitted) != 0) {
        throw SpecError("/process/capabilities/effective",
                        "has capabilities that /process/capabilities/permitted does not have");
    }
    // capabilities(7): an ambient capability must be permitted and inheritable.
    if (const auto lost = sets.ambient & ~(sets.permitted & sets.inheritable); lost != 0) {
        sets.ambient &= ~lost;
        plan.warnings.emplace_back(
            "/process/capabilities/ambient: capabilities that are not permitted and inheritable "
            "too are left out");
    }
}

void add_capabilities(const std::vector<std::string>& names, const oci::Spec& spec,
                      const Host& host, CapabilitySets& sets, std::vector<std::string>& warnings) {
    const std::uint64_t grantable = grantable_in(spec, host);
    for (const auto& name : names) {
        const std::uint64_t bit = bit_of(name);
        if ((grantable & bit) != bit) {
            warnings.push_back(concat("--cap: ", name, " cannot be granted here"));
            continue;
        }
        sets.bounding |= bit;
        sets.permitted |= bit;
        sets.effective |= bit;
        sets.ambient |= bit & sets.inheritable;
    }
}

}  // namespace lxcri::translate
