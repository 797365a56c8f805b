#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <map>

#include "base/error.h"
#include "base/strings.h"
#include "cgroup/devices.h"
#include "os/check.h"
#include "os/file.h"

namespace lxcri::cgroup {

namespace {

void write_entry(int fd, std::string_view file, std::string_view entry, std::string_view base) {
    if (os::retry([&] { return ::write(fd, entry.data(), entry.size()); }) != -1) return;
    throw SpecError(concat(base, "/devices"), concat("write ", in_quotes(entry), " to ",
                                                     in_quotes(file), ": ", errno_text(errno)));
}

// "c 1:3" to the bits of an access.
using Accesses = std::map<std::string, unsigned>;

std::string access_text(unsigned access) {
    std::string text;
    if ((access & kMayRead) != 0) text += 'r';
    if ((access & kMayWrite) != 0) text += 'w';
    if ((access & kMayMake) != 0) text += 'm';
    return text;
}

void add_line(Accesses& accesses, std::string_view line) {
    const auto end = line.rfind(' ');
    if (end == std::string_view::npos) return;
    unsigned& access = accesses[std::string(line.substr(0, end))];
    for (const char letter : line.substr(end + 1)) {
        if (letter == 'r') access |= kMayRead;
        if (letter == 'w') access |= kMayWrite;
        if (letter == 'm') access |= kMayMake;
    }
}

// Of what is in `from`, that which is not in `without`.
void write_difference(int dir_fd, const char* file, const Accesses& from, const Accesses& without,
                      std::string_view base) {
    os::UniqueFd fd;
    for (const auto& [device, access] : from) {
        const auto other = without.find(device);
        const unsigned rest = other == without.end() ? access : access & ~other->second;
        if (rest == 0) continue;
        if (!fd.valid()) fd = os::open_at(dir_fd, file, O_WRONLY);
        write_entry(fd.get(), file, concat(device, " ", access_text(rest)), base);
    }
}

// Both lists say what is allowed: no moment in which less is allowed than by either of them.
void change_allowed(int dir_fd, const std::string& present, const DeviceListV1& list,
                    std::string_view base) {
    Accesses before;
    for (const std::string& line : split(present, '\n')) add_line(before, line);
    Accesses after;
    for (const auto& entry : list.exceptions) add_line(after, to_text(entry));
    write_difference(dir_fd, "devices.allow", after, before, base);
    write_difference(dir_fd, "devices.deny", before, after, base);
}

}  // namespace

void apply_devices_v1(int dir_fd, const DeviceListV1& list, std::string_view base) {
    const char* default_file = list.allow_by_default ? "devices.allow" : "devices.deny";
    const char* exception_file = list.allow_by_default ? "devices.deny" : "devices.allow";
    const std::string present = os::read_file_at(dir_fd, "devices.list");
    const bool allows_by_default = present == "a *:* rwm\n";  // whatever the exceptions are
    if (!list.allow_by_default && !allows_by_default) {
        return change_allowed(dir_fd, present, list, base);
    }
    if (list.allow_by_default && allows_by_default && list.exceptions.empty()) {
        // A cgroup is made with the rules of the one above it, which allows nothing to one that
        // may do everything already; but an earlier list can have made exceptions, which are not
        // shown.
        const int error = os::try_write_value_at(dir_fd, default_file, "a");
        if (error == 0 || error == EPERM) return;
        throw SpecError(concat(base, "/devices"), concat("write \"a\" to ", in_quotes(default_file),
                                                         ": ", errno_text(error)));
    }
    const os::UniqueFd defaults = os::open_at(dir_fd, default_file, O_WRONLY);
    write_entry(defaults.get(), default_file, "a", base);
    if (list.exceptions.empty()) return;
    const os::UniqueFd exceptions = os::open_at(dir_fd, exception_file, O_WRONLY);
    for (const auto& entry : list.exceptions) {
        write_entry(exceptions.get(), exception_file, to_text(entry), base);
    }
}

}  // namespace lxcri::cgroup
