#include "os/user_namespace.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/strings.h"
#include "os/check.h"
#include "os/file.h"
#include "os/process.h"

namespace lxcri::os {

namespace {

bool is_set_to(const std::string& name, std::string_view value) {
    std::string path = concat("/proc/sys/", name);
    std::replace(path.begin(), path.end(), '.', '/');
    const auto text = find_file_at(AT_FDCWD, path);
    return text && *text == concat(value, "\n");
}

}  // namespace

std::string forbidding_sysctl(std::string_view types) {
    for (const std::string& type : split(types, ' ')) {
        const std::string name = concat("user.max_", type, "_namespaces");
        if (is_set_to(name, "0")) return concat("sysctl ", name, " is 0");
        if (type != "user" || ::geteuid() == 0) continue;
        for (const auto& [setting, value] :
             {std::pair{"kernel.unprivileged_userns_clone", "0"},
              std::pair{"kernel.apparmor_restrict_unprivileged_userns", "1"}}) {
            if (is_set_to(setting, value)) return concat("sysctl ", setting, " is ", value);
        }
    }
    return {};
}

UniqueFd make_user_namespace(const std::function<void(pid_t)>& write_maps) {
    std::array<int, 2> ends{};
    check(::pipe2(ends.data(), O_CLOEXEC), "pipe2");
    const UniqueFd ours(ends[0]);
    UniqueFd theirs(ends[1]);
    const pid_t self = ::getpid();
    auto child = fork_child();
    if (!child) {
        // Says that it is there, or the errno, and waits to be killed.
        const int error = ::unshare(CLONE_NEWUSER) == 0 ? 0 : errno;
        end_with_parent(self);  // once more, with the new credentials
        (void)!::write(theirs.get(), &error, sizeof error);
        while (true) ::pause();
    }
    theirs.reset();
    int error = EIO;
    (void)!retry([&] { return ::read(ours.get(), &error, sizeof error); });
    if (error != 0) {
        const std::string sysctl = forbidding_sysctl("user");
        throw SystemError(error, concat("make a user namespace",
                                        sysctl.empty() ? "" : concat(" (", sysctl, ")")));
    }
    write_maps(child->pid());
    return open_at(AT_FDCWD, concat("/proc/", std::to_string(child->pid()), "/ns/user"), O_RDONLY);
}

OuterUser find_outer_user() {
    const uid_t uid = ::geteuid();
    const std::string map = read_file_at(AT_FDCWD, "/proc/self/uid_map");
    for (const std::string& line : split(map, '\n')) {
        std::vector<std::uint32_t> numbers;
        for (const std::string& word : split(line, ' ')) {
            if (const auto number = parse_integer<std::uint32_t>(word)) numbers.push_back(*number);
        }
        if (numbers.size() != 3 || uid < numbers[0] || uid - numbers[0] >= numbers[2]) continue;
        return {uid - numbers[0] + numbers[1], numbers[2] == UINT32_MAX};
    }
    throw Error("this process has no user outside its user namespace (/proc/self/uid_map)");
}

}  // namespace lxcri::os
