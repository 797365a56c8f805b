#pragma once
// "plan" in the container directory: the plan of `create`, whole and as it was, for `start`,
// `exec`, `checkpoint` and `delete`. Written once, so that none of them has to read config.json
// again.

#include <optional>

#include "translate/plan.h"

namespace lxcri::runtime {

void write_plan(int directory_fd, const translate::Plan& plan);
// Returns nullopt if there is none, or if another version of lxcri wrote it.
std::optional<translate::Plan> find_plan(int directory_fd);

}  // namespace lxcri::runtime
