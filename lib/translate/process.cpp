// Owns:  /process/{args,env,cwd,user,noNewPrivileges}, and the session keyring
// Emits: InitPlan::{has_process,process,added_env}
#include <map>
#include <string>
#include <string_view>

#include "base/strings.h"
#include "translate/translators.h"

namespace lxcri::translate {

namespace {

// In the order of the document; of a name that is there twice the last one counts.
std::vector<std::string> unique_env(const std::vector<std::string>& env) {
    std::map<std::string_view, std::size_t> last;
    const auto name_of_entry = [](std::string_view entry) {
        return entry.substr(0, entry.find('='));
    };
    for (std::size_t i = 0; i < env.size(); ++i) last[name_of_entry(env[i])] = i;
    std::vector<std::string> result;
    for (std::size_t i = 0; i < env.size(); ++i) {
        if (last[name_of_entry(env[i])] == i) result.push_back(env[i]);
    }
    return result;
}

}  // namespace

void translate_process(const oci::Spec& spec, const Host& host, Plan& plan) {
    if (host.call.new_keyring) plan.init.process.session_keyring = concat("_ses.", host.call.id);
    // The caller may be confined to some CPUs; for the container only its cgroup decides.
    plan.init.process.cpus.emplace();
    plan.init.has_process = spec.process.has_value();
    if (!spec.process) return;
    const auto& asked = *spec.process;
    auto& process = plan.init.process;
    process.args = asked.args;
    process.env = unique_env(asked.env);
    process.cwd = asked.cwd;
    process.uid = asked.user.uid;
    process.gid = asked.user.gid;
    process.groups = asked.user.additional_gids;
    process.umask = asked.user.umask.value_or(0022);
    process.no_new_privileges = asked.no_new_privileges;
    process.preserved_fds = host.call.listen_fds + host.call.preserve_fds;
    if (host.call.listen_fds > 0) {
        // sd_listen_fds(3): the receiver compares LISTEN_PID with its own pid.
        auto& env = plan.init.added_env;
        env.push_back(concat("LISTEN_FDS=", std::to_string(host.call.listen_fds)));
        env.emplace_back("LISTEN_PID=1");
        if (!host.call.listen_fdnames.empty()) {
            env.push_back(concat("LISTEN_FDNAMES=", host.call.listen_fdnames));
        }
    }
}

}  // namespace lxcri::translate
