#pragma once
// Reads, judges and translates config.json on this machine. Changes nothing.

#include <string_view>

#include "runtime/create.h"
#include "settings/options.h"
#include "translate/plan.h"

namespace lxcri::runtime {

// The complete plan, with all warnings: nothing is added to it later. `config`: the text of
// config.json; throws SpecError if it is wrong. `to_look_at`: the plan is not executed, so the
// root filesystem need not exist, and no privilege is needed.
enum class Purpose { create, to_look_at };
translate::Plan translate_config(const settings::Options& options, const CreateOptions& call,
                                 std::string_view config, Purpose purpose = Purpose::create);

}  // namespace lxcri::runtime
