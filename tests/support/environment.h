#pragma once
// What the tests run with, and what the machine offers.
//   LXCRI_RUNTIME      the runtime under test; without it the lxcri of this build
//   LXCRI_TEST_PROBE   the program that runs inside; without it that of this build
//   LXCRI_TEST_VIEW    host (default), v1 or v2: how the cgroups look, see make_view()
//   LXCRI_TEST_VM=1    this is the virtual machine of tests/vm
//   LXCRI_MUST_RUN=1   a test that would be skipped fails instead (CI)

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lxcri::test {

enum class CgroupLayout { kV1, kHybrid, kV2 };

struct Environment {
    std::filesystem::path runtime;
    std::string runtime_name;     // first word of --version: lxcri, crun, runc; "" when missing
    std::filesystem::path probe;  // the static program that runs inside
    CgroupLayout layout = CgroupLayout::kV1;
    bool must_run = false;
};

const Environment& environment();

// Puts this program into a private mount namespace and gives it the view of cgroups that
// LXCRI_TEST_VIEW asks for. Returns why that is not possible on this machine, if so.
std::optional<std::string> make_view();

// In that namespace: makes the machine's file systems read-only and gives TempDir, /run and
// /dev/shm a private tmpfs. The tests hand hostile names to a program that runs as root, and not
// every runtime survives them: crun 1.8.1 takes `delete --force /tmp` literally.
void protect_machine();

// --- what a test needs: the reason when it is missing -----------------------------------------

std::optional<std::string> need_root();
std::optional<std::string> need_runtime();
std::optional<std::string> need_program(std::string_view name);
std::optional<std::string> need_capability(int number, std::string_view name);
// For tests that themselves need many descriptors: one stage has 40.
bool enough_descriptors();
// For tests that take long and say the same in every view: one stage runs them.
bool in_first_view();
// Where an executable of this name is in the usual places; empty if it is missing.
std::filesystem::path find_program(std::string_view name);

// What we ship for an engine's configuration, with the runtime under test in it.
std::string engine_example(std::string_view name);

// Is systemd pid 1 here, with cgroup version 2 alone? The virtual machine of tests/vm is such a
// host, build machines seldom are.
bool has_systemd();
// Are we in that machine? Then it has to have what it is there for.
bool is_virtual_machine();
// CRIU 3.17 of Debian 12 works in the virtual machine, but not with every kernel that is younger.
bool has_working_criu();

// --- cgroups ----------------------------------------------------------------------------------

struct Hierarchy {
    std::filesystem::path mount_point;
    std::vector<std::string> controllers;  // of v1; "name=systemd" too
    bool v2 = false;
};

std::vector<Hierarchy> cgroup_hierarchies();
// Is there something that limits `controller` here ("memory", "pids", "devices")?
// The device rules of v2 are a program, not a controller: they always exist there.
bool has_controller(std::string_view controller);
// The cgroup directory of a process for a controller; in v2 any controller is the one hierarchy.
std::filesystem::path cgroup_of(pid_t pid, std::string_view controller);
// All cgroup directories whose path below the mount point contains `part`.
std::vector<std::filesystem::path> find_cgroups(std::string_view part);
// Removes such cgroups with all that is in them: the last resort after a failed test.
void destroy_cgroups(std::string_view part);

}  // namespace lxcri::test

// Ends the test here when something is missing, and says so.
#define NEEDS(need)                                                     \
    do {                                                                \
        if (const auto missing_ = (need)) {                             \
            if (::lxcri::test::environment().must_run) FAIL(*missing_); \
            ::lxcri::test::skip_test(*missing_);                        \
            return;                                                     \
        }                                                               \
    } while (false)

// Ends a test that says nothing in this view of cgroups; another view runs it.
#define APPLIES(condition)                             \
    do {                                               \
        if (!(condition)) {                            \
            ::lxcri::test::not_applicable(#condition); \
            return;                                    \
        }                                              \
    } while (false)

namespace lxcri::test {
void skip_test(std::string_view reason);
void not_applicable(std::string_view reason);
}  // namespace lxcri::test
