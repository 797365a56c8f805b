#pragma once
// What the tests of /linux/resources share.

#include <fcntl.h>

#include <optional>
#include <string>
#include <utility>

#include "cgroup/resources.h"
#include "cgroup_fixture.h"

namespace lxcri::test {

template <class Change>
oci::Resources resources(Change change) {
    oci::Resources result;
    change(result);
    return result;
}

// The message of the SpecError; "" when there is none.
template <class Action>
std::string spec_error(Action action) {
    try {
        action();
    } catch (const SpecError& error) {
        return error.what();
    }
    return "";
}

// A whole disk of this machine: "254:0".
inline std::optional<std::pair<int, int>> find_disk() {
    for (const char* name : {"vda", "sda", "nvme0n1", "xvda", "loop0"}) {
        const auto text = os::find_file_at(AT_FDCWD, concat("/sys/block/", name, "/dev"));
        if (!text) continue;
        const auto numbers = split(text->substr(0, text->find('\n')), ':');
        return std::pair{std::stoi(numbers.at(0)), std::stoi(numbers.at(1))};
    }
    return {};
}

}  // namespace lxcri::test
