#include "attached/resctrl.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "base/error.h"
#include "base/strings.h"
#include "os/check.h"
#include "os/file.h"
#include "os/mountinfo.h"

namespace lxcri::attached {

namespace {

constexpr const char* kDefaultGroup = "/";
constexpr const char* kProperty = "/linux/intelRdt";
constexpr const char* kClosId = "/linux/intelRdt/closID";

bool exists(int dir_fd, const std::string& name) {
    struct stat status {};
    if (::fstatat(dir_fd, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0) return true;
    if (errno == ENOENT) return false;
    throw SystemError(errno, "stat", name);
}

void remove_directory(int dir_fd, const std::string& name) {
    if (::unlinkat(dir_fd, name.c_str(), AT_REMOVEDIR) == -1 && errno != ENOENT) {
        throw SystemError(errno, "remove the resctrl group", name);
    }
}

bool has_schemata(const oci::IntelRdt& rdt) {
    return rdt.l3_cache_schema || rdt.mem_bw_schema || !rdt.schemata.empty();
}

void append_line(std::string& lines, const std::string& line) {
    lines += line;
    lines += '\n';
}

// config-linux.md: "MUST write l3CacheSchema first and memBwSchema last".
std::string own_lines(const oci::IntelRdt& rdt) {
    std::string lines;
    if (rdt.l3_cache_schema) append_line(lines, *rdt.l3_cache_schema);
    if (rdt.mem_bw_schema) append_line(lines, *rdt.mem_bw_schema);
    return lines;
}

// Masks are hexadecimal and percentages decimal, but equal numbers are equal digits in both.
std::string without_leading_zeros(std::string_view number) {
    const auto first = number.find_first_not_of('0');
    if (first == std::string_view::npos) return "0";
    std::string result(number.substr(first));
    std::transform(result.begin(), result.end(), result.begin(), [](char c) {
        return c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return result;
}

struct Schema {
    std::string resource;
    std::vector<std::pair<std::string, std::string>> domains;  // in no order
};

Schema parse_schema(std::string_view line) {
    std::string text(line);
    std::erase_if(text, [](char c) { return c == ' ' || c == '\t'; });
    Schema schema;
    const auto colon = text.find(':');
    schema.resource = text.substr(0, colon);
    if (colon == std::string::npos) return schema;
    for (const auto& domain : split(std::string_view(text).substr(colon + 1), ';')) {
        const auto equals = domain.find('=');
        if (equals == std::string::npos) continue;
        schema.domains.emplace_back(without_leading_zeros(domain.substr(0, equals)),
                                    without_leading_zeros(domain.substr(equals + 1)));
    }
    return schema;
}

}  // namespace

bool schema_matches(std::string_view wanted, std::string_view schemata) {
    const Schema asked = parse_schema(wanted);
    for (const auto& line : split(schemata, '\n')) {
        const Schema there = parse_schema(line);
        if (there.resource != asked.resource) continue;
        return !asked.domains.empty() &&
               std::all_of(asked.domains.begin(), asked.domains.end(), [&](const auto& domain) {
                   return std::find(there.domains.begin(), there.domains.end(), domain) !=
                          there.domains.end();
               });
    }
    return false;
}

std::optional<Resctrl> Resctrl::find() {
    const std::string text = os::read_file_at(AT_FDCWD, "/proc/self/mountinfo");
    for (const os::MountLine& mount : os::parse_mount_lines(text)) {
        if (mount.type != "resctrl") continue;
        const std::string mount_point = os::unescape_mount(mount.mount_point);
        os::UniqueFd root = os::open_at(AT_FDCWD, mount_point, O_RDONLY | O_DIRECTORY);
        struct statfs filesystem {};
        os::check(::fstatfs(root.get(), &filesystem), "fstatfs", mount_point);
        // Something else may have been mounted on top.
        if (filesystem.f_type == RDTGROUP_SUPER_MAGIC) return Resctrl(std::move(root));
    }
    return {};
}

os::UniqueFd Resctrl::open_group(const std::string& group) const {
    if (group == kDefaultGroup) return os::duplicate(root_.get());
    os::UniqueFd fd = os::open_at(root_.get(), group, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    // "info" and "mon_groups" are directories, too.
    if (!exists(fd.get(), "tasks") || !exists(fd.get(), "schemata")) {
        throw SpecError(kClosId, concat(in_quotes(group), " is not a group of resctrl"));
    }
    return fd;
}

// What the kernel has to say about the last failure: "; mask f is out of range" or nothing.
std::string Resctrl::reason() const {
    try {
        const auto text = os::find_file_at(root_.get(), "info/last_cmd_status");
        if (!text || text->starts_with("ok")) return {};
        const auto lines = split(*text, '\n');
        return concat("; ", lines.front());
    } catch (const SystemError&) {
        return {};
    }
}

ResctrlRecord Resctrl::plan(const oci::IntelRdt& rdt, const std::string& id) const {
    ResctrlRecord record;
    record.group = rdt.clos_id.value_or(id);
    const bool is_there = record.group == kDefaultGroup || exists(root_.get(), record.group);
    if (!is_there && rdt.clos_id && !has_schemata(rdt)) {
        throw SpecError(kClosId, concat("the group ", in_quotes(record.group),
                                        " does not exist, and no schemata are given to make it"));
    }
    // Ours to remove only if no other process has named it.
    record.made = !is_there && !rdt.clos_id;
    if (rdt.enable_monitoring) record.monitor = id;
    return record;
}

void Resctrl::make_directory(int parent_fd, const std::string& name) {
    if (::mkdirat(parent_fd, name.c_str(), 0755) == -1) {
        const SystemError error(errno, "make the resctrl group", name);
        throw Error(concat(error.what(), reason()));
    }
}

void Resctrl::compare(int group_fd, const oci::IntelRdt& rdt) const {
    if (!rdt.l3_cache_schema && !rdt.mem_bw_schema) return;
    const std::string schemata = os::read_file_at(group_fd, "schemata");
    const auto check = [&](const char* member, const std::optional<std::string>& schema) {
        if (!schema || schema_matches(*schema, schemata)) return;
        throw SpecError(concat(kProperty, "/", member),
                        concat("got ", in_quotes(*schema), ", but the existing group has ",
                               in_quotes(join(split(schemata, '\n'), " "))));
    };
    check("l3CacheSchema", rdt.l3_cache_schema);
    check("memBwSchema", rdt.mem_bw_schema);
}

// All lines at once: the kernel takes all of them or none.
void Resctrl::write_schemata(int group_fd, const std::string& lines) const {
    if (lines.empty()) return;
    const int error = os::try_write_value_at(group_fd, "schemata", lines);
    if (error != 0) {
        const SystemError failure(error, "write the schemata", lines);
        throw SpecError(kProperty, concat(failure.what(), reason()));
    }
}

void Resctrl::make_monitor(int group_fd, const std::string& name) {
    if (name.empty()) return;
    in_context(concat(kProperty, "/enableMonitoring"), [&] {
        const os::UniqueFd monitors =
            os::open_at(group_fd, "mon_groups", O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
        make_directory(monitors.get(), name);
    });
}

ResctrlRecord Resctrl::make(const ResctrlRecord& record, const oci::IntelRdt& rdt) {
    ResctrlRecord made = record;
    made.made =
        record.made || (record.group != kDefaultGroup && !exists(root_.get(), record.group));
    if (made.made) {
        in_context(kProperty, [&] { make_directory(root_.get(), record.group); });
    }
    try {
        const os::UniqueFd group = open_group(record.group);
        std::string lines;
        if (made.made) {
            lines = own_lines(rdt);
        } else {
            compare(group.get(), rdt);
        }
        for (const auto& line : rdt.schemata) append_line(lines, line);
        write_schemata(group.get(), lines);
        make_monitor(group.get(), record.monitor);
    } catch (const Error&) {
        // No other process can be in it yet.
        if (made.made) (void)::unlinkat(root_.get(), record.group.c_str(), AT_REMOVEDIR);
        throw;
    }
    return made;
}

void Resctrl::add_process(const ResctrlRecord& record, pid_t pid) const {
    const os::UniqueFd group = open_group(record.group);
    in_context(kProperty, [&] {
        const std::string number = std::to_string(pid);
        os::write_value_at(group.get(), "tasks", number);
        // A monitoring group takes only processes of the group around it.
        if (!record.monitor.empty()) {
            os::write_value_at(group.get(), concat("mon_groups/", record.monitor, "/tasks"),
                               number);
        }
    });
}

void Resctrl::update(const ResctrlRecord& record, const oci::IntelRdt& rdt) const {
    write_schemata(open_group(record.group).get(), own_lines(rdt));
}

void Resctrl::remove(const ResctrlRecord& record) const {
    if (record.group.empty()) return;
    if (record.group != kDefaultGroup && !exists(root_.get(), record.group)) return;
    if (!record.monitor.empty()) {
        const std::string below = record.group == kDefaultGroup ? "" : concat(record.group, "/");
        remove_directory(root_.get(), concat(below, "mon_groups/", record.monitor));
    }
    if (record.made) remove_directory(root_.get(), record.group);
}

}  // namespace lxcri::attached
