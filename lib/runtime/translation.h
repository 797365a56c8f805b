#pragma once
// config.json on this machine: read, judged and translated. Nothing is changed by it.

#include <string_view>

#include "runtime/create.h"
#include "settings/options.h"
#include "translate/plan.h"

namespace lxcri::runtime {

// The plan, complete: nothing is added to it later. Its warnings are all there are. `config`: the
// text of config.json. SpecError for whatever is wrong with it. `is_dry`: nothing will come of it,
// so the root filesystem need not exist, and nobody needs a privilege.
translate::Plan translate_config(const settings::Options& options, const CreateOptions& call,
                                 std::string_view config, bool is_dry = false);

}  // namespace lxcri::runtime
