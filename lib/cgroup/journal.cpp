#include "cgroup/journal.h"

#include "base/error.h"
#include "base/strings.h"
#include "cgroup/tree.h"
#include "os/file.h"

namespace lxcri::cgroup {

namespace {

std::string_view first_word(std::string_view text) {
    return text.substr(0, text.find(' '));
}

// "8:0 1048576", "default 100", "eth0 5": the file has a line for each key, and each write is for
// one of them.
bool has_lines_by_key(std::string_view file, std::string_view written) {
    const std::string_view key = first_word(written);
    if (key.size() == written.size()) return false;
    return key == "default" || key.find(':') != std::string_view::npos ||
           file == "net_prio.ifpriomap" || file == "rdma.max";
}

// For a key that the file did not have.
std::string_view default_of(std::string_view file) {
    if (file == "io.max") return "rbps=max wbps=max riops=max wiops=max";
    if (file == "io.latency") return "target=0";
    if (file.starts_with("blkio.throttle.")) return "0";
    return "default";
}

}  // namespace

std::string value_to_restore(std::string_view file, std::string_view before,
                             std::string_view written) {
    while (before.ends_with('\n')) before.remove_suffix(1);
    if (file == "memory.oom_control") {
        // Reads as "oom_kill_disable 0" and more, takes the number.
        return std::to_string(find_count(before, "oom_kill_disable").value_or(0));
    }
    if (has_lines_by_key(file, written)) {
        const std::string_view key = first_word(written);
        for (const std::string& line : split(before, '\n')) {
            if (first_word(line) == key) return line;
        }
        return concat(key, " ", default_of(file));
    }
    // A write(2) of nothing would not reach the kernel: an empty cpuset is a line without text.
    return before.empty() ? "\n" : std::string(before);
}

int Journal::try_write(const std::string& path, int dir_fd, const std::string& file,
                       std::string_view value) {
    const auto before = find_file(dir_fd, file);
    const int error = os::try_write_value_at(dir_fd, file, value);
    if (error == 0 && before) {
        changes_.push_back(
            {os::duplicate(dir_fd), path, file, value_to_restore(file, *before, value)});
    }
    return error;
}

std::string Journal::undo() {
    if (changes_.empty()) return "nothing has been changed";
    std::string failures;
    for (; !changes_.empty(); changes_.pop_back()) {
        const Change& change = changes_.back();
        const int error = os::try_write_value_at(change.dir.get(), change.file, change.before);
        if (error == 0) continue;
        failures += concat(failures.empty() ? "" : ", ", in_quotes(change.path), " (",
                           errno_text(error), ")");
    }
    if (failures.empty()) return "what was changed before has been put back";
    return concat("these were changed before and could not be put back: ", failures);
}

}  // namespace lxcri::cgroup
