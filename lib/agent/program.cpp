#include "agent/program.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "agent/cgroups.h"
#include "agent/program_filter.h"
#include "base/error.h"
#include "base/strings.h"
#include "os/check.h"
#include "os/file.h"
#include "os/namespace.h"
#include "os/rooted_path.h"
#include "os/spawn.h"
#include "seccomp/load.h"

namespace lxcri::agent {

namespace {

constexpr std::array<const char*, 6> kDirectories{"/usr/local/sbin", "/usr/local/bin", "/usr/sbin",
                                                  "/usr/bin",        "/sbin",          "/bin"};

// "" where the security module is not enabled.
std::string read_label(const Caller& caller, const std::string& name) {
    try {
        return caller.read_file(name);
    } catch (const SystemError& error) {
        if (error.code() == ENOENT || error.code() == EINVAL) return {};
        throw;
    }
}
std::string read_own_label(const std::string& name) {
    try {
        return os::read_file_at(AT_FDCWD, concat("/proc/self/", name));
    } catch (const SystemError& error) {
        if (error.code() == ENOENT || error.code() == EINVAL) return {};
        throw;
    }
}

// The program has the agent's label or profile: so the caller must have the same.
void check_labels(const Caller& caller) {
    for (const char* name : {"attr/current", "attr/apparmor/current", "attr/smack/current"}) {
        const std::string label = read_label(caller, name);
        if (label == read_own_label(name)) continue;
        const std::string text = label.substr(0, label.find_first_of(std::string_view("\n\0", 2)));
        throw Error(concat("a security module confines the container (", in_quotes(text),
                           "), and would not confine the program"));
    }
}

// Magic links lead out of the container: "/proc/self/exe" is the agent itself.
os::UniqueFd open_program(const Caller& caller, const std::string& name) {
    std::vector<std::string> paths;
    if (name.starts_with('/')) {
        paths.push_back(name);
    } else {
        for (const char* directory : kDirectories) paths.push_back(concat(directory, "/", name));
    }
    auto opened = caller.call_as_caller(caller.open("cwd", O_PATH | O_DIRECTORY).get(), [&] {
        std::vector<os::UniqueFd> found;
        for (const std::string& path : paths) {
            os::UniqueFd file(os::try_openat2(AT_FDCWD, path, O_PATH, 0, RESOLVE_NO_MAGICLINKS));
            if (file.valid()) {
                found.push_back(std::move(file));
                break;
            }
            if (errno != ENOENT && errno != ENOTDIR) throw SystemError(errno, "open", path);
        }
        return found;
    });
    return opened.empty() ? os::UniqueFd() : std::move(opened.front());
}

// All that the new process needs to become as the caller is: opened before, while the caller waits.
class Entrance {
  public:
    explicit Entrance(const Caller& caller)
        : caller_(caller),
          cgroups_(open_cgroups(caller, Hierarchies::all)),
          user_namespace_(caller.open("ns/user", O_RDONLY)),
          root_(caller.open("root", O_PATH | O_DIRECTORY)),
          directory_(caller.open("cwd", O_PATH | O_DIRECTORY)),
          identity_(caller.identity()),
          oom_score_adj_(caller.read_file("oom_score_adj")),
          filter_(make_program_filter()) {
        // The user namespace comes last, and the pid namespace is for children alone.
        for (const char* name : {"cgroup", "ipc", "uts", "net", "time", "mnt"}) add_namespace(name);
        for (unsigned resource = 0; resource < RLIM_NLIMITS; ++resource) {
            os::check(::prlimit(caller.pid(), static_cast<__rlimit_resource>(resource), nullptr,
                                &limits_.at(resource)),
                      "prlimit");
        }
        caller.check_pending();
    }

    // In the new process.
    void pass() const {
        join_cgroups(cgroups_);
        os::write_value_at(AT_FDCWD, "/proc/self/oom_score_adj", oom_score_adj_);
        for (unsigned resource = 0; resource < RLIM_NLIMITS; ++resource) {
            os::check(::setrlimit(static_cast<__rlimit_resource>(resource), &limits_.at(resource)),
                      "setrlimit");
        }
        for (const auto& file : namespaces_) os::check(::setns(file.get(), 0), "setns");
        enter(user_namespace_.get(), root_.get(), directory_.get(), identity_);
        os::begin_session_keyring();
        ::umask(caller_.credentials().umask);
        replace_stdio();
        os::check(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl PR_SET_NO_NEW_PRIVS");
        // If this process's parent has died meanwhile the call has its answer.
        caller_.check_pending();
        (void)seccomp::load(filter_, 0);
    }

  private:
    void add_namespace(const char* name) {
        try {
            os::UniqueFd file = caller_.open(concat("ns/", name), O_RDONLY);
            if (!os::is_own_namespace(file.get(), name)) namespaces_.push_back(std::move(file));
        } catch (const SystemError& error) {
            if (error.code() != ENOENT) throw;  // a kernel without namespaces of this type
        }
    }

    static void replace_stdio() {
        const os::UniqueFd null = os::open_at(AT_FDCWD, "/dev/null", O_RDWR);
        for (int number = 0; number <= 2; ++number) {
            os::check(::dup2(null.get(), number), "dup2");
        }
    }

    const Caller& caller_;
    std::vector<os::UniqueFd> cgroups_;
    std::vector<os::UniqueFd> namespaces_;
    os::UniqueFd user_namespace_;
    os::UniqueFd root_;
    os::UniqueFd directory_;
    Identity identity_;
    std::string oom_score_adj_;
    std::string filter_;
    std::array<rlimit, RLIM_NLIMITS> limits_{};
};

// Children of this process begin in the caller's pid namespace while this lives.
class ChildrenInPidNamespace {
  public:
    explicit ChildrenInPidNamespace(const Caller& caller)
        : own_(os::open_at(AT_FDCWD, "/proc/self/ns/pid", O_RDONLY)) {
        os::check(::setns(caller.open("ns/pid", O_RDONLY).get(), CLONE_NEWPID),
                  "setns CLONE_NEWPID");
    }
    ~ChildrenInPidNamespace() {
        // One that this process is in: the kernel refuses it only if memory is used up.
        if (::setns(own_.get(), CLONE_NEWPID) != 0) ::_exit(EXIT_FAILURE);
    }
    ChildrenInPidNamespace(const ChildrenInPidNamespace&) = delete;
    ChildrenInPidNamespace& operator=(const ChildrenInPidNamespace&) = delete;

  private:
    os::UniqueFd own_;
};

os::Spawned start(const Caller& caller, const os::Command& command) {
    const Entrance entrance(caller);
    const ChildrenInPidNamespace pid_namespace(caller);
    return os::spawn(command, [&] {
        try {
            entrance.pass();
            return 0;
        } catch (const SystemError& error) {
            return error.code();
        } catch (const std::exception&) {
            return EPERM;
        }
    });
}

}  // namespace

std::optional<os::ExitStatus> run_as_caller(const Caller& caller, const std::string& name,
                                            const std::vector<std::string>& arguments) {
    check_labels(caller);
    const os::UniqueFd image = open_program(caller, name);
    if (!image.valid()) return {};
    os::Command command;
    command.path = name;
    command.image = image.get();
    command.arguments = {name};
    command.arguments.insert(command.arguments.end(), arguments.begin(), arguments.end());
    command.environment = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"};
    command.session = os::Session::own;
    os::Spawned program = start(caller, command);
    program.wait_until_executed();
    return program.process().wait();
}

}  // namespace lxcri::agent
