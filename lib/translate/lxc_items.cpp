// Owns:  the annotations org.linuxcontainers.lxcri.item.KEY
// Emits: items of liblxc
#include <algorithm>
#include <array>

#include "base/strings.h"
#include "translate/translators.h"

namespace lxcri::translate {

namespace {

constexpr std::string_view kPrefix = "org.linuxcontainers.lxcri.item.";

// Whatever the administrator allows: they start programs on the host, read or write its files, take
// the container's root or process away from config.json, or are lxcri's own way to drive liblxc.
constexpr std::array<std::string_view, 22> kNever{
    "lxc.hook",    "lxc.include",     "lxc.log",      "lxc.rootfs",    "lxc.environment",
    "lxc.init",    "lxc.execute",     "lxc.mount",    "lxc.namespace", "lxc.idmap",
    "lxc.console", "lxc.pty",         "lxc.tty",      "lxc.autodev",   "lxc.monitor",
    "lxc.cgroup",  "lxc.cgroup2",     "lxc.apparmor", "lxc.selinux",   "lxc.seccomp",
    "lxc.cap",     "lxc.no_new_privs"};

// Is `key` this one, or one below it?
bool is_below(std::string_view key, std::string_view family) {
    return key.starts_with(family) && (key.size() == family.size() || key[family.size()] == '.');
}

bool is_never_allowed(std::string_view key) {
    if (!key.starts_with("lxc.")) return true;
    // A script of a network interface is a program that root starts.
    if (is_below(key, "lxc.net") && key.find("script") != std::string_view::npos) return true;
    return std::any_of(kNever.begin(), kNever.end(),
                       [&](std::string_view family) { return is_below(key, family); });
}

bool allows(const std::string& name, std::string_view key) {
    if (!name.ends_with('*')) return name == key;
    return key.starts_with(std::string_view(name).substr(0, name.size() - 1));
}

void check_item(std::string_view key, const std::string& value, const Host& host,
                const std::string& pointer) {
    if (is_never_allowed(key)) {
        throw SpecError(pointer, concat("no container may set the item ", in_quotes(key)));
    }
    const auto& allowed = host.options.lxc_items;
    if (std::none_of(allowed.begin(), allowed.end(),
                     [&](const std::string& name) { return allows(name, key); })) {
        throw SpecError(pointer,
                        concat("the item ", in_quotes(key), " is not allowed by /lxcItems in ",
                               in_quotes(host.options.settings_file)));
    }
    // liblxc keeps items as lines of a file.
    const auto is_control = [](char c) {
        return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    };
    if (std::any_of(value.begin(), value.end(), is_control)) {
        throw SpecError(pointer, concat(in_quotes(value), " has a control character"));
    }
}

}  // namespace

void translate_lxc_items(const oci::Spec& spec, const Host& host, Plan& plan) {
    auto& items = plan.start.items;
    const auto first = static_cast<std::ptrdiff_t>(items.size());
    for (const auto& [annotation, value] : spec.annotations) {
        if (!annotation.starts_with(kPrefix)) continue;
        const std::string key = annotation.substr(kPrefix.size());
        const std::string pointer = concat("/annotations/", annotation);
        check_item(key, value, host, pointer);
        if (std::any_of(items.begin(), items.end(),
                        [&](const auto& item) { return item.key == key; })) {
            throw SpecError(pointer, concat("the item ", in_quotes(key), " is set already"));
        }
        items.push_back({key, value});
    }
    // The type of a network interface says what its other items mean: liblxc wants it before them.
    std::stable_partition(items.begin() + first, items.end(), [](const auto& item) {
        return item.key.starts_with("lxc.net.") && item.key.ends_with(".type");
    });
}

}  // namespace lxcri::translate
