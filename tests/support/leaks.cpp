#include "support/leaks.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "support/environment.h"
#include "support/files.h"
#include "support/process.h"
#include "support/summary.h"

namespace lxcri::test {

namespace fs = std::filesystem;

namespace {

std::vector<std::string>& leaks() {
    static std::vector<std::string> list;
    return list;
}

// What tests name themselves (see Box), so that others may work on this machine meanwhile.
std::string our_prefix() {
    return "lt" + std::to_string(getpid()) + "-";
}

void add_processes(std::set<std::string>& facts) {
    for (const pid_t pid : living_children()) {
        facts.insert("process " + std::to_string(pid) + ": " + command_line_of(pid));
    }
    // Processes that name our directories, children of any parent.
    for (const std::string& name : names_in("/proc")) {
        if (name[0] < '0' || name[0] > '9' || name == std::to_string(getpid())) continue;
        const std::string line = command_line_of(static_cast<pid_t>(std::stol(name)));
        if (contains(line, temp_prefix())) facts.insert("process " + name + ": " + line);
    }
}

void add_files(std::set<std::string>& facts) {
    for (const char* folder : {"/run", "/tmp", "/dev", "/dev/shm", "/dev/mqueue"}) {
        for (const std::string& name : names_in(folder)) {
            // The parents of all runtime roots and of liblxc's locks may stay.
            if (name == "lxc" || name == "lxcri") continue;
            // Other programs may use /tmp too, see protect_machine().
            const bool shared = std::string_view(folder) == "/tmp";
            if ((contains(name, "lxc") && !shared) || contains(name, our_prefix())) {
                facts.insert("file " + (fs::path(folder) / name).string());
            }
        }
    }
    for (const std::string& name : names_in("/run/lxcri")) facts.insert("file /run/lxcri/" + name);
}

void add_descriptors(std::set<std::string>& facts) {
    for (const std::string& name : names_in("/proc/self/fd")) {
        std::error_code error;
        const fs::path target = fs::read_symlink("/proc/self/fd/" + name, error);
        if (!error) facts.insert("descriptor " + name + ": " + target.string());
    }
}

}  // namespace

Snapshot Snapshot::take() {
    Snapshot result;
    add_processes(result.facts);
    // liblxc leaves lxc.pivot for good, when it is allowed to.
    for (const std::string& part : {our_prefix(), std::string("lxc.pivot")}) {
        for (const fs::path& cgroup : find_cgroups(part)) {
            result.facts.insert("cgroup " + cgroup.string());
        }
    }
    for (const std::string& line : lines_of(read_file("/proc/self/mountinfo"))) {
        result.facts.insert("mount " + line);
    }
    add_files(result.facts);
    add_descriptors(result.facts);
    return result;
}

std::vector<std::string> Snapshot::added_in(const Snapshot& later) const {
    std::vector<std::string> added;
    std::set_difference(later.facts.begin(), later.facts.end(), facts.begin(), facts.end(),
                        std::back_inserter(added));
    return added;
}

void remember_leak(const std::string& what) {
    leaks().push_back(current_test() + ": " + what);
}

const std::vector<std::string>& remembered_leaks() {
    return leaks();
}

}  // namespace lxcri::test
