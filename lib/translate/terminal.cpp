// Owns:  /process/{terminal,consoleSize}
// Emits: ProcessPlan::{terminal,terminal_size,open_stdio}, HookPlan::console. Not lxc.console.path:
// that terminal is the host's,
//        and needs the monitor to relay it.
#include "translate/translators.h"

namespace lxcri::translate {

void translate_terminal(const oci::Spec& spec, const Host& host, Plan& plan) {
    // With a terminal the caller's own descriptors are not for the container.
    const bool has_terminal = spec.process && spec.process->terminal;
    plan.init.process.open_stdio = has_terminal ? 0 : host.options.open_stdio;
    // consoleSize without a terminal is to be ignored: config.md "Process".
    if (!has_terminal) return;
    auto& process = plan.init.process;
    process.terminal = true;
    plan.hook.console = true;
    if (const auto& size = spec.process->console_size) {
        // validate() has checked the range.
        process.terminal_size.height = static_cast<std::uint16_t>(size->height);
        process.terminal_size.width = static_cast<std::uint16_t>(size->width);
    }
}

}  // namespace lxcri::translate
