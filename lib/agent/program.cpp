#include "agent/program.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <functional>
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
#include "os/unix_socket.h"
#include "seccomp/load.h"

namespace lxcri::agent {

namespace {

constexpr std::array<const char*, 6> kDirectories{"/usr/local/sbin", "/usr/local/bin", "/usr/sbin",
                                                  "/usr/bin",        "/sbin",          "/bin"};

// "" where the security module is not enabled.
std::string read_label(const std::function<std::string()>& read) {
    try {
        return read();
    } catch (const SystemError& error) {
        if (error.code() == ENOENT || error.code() == EINVAL) return {};
        throw;
    }
}

// The program has the agent's label or profile: so the caller must have the same.
void check_labels(const Caller& caller) {
    for (const std::string name : {"attr/current", "attr/apparmor/current", "attr/smack/current"}) {
        const std::string label = read_label([&] { return caller.read_file(name); });
        const std::string own =
            read_label([&] { return os::read_file_at(AT_FDCWD, concat("/proc/self/", name)); });
        if (label == own) continue;
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

// All that it takes to become as the caller is: opened before, while the caller waits. After this
// no path is looked up that the container could have made.
class Entrance {
  public:
    explicit Entrance(const Caller& caller)
        : caller_(caller),
          cgroups_(open_cgroups(caller, Hierarchies::all)),
          namespaces_(open_namespaces(caller, {"cgroup", "ipc", "uts", "net", "time", "mnt"})),
          pid_namespace_(caller.open("ns/pid", O_RDONLY)),
          user_namespace_(caller.open("ns/user", O_RDONLY)),
          root_(caller.open("root", O_PATH | O_DIRECTORY)),
          directory_(caller.open("cwd", O_PATH | O_DIRECTORY)),
          null_(os::open_at(AT_FDCWD, "/dev/null", O_RDWR)),
          identity_(caller.identity()),
          oom_score_adj_(caller.read_file("oom_score_adj")),
          filter_(make_program_filter()) {
        for (unsigned resource = 0; resource < RLIM_NLIMITS; ++resource) {
            os::check(::prlimit(caller.pid(), static_cast<__rlimit_resource>(resource), nullptr,
                                &limits_.at(resource)),
                      "prlimit");
        }
        caller.check_pending();
    }

    // First of all, in the process that leads the program in: it closes what the agent has for
    // other containers. `kept`: what is not of this.
    void leave_agent(std::initializer_list<int> kept) const {
        std::vector<int> all = kept;
        for (const auto* list : {&cgroups_, &namespaces_}) {
            for (const auto& file : *list) all.push_back(file.get());
        }
        for (const auto* file : {&pid_namespace_, &user_namespace_, &root_, &directory_, &null_}) {
            all.push_back(file->get());
        }
        all.push_back(caller_.listener());
        if (const int code = os::close_others(all)) throw SystemError(code, "close_range");
    }

    // Then. The process stays in the host's pid namespace, where the container does not see it,
    // until nothing of the host is left in it that a process of the container's pid namespace would
    // show. The cgroups last: a container can stop what is in its own.
    void join() const {
        os::write_value_at(AT_FDCWD, "/proc/self/oom_score_adj", oom_score_adj_);
        join_namespaces(namespaces_);
        os::check(::setns(pid_namespace_.get(), CLONE_NEWPID), "setns CLONE_NEWPID");
        join_cgroups(cgroups_);
    }

    // In its child, which is in the caller's pid namespace.
    void pass() const {
        for (unsigned resource = 0; resource < RLIM_NLIMITS; ++resource) {
            os::check(::setrlimit(static_cast<__rlimit_resource>(resource), &limits_.at(resource)),
                      "setrlimit");
        }
        enter(user_namespace_.get(), root_.get(), directory_.get(), identity_);
        os::begin_session_keyring();
        ::umask(caller_.credentials().umask);
        for (int number = 0; number <= 2; ++number) {
            os::check(::dup2(null_.get(), number), "dup2");
        }
        os::check(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl PR_SET_NO_NEW_PRIVS");
        caller_.check_pending();
        (void)seccomp::load(filter_, 0);
    }

  private:
    const Caller& caller_;
    std::vector<os::UniqueFd> cgroups_;
    std::vector<os::UniqueFd> namespaces_;
    os::UniqueFd pid_namespace_;
    os::UniqueFd user_namespace_;
    os::UniqueFd root_;
    os::UniqueFd directory_;
    os::UniqueFd null_;
    Identity identity_;
    std::string oom_score_adj_;
    std::string filter_;
    std::array<rlimit, RLIM_NLIMITS> limits_{};
};

// What the process that leads the program in says at its end.
struct End {
    enum class Kind { exited, signalled, not_executed, failed };
    Kind kind;
    int value;  // a status, a signal, or an errno
};

// The death of its parent ends the program, from its last change of rights on. It cannot see in its
// pid namespace whether it has its parent still: so it asks, and the parent answers.
int ask_for_parent(os::UniqueFd parents_end, int fd) {
    parents_end.reset();
    char answer = 0;
    const bool lives = ::send(fd, &answer, 1, MSG_NOSIGNAL) == 1 &&
                       os::retry([&] { return ::read(fd, &answer, 1); }) == 1;
    return lives ? 0 : ESRCH;
}

void answer_program(int fd) {
    char question = 0;
    if (os::retry([&] { return ::read(fd, &question, 1); }) != 1) return;  // it has failed
    (void)::send(fd, &question, 1, MSG_NOSIGNAL);
}

End start_and_wait(const Entrance& entrance, const os::Command& command, int report, int held) {
    entrance.leave_agent({command.image, report, held});
    entrance.join();
    auto [ours, theirs] = os::make_seqpacket_pair();
    os::Spawned program = os::spawn(command, [&, ours = &ours, theirs = theirs.get()] {
        try {
            entrance.pass();
            return ask_for_parent(std::move(*ours), theirs);
        } catch (const SystemError& error) {
            return error.code();
        } catch (const std::exception&) {
            return EPERM;
        }
    });
    theirs.reset();
    answer_program(ours.get());
    program.wait_until_executed();
    const auto status = program.process().wait();
    if (!status) throw SystemError(ECHILD, "wait");
    return {status->is_signal() ? End::Kind::signalled : End::Kind::exited, status->value()};
}

[[noreturn]] void lead_in(const Entrance& entrance, const os::Command& command, int report,
                          int held) noexcept {
    End end{End::Kind::failed, EPERM};
    try {
        end = start_and_wait(entrance, command, report, held);
    } catch (const os::SpawnError& error) {
        // The program itself can have written it, in the moment of its exec.
        const bool is_errno = error.code() > 0 && error.code() < 4096;
        end = {End::Kind::not_executed, is_errno ? error.code() : EPERM};
    } catch (const SystemError& error) {
        end.value = error.code();
    } catch (const std::exception&) {  // EPERM
    }
    (void)!::write(report, &end, sizeof end);
    ::_exit(EXIT_SUCCESS);
}

os::ExitStatus status_of(const End& end, const std::string& name) {
    switch (end.kind) {
        case End::Kind::exited:
            return os::ExitStatus::exited(end.value);
        case End::Kind::signalled:
            return os::ExitStatus::signalled(end.value);
        case End::Kind::not_executed:
            throw os::SpawnError(os::SpawnStep::execute, name, end.value);
        case End::Kind::failed:
            break;
    }
    throw SystemError(end.value, "start", name);
}

}  // namespace

std::optional<os::ExitStatus> run_as_caller(const Caller& caller, const std::string& name,
                                            const std::vector<std::string>& arguments, int held) {
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
    command.others = os::OtherDescriptors::closed_before;
    const Entrance entrance(caller);
    std::array<int, 2> ends{};
    os::check(::pipe2(ends.data(), O_CLOEXEC), "pipe2");
    const os::UniqueFd ours(ends[0]);
    os::UniqueFd theirs(ends[1]);
    auto child = os::fork_child();
    if (!child) lead_in(entrance, command, theirs.get(), held);
    theirs.reset();
    End end{};
    if (os::retry([&] { return ::read(ours.get(), &end, sizeof end); }) != sizeof end) {
        throw Error(concat("the process that was to start ", in_quotes(name), " has died"));
    }
    return status_of(end, name);
}

}  // namespace lxcri::agent
