// Signals to a whole cgroup, its freezer, and killing whatever is in it.

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <atomic>

#include "cgroup/container_cgroup.h"
#include "cgroup_fixture.h"

namespace {

using namespace lxcri;
using namespace lxcri::cgroup;
using namespace lxcri::test;

// The first letter of the state in /proc/PID/stat.
char state_of(pid_t pid) {
    const auto stat = os::find_process_stat(pid);
    return stat ? stat->state : '-';
}

// Forks a child that does the same, for ever.
[[noreturn]] void fork_without_end() {
    ::signal(SIGCHLD, SIG_IGN);
    while (true) {
        if (::fork() == -1) ::usleep(100);
    }
}

// Version 1 without pids controller would let a bomb take the machine.
void limit_processes(const ContainerCgroup& cgroup, int limit) {
    const Directory* directory = cgroup.find_controller("pids");
    REQUIRE(directory != nullptr);
    os::write_value_at(AT_FDCWD, directory->path + "/pids.max", std::to_string(limit));
}

TEST_CASE("cgroup signals: each process gets it once", "[root]") {
    if (!have_cgroups()) return;
    for (const View view : views()) {
        INFO(name_of(view));
        const Playground ground(view);
        const auto cgroup = ground.create();
        auto* count = static_cast<std::atomic<int>*>(
            ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
        static std::atomic<int>* seen;
        seen = count;
        constexpr int kProcesses = 20;
        std::atomic<int>* ready = count + 1;
        const auto parent = start_member(cgroup, [&] {
            ::signal(SIGUSR1, [](int) { ++*seen; });
            for (int i = 1; i < kProcesses; ++i) {
                if (::fork() == 0) break;
            }
            ++*ready;
            return sleep_for_ever();
        });
        REQUIRE(eventually([&] { return *ready == kProcesses; }));
        cgroup.signal_all(SIGUSR1, in_seconds(10));
        CHECK(eventually([&] { return *count == kProcesses; }));
        CHECK_FALSE(cgroup.is_frozen());
        ::usleep(20000);
        CHECK(*count == kProcesses);
        CHECK(cgroup.kill_all_and_wait(in_seconds(10)));
        ::munmap(count, 4096);
    }
}

TEST_CASE("cgroup signals: however few descriptors are left", "[root]") {
    if (!have_cgroups()) return;
    const Playground ground(views().front());
    const auto cgroup = ground.create();
    auto* count = static_cast<std::atomic<int>*>(
        ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    static std::atomic<int>* seen;
    seen = count;
    constexpr int kProcesses = 12;
    std::atomic<int>* ready = count + 1;
    const auto parent = start_member(cgroup, [&] {
        ::signal(SIGUSR1, [](int) { ++*seen; });
        for (int i = 1; i < kProcesses; ++i) {
            if (::fork() == 0) break;
        }
        ++*ready;
        return sleep_for_ever();
    });
    REQUIRE(eventually([&] { return *ready == kProcesses; }));
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
    const int lowest = os::open_at(AT_FDCWD, "/", O_PATH).get();  // the first free one
    for (int left = 8; left < 8 + 2 * kProcesses; ++left) {
        INFO(left << " descriptors left");
        *count = 0;
        const rlimit few{static_cast<rlim_t>(lowest + left), before.rlim_max};
        ::setrlimit(RLIMIT_NOFILE, &few);
        std::string error;
        try {
            cgroup.signal_all(SIGUSR1, in_seconds(10));
        } catch (const Error& failure) {
            error = failure.what();
        }
        ::setrlimit(RLIMIT_NOFILE, &before);
        CHECK(error == "");
        CHECK(eventually([&] { return *count == kProcesses; }));
    }
    CHECK(cgroup.kill_all_and_wait(in_seconds(10)));
    ::munmap(count, 4096);
}

TEST_CASE("cgroup signals: a paused container stays paused, SIGKILL ends it", "[root]") {
    if (!have_cgroups()) return;
    for (const View view : views()) {
        INFO(name_of(view));
        const Playground ground(view);
        const auto cgroup = ground.create();
        auto child = start_member(cgroup, [] {
            ::signal(SIGUSR1, [](int) { ::_exit(7); });
            return sleep_for_ever();
        });
        REQUIRE(eventually([&] { return state_of(child.pid()) == 'S'; }));
        cgroup.freeze(in_seconds(5));
        cgroup.signal_all(SIGUSR1, in_seconds(5));
        CHECK(cgroup.is_frozen());
        CHECK_FALSE(child.wait(os::Clock::now() + std::chrono::milliseconds(20)));
        CHECK(cgroup.is_frozen());
        cgroup.signal_all(SIGKILL, in_seconds(5));
        const auto status = child.wait(in_seconds(5));
        REQUIRE(status);
        CHECK(status->is_signal());
    }
}

TEST_CASE("cgroup freezer: frozen and thawed when it says so", "[root]") {
    if (!have_cgroups()) return;
    for (const View view : views()) {
        INFO(name_of(view));
        const Playground ground(view);
        const auto cgroup = ground.create();
        auto* count = static_cast<std::atomic<long>*>(
            ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
        const auto child = start_member(cgroup, [&] {
            while (true) ++*count;
            return 0;
        });
        REQUIRE(eventually([&] { return *count > 0; }));
        for (int round = 0; round < 5; ++round) {
            CHECK_FALSE(cgroup.is_frozen());
            cgroup.freeze(in_seconds(5));
            CHECK(cgroup.is_frozen());
            const long before = *count;
            ::usleep(5000);
            CHECK(*count == before);
            CHECK_NOTHROW(cgroup.freeze(in_seconds(5)));
            cgroup.thaw(in_seconds(5));
            CHECK_FALSE(cgroup.is_frozen());
            CHECK(eventually([&] { return *count > before; }));
            CHECK_NOTHROW(cgroup.thaw(in_seconds(5)));
        }
        if (const Directory* freezer = cgroup.find_v1("freezer")) {
            cgroup.freeze(in_seconds(5));
            CHECK(read_value(freezer->path + "/freezer.state") == "FROZEN");
        }
        CHECK(cgroup.kill_all_and_wait(in_seconds(5)));
        ::munmap(count, 4096);
    }
}

TEST_CASE("cgroup freezer: what is not done in time is undone", "[root]") {
    if (!have_cgroups()) return;
    for (const View view : views()) {
        INFO(name_of(view));
        const Playground ground(view);
        const auto cgroup = ground.create();
        const auto child = start_member(cgroup, [] {
            while (true) (void)::getppid();
            return 0;
        });
        for (int round = 0; round < 20; ++round) {
            try {
                cgroup.freeze(os::Clock::now());
                CHECK(cgroup.is_frozen());
                cgroup.thaw(in_seconds(5));
            } catch (const Error& error) {
                CHECK_THAT(error.what(), Catch::Contains("did not finish in time"));
            }
            CHECK_FALSE(cgroup.is_frozen());
        }
    }
}

TEST_CASE("cgroup freezer: an empty cgroup, and one that is gone", "[root]") {
    if (!have_cgroups()) return;
    for (const View view : views()) {
        INFO(name_of(view));
        const Playground ground(view);
        const auto cgroup = ground.create();
        cgroup.freeze(in_seconds(5));
        CHECK(cgroup.is_frozen());
        cgroup.thaw(in_seconds(5));
        CHECK_FALSE(cgroup.is_frozen());
        cgroup.remove(in_seconds(5));
        CHECK_FALSE(cgroup.is_frozen());
        CHECK_THROWS_WITH(cgroup.freeze(in_seconds(1)), Catch::Contains("is gone"));
        CHECK_NOTHROW(cgroup.thaw(in_seconds(1)));
        CHECK_NOTHROW(cgroup.signal_all(SIGTERM, in_seconds(1)));
        CHECK(cgroup.kill_all_and_wait(in_seconds(1)));
    }
}

TEST_CASE("cgroup kill: stopped, traced and nested processes", "[root]") {
    if (!have_cgroups()) return;
    for (const View view : views()) {
        INFO(name_of(view));
        const Playground ground(view);
        const auto cgroup = ground.create();
        auto stopped = start_sleeper(cgroup);
        ::kill(stopped.pid(), SIGSTOP);
        auto nested = start_sleeper(cgroup);
        for (const Directory& directory : cgroup.record().directories) {
            const std::string below = directory.path + "/below";
            REQUIRE(::mkdir(below.c_str(), 0755) == 0);
            // A new cpuset takes no process.
            if (exists(below + "/cpuset.cpus") && directory.version == 1) continue;
            os::write_value_at(AT_FDCWD, below + "/cgroup.procs", std::to_string(nested.pid()));
        }
        if (const Directory* freezer = cgroup.find_v1("freezer")) {
            os::write_value_at(AT_FDCWD, freezer->path + "/below/freezer.state", "FROZEN");
        } else {
            os::write_value_at(AT_FDCWD, cgroup.find_v2()->path + "/below/cgroup.freeze", "1");
        }
        REQUIRE(eventually([&] { return state_of(stopped.pid()) == 'T'; }));
        CHECK(cgroup.processes().size() == 2);
        CHECK(cgroup.kill_all_and_wait(in_seconds(10)));
        CHECK_FALSE(cgroup.is_populated());
        CHECK(stopped.wait()->is_signal());
        CHECK(nested.wait()->is_signal());
        cgroup.remove(in_seconds(5));
    }
}

TEST_CASE("cgroup kill: a fork bomb", "[root]") {
    if (!have_cgroups()) return;
    for (const View view : views()) {
        const Playground ground(view);
        auto cgroup = ground.create();
        // Without its own limit the bomb is put below one that has it.
        std::optional<Playground> limits;
        if (cgroup.find_controller("pids") == nullptr) {
            limits.emplace(View::host);
            if (layout_of(View::host).find_v1("pids") == nullptr) continue;
        }
        std::optional<ContainerCgroup> limited;
        if (limits) {
            Layout pids = layout_of(View::host);
            std::erase_if(pids.hierarchies, [](const Hierarchy& hierarchy) {
                return hierarchy.controllers != std::vector<std::string>{"pids"};
            });
            limited = ContainerCgroup::create(pids, limits->name());
        }
        limit_processes(limited ? *limited : cgroup, 300);
        INFO(name_of(view));
        const auto bomb = start_member(cgroup, [&] {
            if (limited && !enter(limited->entrance().borrow(), true)) return 1;
            fork_without_end();
        });
        REQUIRE(eventually([&] { return cgroup.processes().size() > 200; }));
        const auto before = os::Clock::now();
        CHECK(cgroup.kill_all_and_wait(in_seconds(20)));
        CHECK(os::Clock::now() - before < std::chrono::seconds(15));
        CHECK_FALSE(cgroup.is_populated());
        cgroup.remove(in_seconds(5));
    }
}

TEST_CASE("cgroup kill: signalling a fork bomb ends, too", "[root]") {
    if (!have_cgroups()) return;
    const Playground ground(View::v1);
    if (ground.layout().find_v1("pids") == nullptr) return not_applicable("no pids controller");
    const auto cgroup = ground.create();
    limit_processes(cgroup, 100);
    const auto bomb = start_member(cgroup, [&] {
        fork_without_end();
        return 0;
    });
    REQUIRE(eventually([&] { return cgroup.processes().size() > 50; }));
    cgroup.signal_all(SIGTERM, in_seconds(20));
    CHECK(cgroup.wait_empty(in_seconds(10)));
    CHECK_FALSE(cgroup.is_frozen());
}

TEST_CASE("cgroup kill: waiting has an end", "[root]") {
    if (!have_cgroups()) return;
    for (const View view : views()) {
        INFO(name_of(view));
        const Playground ground(view);
        const auto cgroup = ground.create();
        const auto child = start_sleeper(cgroup);
        const auto soon = os::Clock::now() + std::chrono::milliseconds(30);
        CHECK_FALSE(cgroup.wait_empty(soon));
        CHECK(os::Clock::now() >= soon);
        CHECK(os::Clock::now() < soon + std::chrono::seconds(2));
    }
}

}  // namespace
