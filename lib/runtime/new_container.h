#pragma once
// What `create` and `restore` write down about a container before it has a process.

#include <string>

#include "oci/state.h"
#include "runtime/container_dir.h"
#include "runtime/create.h"
#include "runtime/record.h"
#include "settings/options.h"
#include "translate/plan.h"

namespace lxcri::runtime {

// The bundle's config.json, or the file that the call names instead.
std::string config_path(const CreateOptions& call);

// Reads config.json and keeps a copy of it in the container directory: from here on changes in the
// bundle have no effect (runtime.md "Lifecycle", 2).
std::string copy_config(const CreateOptions& call, const ContainerDir& dir);

// The facts that are known before anything is made.
Record first_record(const translate::Plan& plan);

// The state of a container that has come to be as far as `record` says, for hooks.
oci::State state_for_hooks(const translate::HostPlan& plan, const Record& record, pid_t pid,
                           oci::Status status);

}  // namespace lxcri::runtime
