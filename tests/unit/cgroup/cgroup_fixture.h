#pragma once
// What the tests with real cgroups share. They work below a name of their own in the cgroup mounts
// of the machine, and remove it also when they fail.

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/strings.h"
#include "cgroup/container_cgroup.h"
#include "cgroup/layout.h"
#include "os/check.h"
#include "os/clone.h"
#include "os/file.h"
#include "os/process.h"
#include "support/catch.h"
#include "support/summary.h"

namespace lxcri::test {

// How the machine looks to a test: as it is, or as if it had one version only.
enum class View { host, v1, v2 };

inline const char* name_of(View view) {
    return view == View::host ? "host" : view == View::v1 ? "v1" : "v2";
}

inline os::Deadline in_seconds(int seconds) {
    return os::Clock::now() + std::chrono::seconds(seconds);
}

inline void skip_or_fail(const std::string& reason) {
    const char* must_run = std::getenv("LXCRI_MUST_RUN");
    if (must_run != nullptr && std::string(must_run) == "1") FAIL("must run, but " << reason);
    skip_test(reason);
}

// An empty layout when the machine has nothing of that kind.
inline cgroup::Layout layout_of(View view) {
    cgroup::Layout layout = cgroup::read_layout();
    if (view == View::host) return layout;
    const int version = view == View::v1 ? 1 : 2;
    std::erase_if(layout.hierarchies, [&](const auto& entry) { return entry.version != version; });
    const auto mode = version == 1 ? cgroup::Mode::legacy : cgroup::Mode::unified;
    layout.mode = layout.hierarchies.empty() ? cgroup::Mode::none : mode;
    return layout;
}

inline bool have_cgroups() {
    if (::geteuid() == 0 && !layout_of(View::host).hierarchies.empty()) return true;
    skip_or_fail(::geteuid() == 0 ? "needs cgroups" : "needs root");
    return false;
}

inline std::vector<View> views() {
    std::vector<View> result;
    for (const View view : {View::host, View::v1, View::v2}) {
        if (!layout_of(view).hierarchies.empty()) result.push_back(view);
    }
    return result;
}

// A name for the cgroups of one test, and the broom behind it.
class Playground {
  public:
    explicit Playground(View view)
        : layout_(layout_of(view)),
          name_(concat("lxcri-test-", std::to_string(::getpid()), "-", std::to_string(next()))) {}
    Playground(const Playground&) = delete;
    Playground& operator=(const Playground&) = delete;
    ~Playground() {
        try {
            const auto rest = cgroup::ContainerCgroup::open(cgroup::planned_record(layout_, name_));
            (void)rest.kill_all_and_wait(in_seconds(10));
            rest.remove(in_seconds(10), cgroup::Leftovers::kill);
        } catch (const Error& error) {
            std::fprintf(stderr, "cannot clean up: %s\n", error.what());
        }
    }

    const cgroup::Layout& layout() const { return layout_; }
    const std::string& name() const { return name_; }
    std::string below(const std::string& path) const { return concat(name_, "/", path); }
    cgroup::ContainerCgroup create() const {
        return cgroup::ContainerCgroup::create(layout_, name_);
    }

  private:
    static int next() {
        static int number = 0;
        return ++number;
    }

    cgroup::Layout layout_;
    std::string name_;
};

// This process, of one thread, moves into the cgroups.
inline bool enter(const os::CgroupEntrance& files, bool in_unified) {
    for (const int tasks : files.tasks) {
        if (::write(tasks, "0", 1) != 1) return false;
    }
    if (in_unified || files.unified == -1) return true;
    const os::UniqueFd procs(::openat(files.unified, "cgroup.procs", O_WRONLY | O_CLOEXEC));
    return ::write(procs.get(), "0", 1) == 1;
}

// A child that has entered the cgroup, does `work` and exits with its result. Killed when the owner
// goes.
inline os::ChildProcess start_member(const cgroup::ContainerCgroup& cgroup,
                                     const std::function<int()>& work) {
    const cgroup::Entrance entrance = cgroup.entrance();
    std::array<int, 2> entered{};
    os::check(::pipe2(entered.data(), O_CLOEXEC), "pipe2");
    const os::UniqueFd reader(entered[0]);
    os::UniqueFd writer(entered[1]);
    const os::CgroupEntrance files = entrance.borrow();
    os::Cloned child = os::clone_child(files.unified);
    if (child.pid == 0) {
        os::reset_signals();
        if (!enter(files, child.in_cgroup)) ::_exit(120);
        (void)!::write(writer.get(), "x", 1);
        ::_exit(work());
    }
    writer.reset();
    char byte = 0;
    if (::read(reader.get(), &byte, 1) != 1) throw Error("the child cannot enter the cgroup");
    return {child.pid, std::move(child.pidfd)};
}

inline int sleep_for_ever() {
    while (true) ::pause();
}

inline os::ChildProcess start_sleeper(const cgroup::ContainerCgroup& cgroup) {
    return start_member(cgroup, sleep_for_ever);
}

inline bool exists(const std::string& path) {
    struct stat info {};
    return ::stat(path.c_str(), &info) == 0;
}

inline std::string read_value(const std::string& path) {
    std::string text = os::read_file_at(AT_FDCWD, path);
    while (text.ends_with('\n')) text.pop_back();
    return text;
}

// Polls a condition of the machine, for tests that have nothing better to wait for.
inline bool eventually(const std::function<bool()>& condition) {
    const auto limit = in_seconds(10);
    while (!condition()) {
        if (os::Clock::now() > limit) return false;
        ::usleep(1000);
    }
    return true;
}

}  // namespace lxcri::test
