#include "os/user_namespace.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <optional>
#include <utility>

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

// A child in another user namespace, which does nothing there: as long as it lives its files below
// /proc tell about the namespace.
class Inhabitant {
  public:
    // `enter`, in the child: 0 or -1 and errno, as system calls have it.
    // `describe`: what has failed then.
    Inhabitant(const std::function<int()>& enter, const std::function<std::string()>& describe) {
        std::array<int, 2> ends{};
        check(::pipe2(ends.data(), O_CLOEXEC), "pipe2");
        const UniqueFd ours(ends[0]);
        UniqueFd theirs(ends[1]);
        const pid_t self = ::getpid();
        child_ = fork_child();
        if (!child_) stay(enter, theirs.get(), self);
        theirs.reset();
        int error = EIO;
        (void)!retry([&] { return ::read(ours.get(), &error, sizeof error); });
        if (error != 0) throw SystemError(error, describe());
    }
    pid_t pid() const { return child_->pid(); }
    std::string file(std::string_view name) const {
        return concat("/proc/", std::to_string(pid()), "/", name);
    }

  private:
    [[noreturn]] static void stay(const std::function<int()>& enter, int channel, pid_t parent) {
        const int error = enter() == 0 ? 0 : errno;
        end_with_parent(parent);  // once more, with the new credentials
        // Unheard it must end: as long as it lives, so does its end of the pipe, and they wait.
        if (::write(channel, &error, sizeof error) == -1) ::_exit(EXIT_FAILURE);
        while (true) ::pause();  // to be killed
    }

    std::optional<ChildProcess> child_;
};

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
    const Inhabitant inhabitant([] { return ::unshare(CLONE_NEWUSER); },
                                [] {
                                    const std::string sysctl = forbidding_sysctl("user");
                                    return concat("make a user namespace",
                                                  sysctl.empty() ? "" : concat(" (", sysctl, ")"));
                                });
    write_maps(inhabitant.pid());
    return open_at(AT_FDCWD, inhabitant.file("ns/user"), O_RDONLY);
}

std::vector<IdRange> parse_id_map(std::string_view text) {
    std::vector<IdRange> ranges;
    for (const std::string& line : split(text, '\n')) {
        std::vector<std::uint32_t> numbers;
        for (const std::string& word : split(line, ' ')) {
            if (const auto number = parse_integer<std::uint32_t>(word)) numbers.push_back(*number);
        }
        if (numbers.size() == 3) ranges.push_back({numbers[0], numbers[1], numbers[2]});
    }
    return ranges;
}

IdMaps read_id_maps(int user_namespace) {
    const Inhabitant inhabitant(
        [=] {
            // Root of the namespace may trace the processes that it finds there: ptrace(2).
            (void)::prctl(PR_SET_DUMPABLE, 0);
            return ::setns(user_namespace, CLONE_NEWUSER);
        },
        [] { return std::string("setns CLONE_NEWUSER"); });
    return {parse_id_map(read_file_at(AT_FDCWD, inhabitant.file("uid_map"))),
            parse_id_map(read_file_at(AT_FDCWD, inhabitant.file("gid_map")))};
}

OuterUser find_outer_user() {
    const uid_t uid = ::geteuid();
    for (const IdRange& range : parse_id_map(read_file_at(AT_FDCWD, "/proc/self/uid_map"))) {
        if (uid < range.inside || uid - range.inside >= range.size) continue;
        return {uid - range.inside + range.outside, range.size == UINT32_MAX};
    }
    throw Error("this process has no user outside its user namespace (/proc/self/uid_map)");
}

}  // namespace lxcri::os
