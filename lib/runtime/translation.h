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
#include "runtime/options.h"
#include "translate/plan.h"

namespace lxcri::runtime {

struct Translation {
    oci::Spec spec;
    cgroup::Layout layout;
    std::string cgroup_path;  // below the mount points
    // With systemd's cgroups: what the scope is called and may be.
    std::optional<cgroup::UnitName> unit;
    std::vector<handoff::UnitProperty> unit_properties;
    translate::Host host;
    translate::Plan plan;
    std::vector<std::string> warnings;
};

// `config`: the text of config.json. SpecError for whatever is wrong with it. What is not supported
// yet stays in spec.unsupported. With `rootfs_may_miss` the root filesystem need not exist.
Translation translate_config(const Options& options, const CreateOptions& call,
                             std::string_view config, bool rootfs_may_miss = false);

}  // namespace lxcri::runtime
