#include <fcntl.h>
#include <unistd.h>

#include "base/error.h"
#include "base/strings.h"
#include "cgroup/devices.h"
#include "os/check.h"
#include "os/file.h"

namespace lxcri::cgroup {

namespace {

void write_entry(int fd, std::string_view file, std::string_view entry, std::string_view base) {
    if (os::retry([&] { return ::write(fd, entry.data(), entry.size()); }) != -1) return;
    throw SpecError(concat(base, "/devices"),
                    concat("write ", quoted(entry), " to ", quoted(file), ": ", errno_text(errno)));
}

}  // namespace

void apply_devices_v1(int dir_fd, const DeviceListV1& list, std::string_view base) {
    const char* default_file = list.allow_by_default ? "devices.allow" : "devices.deny";
    const char* exception_file = list.allow_by_default ? "devices.deny" : "devices.allow";
    // A cgroup is made with the rules of the one above it, which allows nothing to one that may
    // do everything already.
    const bool is_done = list.allow_by_default && list.exceptions.empty() &&
                         os::read_file_at(dir_fd, "devices.list") == "a *:* rwm\n";
    if (is_done) return;
    const os::UniqueFd defaults = os::open_at(dir_fd, default_file, O_WRONLY);
    write_entry(defaults.get(), default_file, "a", base);
    if (list.exceptions.empty()) return;
    const os::UniqueFd exceptions = os::open_at(dir_fd, exception_file, O_WRONLY);
    for (const auto& entry : list.exceptions) {
        write_entry(exceptions.get(), exception_file, to_text(entry), base);
    }
}

}  // namespace lxcri::cgroup
