// ContainerCgroup: pause and resume.
//
// On a hybrid host both freezers are used: version 2 because it says when it is done and lets
// frozen processes be killed, version 1 because that is where others look. In this order the second
// is done at once, for what the first has stopped counts as frozen for it, too.

#include <string_view>

#include "base/error.h"
#include "base/strings.h"
#include "cgroup/container_cgroup.h"
#include "cgroup/events.h"
#include "cgroup/tree.h"
#include "os/file.h"

namespace lxcri::cgroup {

namespace {

enum class State { frozen, thawed };

constexpr std::string_view kTooLate = "did not finish in time";

// `state` and `list` ask: by the path at once, which saves four system calls each.
std::string read(const Directory& directory, std::string_view file) {
    return find_value(AT_FDCWD, concat(directory.path, file)).value_or("");
}

bool freezer_says(int dir_fd, std::string_view state) {
    const auto text = find_file(dir_fd, "freezer.state");
    return text && text->starts_with(state);
}

// Returns false if the deadline passed first.
bool set_v2(int dir_fd, State wanted_state, Deadline deadline) {
    const bool frozen = wanted_state == State::frozen;
    const auto events = EventsFile::find(dir_fd);
    if (!events) return true;  // removed
    const std::string_view wanted = frozen ? "1" : "0";
    os::write_value_at(dir_fd, "cgroup.freeze", wanted);
    while (true) {
        const auto state = events->read();
        // An empty cgroup is frozen as soon as it is asked to be; a removed one never.
        const auto told = find_file(dir_fd, "cgroup.freeze");
        if (state.frozen == frozen || !told) return true;
        // A kill thaws the container so that it can die, without the lock.
        if (!told->starts_with(wanted)) {
            throw Error(frozen ? "it was thawed meanwhile" : "it was frozen meanwhile");
        }
        if (!wait_change(*events, deadline)) return false;
    }
}

bool set_v1(int dir_fd, State wanted, Deadline deadline) {
    const std::string_view state = wanted == State::frozen ? "FROZEN" : "THAWED";
    while (true) {
        // Writing it again freezes those too that were forked or moved here meanwhile.
        os::write_value_at(dir_fd, "freezer.state", state);
        if (freezer_says(dir_fd, state) || !find_file(dir_fd, "freezer.state")) return true;
        if (!wait_unannounced(deadline)) return false;
    }
}

}  // namespace

bool ContainerCgroup::is_frozen() const {
    if (const Directory* directory = find_v1("freezer")) {
        if (read(*directory, "/freezer.state").starts_with("FROZEN")) return true;
    }
    const Directory* directory = find_v2();
    if (directory == nullptr) return false;
    // What it is told to be, for a signal wakes a frozen process for a moment.
    if (read(*directory, "/cgroup.freeze").starts_with('1')) return true;
    // One above it was told.
    return find_count(read(*directory, "/cgroup.events"), "frozen") == 1U;
}

bool ContainerCgroup::holds_killed() const {
    const Directory* v1 = find_v1("freezer");
    const Directory* v2 = find_v2();
    return (v1 != nullptr && read(*v1, "/freezer.state").starts_with("FROZEN")) ||
           (v2 != nullptr && read(*v2, "/cgroup.freeze").starts_with('1'));
}

bool ContainerCgroup::try_freeze(os::Deadline deadline) const {
    const auto open_existing = [&](const Directory& directory) {
        os::UniqueFd dir = open_directory(directory);
        if (!dir.valid()) throw Error(concat("the cgroup ", in_quotes(directory.path), " is gone"));
        return dir;
    };
    const Directory* v2 = find_v2();
    const Directory* v1 = find_v1("freezer");
    if (v1 == nullptr && v2 == nullptr) throw Error("this host has no freezer cgroup");
    if (v2 != nullptr && !set_v2(open_existing(*v2).get(), State::frozen, deadline)) return false;
    return v1 == nullptr || set_v1(open_existing(*v1).get(), State::frozen, deadline);
}

void ContainerCgroup::freeze(os::Deadline deadline) const {
    const auto undo = [&] {
        try {
            thaw(deadline);
        } catch (const Error&) {
            // It has been told to thaw; that freezing failed is what counts.
        }
    };
    try {
        if (try_freeze(deadline)) return;
    } catch (const Error&) {
        undo();
        throw;
    }
    undo();
    throw Error(concat("freezing the cgroup ", in_quotes(find_members()->path), " ", kTooLate));
}

bool ContainerCgroup::hold_with_v2_alone(os::Deadline deadline) const {
    const Directory* v1 = find_v1("freezer");
    if (v1 == nullptr || find_v2() == nullptr || !is_frozen()) return false;
    const os::UniqueFd dir = open_directory(*v1);
    if (dir.valid() && !set_v1(dir.get(), State::thawed, deadline)) {
        throw Error(concat("thawing the cgroup ", in_quotes(v1->path), " ", kTooLate));
    }
    return true;
}

void ContainerCgroup::hold_with_v1_alone(os::Deadline deadline) const {
    const Directory* v2 = find_v2();
    if (v2 == nullptr || find_v1("freezer") == nullptr) return;
    const os::UniqueFd dir = open_directory(*v2);
    if (dir.valid() && !set_v2(dir.get(), State::thawed, deadline)) {
        throw Error(concat("thawing the cgroup ", in_quotes(v2->path), " ", kTooLate));
    }
}

void ContainerCgroup::thaw(os::Deadline deadline) const {
    bool done = true;
    if (const Directory* directory = find_v1("freezer")) {
        const os::UniqueFd dir = open_directory(*directory);
        if (dir.valid()) done = set_v1(dir.get(), State::thawed, deadline);
    }
    if (const Directory* directory = find_v2()) {
        const os::UniqueFd dir = open_directory(*directory);
        if (dir.valid()) done = set_v2(dir.get(), State::thawed, deadline) && done;
    }
    if (!done)
        throw Error(concat("thawing the cgroup ", in_quotes(find_members()->path), " ", kTooLate));
}

void ContainerCgroup::let_killed_die() const {
    const Directory* freezer = find_v1("freezer");
    if (freezer == nullptr) return;
    const os::UniqueFd dir = open_directory(*freezer);
    if (!dir.valid()) return;
    TreeWalk walk(dir.get());
    while (walk.next()) {
        if (!freezer_says(walk.fd(), "THAWED")) {
            (void)os::try_write_value_at(walk.fd(), "freezer.state", "THAWED");
        }
    }
}

}  // namespace lxcri::cgroup
