#pragma once
// config.json on this machine: read, judged and translated. Nothing is changed by it.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cgroup/layout.h"
#include "cgroup/unit_path.h"
#include "handoff/unit.h"
#include "oci/spec.h"
#include "runtime/create.h"
#include "settings/options.h"
#include "translate/plan.h"

namespace lxcri::runtime {

struct Translation {
    oci::Spec spec;
    cgroup::Layout layout;
    std::string cgroup_path;  // below the mount points; empty: the container has none
    // With systemd's cgroups: what the scope is called and may be.
    std::optional<cgroup::UnitName> unit;
    std::vector<handoff::UnitProperty> unit_properties;
    translate::Host host;
    translate::Plan plan;
    std::vector<std::string> warnings;
};

// `config`: the text of config.json. SpecError for whatever is wrong with it. `is_dry`: nothing
// will come of it, so the root filesystem need not exist, and nobody needs a privilege.
Translation translate_config(const settings::Options& options, const CreateOptions& call,
                             std::string_view config, bool is_dry = false);

}  // namespace lxcri::runtime
