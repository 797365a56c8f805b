#include "oci/validate.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "base/error.h"
#include "base/strings.h"
#include "oci/validate_rules.h"

namespace lxcri::oci {

namespace {

bool is_number_without_leading_zero(std::string_view text) {
    return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos &&
           (text.size() == 1 || text[0] != '0');
}

// What may follow '-' and '+': identifiers with dots between them.
bool is_semver_suffix(std::string_view text, bool leading_zeros) {
    for (const auto& part : split(text, '.')) {
        const auto allowed = [](unsigned char c) { return std::isalnum(c) != 0 || c == '-'; };
        if (part.empty() || !std::all_of(part.begin(), part.end(), allowed)) return false;
        const bool number = part.find_first_not_of("0123456789") == std::string::npos;
        if (!leading_zeros && number && !is_number_without_leading_zero(part)) return false;
    }
    return true;
}

// Semantic Versioning 2.0.0.
bool is_semver(std::string_view text) {
    if (const auto plus = text.find('+'); plus != std::string_view::npos) {
        if (!is_semver_suffix(text.substr(plus + 1), true)) return false;
        text = text.substr(0, plus);
    }
    if (const auto minus = text.find('-'); minus != std::string_view::npos) {
        if (!is_semver_suffix(text.substr(minus + 1), false)) return false;
        text = text.substr(0, minus);
    }
    const auto core = split(text, '.');
    return core.size() == 3 &&
           std::all_of(core.begin(), core.end(), is_number_without_leading_zero);
}

// config.md "Specification version". A newer minor version only adds properties, and what we do
// not know is ignored.
void check_version(const Spec& spec) {
    if (!is_semver(spec.oci_version) || !spec.oci_version.starts_with("1.")) {
        reject("/ociVersion", in_quotes(spec.oci_version), "a version 1.x.y");
    }
}

void check_root(const Spec& spec) {
    if (spec.root.path.empty()) throw SpecError("/root/path", "empty");
}

// HOST_NAME_MAX of the kernel, for both names. They belong to the UTS namespace: without one of its
// own the container would rename the host.
void check_host_names(const Spec& spec) {
    const auto check = [&](const std::optional<std::string>& name, const char* pointer) {
        if (!name) return;
        if (name->size() > 64) throw SpecError(pointer, "longer than 64 bytes");
        if (!spec.linux_ || spec.linux_->find_namespace(NamespaceType::uts) == nullptr) {
            throw SpecError(pointer, "given without a uts namespace");
        }
    };
    check(spec.hostname, "/hostname");
    check(spec.domainname, "/domainname");
}

void check_domainname_sysctl(const Spec& spec) {
    if (!spec.domainname) return;
    for (const auto* key : {"kernel.domainname", "kernel/domainname"}) {
        if (spec.linux_->sysctl.contains(key)) {
            throw SpecError(at_key("/linux/sysctl", key), "conflicts with /domainname");
        }
    }
}

// As far as the text tells: symbolic links are seen when the mount is made.
bool is_root_directory(std::string_view path) {
    std::size_t depth = 0;
    for (const auto& part : split(path, '/')) {
        if (part.empty() || part == ".") continue;
        if (part != "..") {
            ++depth;
        } else if (depth > 0) {
            --depth;
        }
    }
    return depth == 0;
}

// Another directory as the root filesystem: what would be in a new filesystem?
bool covers_the_root(const Mount& mount) {
    return normalized_path(mount.destination) == "/" &&
           std::any_of(mount.options.begin(), mount.options.end(), [](const std::string& option) {
               return option == "bind" || option == "rbind";
           });
}

void check_destinations(const Spec& spec) {
    for (std::size_t i = 0; i < spec.mounts.size(); ++i) {
        const auto& destination = spec.mounts[i].destination;
        if (destination.empty()) throw SpecError(at("/mounts", i, "/destination"), "empty");
        if (is_root_directory(destination) && !covers_the_root(spec.mounts[i])) {
            throw SpecError(at("/mounts", i, "/destination"),
                            concat(in_quotes(destination), " is the root of the container"));
        }
    }
}

void check_bind_mounts(const Spec& spec) {
    for (std::size_t i = 0; i < spec.mounts.size(); ++i) {
        const auto& mount = spec.mounts[i];
        const auto is_bind = [](const std::string& option) {
            return option == "bind" || option == "rbind";
        };
        if (!mount.source && std::any_of(mount.options.begin(), mount.options.end(), is_bind)) {
            throw SpecError(at("/mounts", i, "/source"), "missing, a bind mount requires it");
        }
    }
}

void check_mount_mappings(const Spec& spec) {
    for (std::size_t i = 0; i < spec.mounts.size(); ++i) {
        const auto& mount = spec.mounts[i];
        // config.md "Mounts": both MUST be given, or none.
        if (mount.uid_mappings.empty() != mount.gid_mappings.empty()) {
            const bool uids = mount.uid_mappings.empty();
            throw SpecError(
                at("/mounts", i, uids ? "/uidMappings" : "/gidMappings"),
                concat("missing, required with ", uids ? "gidMappings" : "uidMappings"));
        }
        check_mappings(mount.uid_mappings, at("/mounts", i, "/uidMappings"));
        check_mappings(mount.gid_mappings, at("/mounts", i, "/gidMappings"));
    }
}

// config.md "Mounts": deprecated, a relative one counts from /.
void warn_about_destinations(const Spec& spec, Warnings& warnings) {
    for (std::size_t i = 0; i < spec.mounts.size(); ++i) {
        if (is_absolute(spec.mounts[i].destination)) continue;
        warn(warnings, at("/mounts", i, "/destination"),
             concat(in_quotes(spec.mounts[i].destination), " is relative, taken from /"));
    }
}

void check_hook_list(const std::vector<Hook>& hooks, std::string_view list) {
    for (std::size_t i = 0; i < hooks.size(); ++i) {
        if (!is_absolute(hooks[i].path)) {
            reject(at(list, i, "/path"), in_quotes(hooks[i].path), "an absolute path");
        }
        if (hooks[i].timeout.value_or(1) < 1) {
            reject(at(list, i, "/timeout"), std::to_string(*hooks[i].timeout), "at least 1 second");
        }
        if (hooks[i].env) check_environment(*hooks[i].env, at(list, i, "/env"));
    }
}

void check_hooks(const Spec& spec) {
    check_hook_list(spec.hooks.prestart, "/hooks/prestart");
    check_hook_list(spec.hooks.create_runtime, "/hooks/createRuntime");
    check_hook_list(spec.hooks.create_container, "/hooks/createContainer");
    check_hook_list(spec.hooks.start_container, "/hooks/startContainer");
    check_hook_list(spec.hooks.poststart, "/hooks/poststart");
    check_hook_list(spec.hooks.poststop, "/hooks/poststop");
}

void check_annotations(const Spec& spec) {
    if (spec.annotations.contains("")) throw SpecError("/annotations/", "the key is empty");
}

constexpr std::array kRules{
    check_version,           check_root,         check_host_names,
    check_domainname_sysctl, check_destinations, check_bind_mounts,
    check_mount_mappings,    check_hooks,        check_annotations,
};

}  // namespace

std::vector<std::string> validate(const Spec& spec) {
    Warnings warnings;
    // The sections by themselves first: what is wrong inside of one names its place best.
    if (spec.process) check_process(*spec.process, "/process", warnings);
    if (spec.linux_) check_linux(*spec.linux_, "/linux", warnings);
    for (const auto rule : kRules) rule(spec);
    warn_about_destinations(spec, warnings);
    return warnings;
}

std::vector<std::string> validate(const Process& process) {
    Warnings warnings;
    check_process(process, "", warnings);
    return warnings;
}

std::vector<std::string> validate(const Resources& resources) {
    check_resources(resources, "");
    return {};
}

}  // namespace lxcri::oci
