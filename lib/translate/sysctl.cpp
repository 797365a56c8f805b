// Owns:  /linux/sysctl
// Emits: HookPlan::sysctls
#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "base/strings.h"
#include "oci/validate_rules.h"
#include "translate/translators.h"

namespace lxcri::translate {

namespace {

// "net.ipv4.conf.eth0/100.x" and "net/ipv4/conf/eth0.100/x" mean the same (sysctl.d(5)): the first
// separator that occurs is the separator, the other one is its stand-in inside a name.
std::string sysctl_path(std::string_view key) {
    std::string path(key);
    const auto first = path.find_first_of("./");
    if (first == std::string::npos || path[first] == '/') return path;
    for (char& c : path) c = c == '.' ? '/' : c == '/' ? '.' : c;
    return path;
}

bool has_control_character(std::string_view path) {
    return std::any_of(path.begin(), path.end(),
                       [](char c) { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f; });
}

bool below(std::string_view path, std::string_view dir) {
    return path.starts_with(dir) && path.size() > dir.size() && path[dir.size()] == '/';
}

// The kind of namespace that has its own copy of this setting; nullopt: the whole machine has one.
std::optional<oci::NamespaceType> owning_namespace(std::string_view path) {
    constexpr std::array<std::string_view, 11> kIpc{
        "kernel/msgmax",      "kernel/msgmnb",      "kernel/msgmni",     "kernel/sem",
        "kernel/shmall",      "kernel/shmmax",      "kernel/shmmni",     "kernel/shm_rmid_forced",
        "kernel/auto_msgmni", "kernel/msg_next_id", "kernel/shm_next_id"};
    if (below(path, "net")) return oci::NamespaceType::network;
    if (below(path, "fs/mqueue")) return oci::NamespaceType::ipc;
    if (std::find(kIpc.begin(), kIpc.end(), path) != kIpc.end() || path == "kernel/sem_next_id") {
        return oci::NamespaceType::ipc;
    }
    if (path == "kernel/domainname" || path == "kernel/hostname") return oci::NamespaceType::uts;
    if (below(path, "user")) return oci::NamespaceType::user;
    return {};
}

}  // namespace

void translate_sysctl(const oci::Spec& spec, const Host& /*host*/, Plan& plan) {
    if (!spec.linux_) return;
    for (const auto& [key, value] : spec.linux_->sysctl) {
        const std::string pointer = oci::at_key("/linux/sysctl", key);
        const std::string path = sysctl_path(key);
        const auto elements = split(path, '/');
        const bool odd = has_control_character(path) ||
                         std::any_of(elements.begin(), elements.end(), [](const auto& element) {
                             return element.empty() || element == "." || element == "..";
                         });
        if (odd) throw SpecError(pointer, concat(in_quotes(key), " is not the name of a sysctl"));
        const auto type = owning_namespace(path);
        if (!type) {
            throw SpecError(pointer, "not a namespaced sysctl: it would change the whole host");
        }
        if (path == "kernel/hostname") {
            throw SpecError(pointer, "use /hostname instead of this sysctl");
        }
        if (path == "kernel/domainname" && spec.domainname) {
            throw SpecError(pointer, "set twice: /domainname is set too");
        }
        if (!has_own_namespace(spec, *type)) {
            throw SpecError(pointer, concat("needs an entry of type ",
                                            in_quotes(name_of(oci::kNamespaceTypes, *type)),
                                            " in /linux/namespaces: it would change the host"));
        }
        plan.hook.sysctls.push_back({key, path, value});
    }
}

}  // namespace lxcri::translate
