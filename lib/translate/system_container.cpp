// Owns:  /annotations/org.linuxcontainers.lxcri.system
// Emits: nothing: it changes the document that all others translate
#include "translate/system_container.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/error.h"
#include "base/strings.h"
#include "oci/validate_rules.h"
#include "translate/translators.h"

namespace lxcri::translate {

namespace {

constexpr const char* kCgroups = "/sys/fs/cgroup";

bool is_below(std::string_view path, std::string_view directory) {
    return path.size() > directory.size() && path.starts_with(directory) &&
           path[directory.size()] == '/';
}

oci::Mount* find_mount(oci::Spec& spec, std::string_view destination) {
    const auto found = std::find_if(
        spec.mounts.rbegin(), spec.mounts.rend(),
        [&](const auto& mount) { return normalized_path(mount.destination) == destination; });
    return found == spec.mounts.rend() ? nullptr : &*found;
}

oci::Mount new_mount(const std::string& destination, const std::string& type,
                     std::vector<std::string> options) {
    oci::Mount mount;
    mount.destination = destination;
    mount.type = type;
    mount.source = type;
    mount.options = std::move(options);
    mount.pointer = kSystemPointer;
    return mount;
}

void check_user_namespace(const oci::Spec& spec) {
    if (has_user_namespace(spec)) return;
    throw SpecError(kSystemPointer,
                    "needs a user namespace, an entry of type \"user\" in /linux/namespaces: "
                    "`podman run --userns=auto`, `hostUsers: false` in a pod, \"userns-remap\" of "
                    "Docker, or uidMappings and gidMappings by hand");
}

// What is no longer hidden or read-only in /proc and /sys is kept from the container by its owner
// alone, root of the host.
void check_no_host_root(const oci::Spec& spec, const Host& host) {
    if (!host.privileged) return;  // the runtime's 0 is another user
    const auto check = [](const std::vector<oci::IdMapping>& mappings, const char* pointer) {
        const bool has_root = std::any_of(
            mappings.begin(), mappings.end(),
            [](const oci::IdMapping& mapping) { return mapping.host_id == 0 && mapping.size > 0; });
        if (!has_root) return;
        throw SpecError(pointer,
                        concat("maps the host ID 0, which a system container must not have (",
                               kSystemPointer, ")"));
    };
    check(spec.linux_->uid_mappings, "/linux/uidMappings");
    check(spec.linux_->gid_mappings, "/linux/gidMappings");
}

void check_cgroup(const oci::Spec& spec, const Host& host) {
    if (!host.unified_cgroups && host.cgroup_layout.find_v2() == nullptr) {
        throw SpecError(kSystemPointer,
                        "needs cgroup version 2, which is not mounted on this host");
    }
    if (place_cgroup(spec, host).path.empty()) {
        throw SpecError(kSystemPointer,
                        "needs a cgroup of its own, but the setting cgroupManager is \"disabled\"");
    }
    if (!host.may_make_cgroup) {
        throw SpecError(kSystemPointer,
                        "needs a cgroup of its own, which this user may not make (systemd's user "
                        "manager can: --systemd-cgroup)");
    }
}

// What is added or taken away must not change what errors call the rest.
void keep_pointers(oci::Spec& spec) {
    for (std::size_t i = 0; i < spec.mounts.size(); ++i) {
        auto& pointer = spec.mounts[i].pointer;
        if (pointer.empty()) pointer = concat("/mounts/", std::to_string(i));
    }
}

void add_cgroup_namespace(oci::Linux& section) {
    const auto* entry = section.find_namespace(oci::NamespaceType::cgroup);
    if (entry == nullptr) {
        section.namespaces.push_back({oci::NamespaceType::cgroup, {}});
    } else if (entry->path) {
        throw SpecError(kSystemPointer,
                        "needs a cgroup namespace of its own, but the entry of type \"cgroup\" in "
                        "/linux/namespaces has a path");
    }
}

// Writable, and so given to root of the container: cgroup_owner.cpp. On a hybrid host the hierarchy
// of version 2 alone: it has no controllers there, and the limits stay out of reach.
void mount_cgroups(oci::Spec& spec, const Host& host) {
    std::erase_if(spec.mounts, [](const oci::Mount& mount) {
        return is_below(normalized_path(mount.destination), kCgroups);
    });
    oci::Mount mount = new_mount(kCgroups, host.unified_cgroups ? "cgroup" : "cgroup2",
                                 {"nosuid", "noexec", "nodev", "relatime", "rw"});
    if (oci::Mount* there = find_mount(spec, kCgroups)) {
        mount.pointer = there->pointer;
        *there = std::move(mount);
        return;
    }
    spec.mounts.push_back(std::move(mount));
}

// Before all that the engine may mount in it: by its name, such as /run/secrets, or through a link
// of the image, such as /var/run/secrets. Behind what it is in itself.
void add_tmpfs(oci::Spec& spec, const std::string& destination, const char* mode) {
    if (find_mount(spec, destination) != nullptr) return;
    const auto holds_it = [&](const oci::Mount& mount) {
        const std::string path = normalized_path(mount.destination);
        return path == "/" || is_below(destination, path);
    };
    const auto last = std::find_if(spec.mounts.rbegin(), spec.mounts.rend(), holds_it);
    spec.mounts.insert(last.base(), new_mount(destination, "tmpfs", {"nosuid", "nodev", mode}));
}

// The kernel lets a user namespace mount a procfs or sysfs only where one is to be seen whole
// (mount_too_revealing() in fs/namespace.c). The files of lxcfs, a read-only /sys or the cgroups in
// it take that away from the visible ones. The places are those of liblxc's nesting.conf.
void add_hidden_filesystem(oci::Spec& spec, const Host& host, oci::NamespaceType shown,
                           const std::string& destination, const std::string& type,
                           std::vector<std::string>& warnings) {
    if (!is_owned_namespace(spec, host, shown)) {
        warnings.push_back(concat(kSystemPointer, ": no container inside can mount a new ", type,
                                  ", because the namespace of type ",
                                  in_quotes(name_of(oci::kNamespaceTypes, shown)),
                                  " is not the container's"));
        return;
    }
    spec.mounts.push_back(new_mount(destination, type, {"nosuid", "noexec", "nodev"}));
}

bool binds_dev(oci::Spec& spec) {
    const oci::Mount* dev = find_mount(spec, "/dev");
    return dev != nullptr &&
           (dev->type == "bind" ||
            std::any_of(dev->options.begin(), dev->options.end(),
                        [](const auto& option) { return option == "bind" || option == "rbind"; }));
}

// All that is hidden or read-only there belongs to root of the host, or says nothing that is
// secret.
void show_kernel_files(oci::Linux& section) {
    const auto is_kernels = [](const std::string& path) {
        const std::string plain = normalized_path(path);
        return is_below(plain, "/proc") || is_below(plain, "/sys");
    };
    std::erase_if(section.masked_paths, is_kernels);
    std::erase_if(section.readonly_paths, is_kernels);
}

void add_devices(oci::Spec& spec, const Host& host) {
    oci::Linux& section = *spec.linux_;
    for (const SystemDevice& wanted : host.system_devices) {
        const auto is_it = [&](const oci::Device& device) {
            return normalized_path(device.path) == wanted.path;
        };
        if (std::any_of(section.devices.begin(), section.devices.end(), is_it)) continue;
        oci::Device device;
        device.path = wanted.path;
        device.major = wanted.major;
        device.minor = wanted.minor;
        device.pointer = kSystemPointer;
        section.devices.push_back(std::move(device));
        if (!section.resources) section.resources.emplace();
        section.resources->devices.push_back(
            {true, oci::DeviceRuleType::character, wanted.major, wanted.minor, "rwm"});
    }
}

}  // namespace

bool is_system_container(const oci::Spec& spec, const SystemRule& rule) {
    const auto found = spec.annotations.find(kSystemAnnotation);
    if (found == spec.annotations.end()) return rule.all;
    if (found->second == "true") {
        if (rule.all || rule.annotation) return true;
        throw SpecError(kSystemPointer, "the setting systemAnnotation does not allow it");
    }
    if (found->second == "false") return false;
    oci::reject(kSystemPointer, in_quotes(found->second), "true or false");
}

oci::Spec make_system_container(oci::Spec spec, const Host& host,
                                std::vector<std::string>& warnings) {
    check_user_namespace(spec);
    check_no_host_root(spec, host);
    check_cgroup(spec, host);
    keep_pointers(spec);
    add_cgroup_namespace(*spec.linux_);
    mount_cgroups(spec, host);
    add_tmpfs(spec, "/run", "mode=0755");
    add_tmpfs(spec, "/run/lock", "mode=1777");
    add_tmpfs(spec, "/tmp", "mode=1777");
    show_kernel_files(*spec.linux_);
    if (!binds_dev(spec)) {
        add_hidden_filesystem(spec, host, oci::NamespaceType::pid, "/dev/.lxc/proc", "proc",
                              warnings);
        add_hidden_filesystem(spec, host, oci::NamespaceType::network, "/dev/.lxc/sys", "sysfs",
                              warnings);
        add_devices(spec, host);
    }
    make_system_process(spec, host);
    return spec;
}

}  // namespace lxcri::translate
