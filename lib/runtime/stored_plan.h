#pragma once
// "plan" in the container directory: the plan of `create`, whole and as it was, for `start`,
// `exec`, `checkpoint` and `delete`. Written once, so that none of them has to read config.json
// again.

#include <optional>

#include "translate/plan.h"

namespace lxcri::runtime {

void write_plan(int directory_fd, const translate::Plan& plan);
// Nothing when there is none whose fields are those of this version of lxcri.
std::optional<translate::Plan> find_plan(int directory_fd);

}  // namespace lxcri::runtime
