#include "support/files.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <stdexcept>

#include "os/unique_fd.h"

namespace lxcri::test {

namespace fs = std::filesystem;

std::string read_file(const fs::path& path) {
    const os::UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    std::string text;
    std::array<char, 16384> buffer;
    ssize_t size = 0;
    while ((size = read(fd.get(), buffer.data(), buffer.size())) > 0) {
        text.append(buffer.data(), static_cast<std::size_t>(size));
    }
    return text;
}

void write_file(const fs::path& path, std::string_view text, unsigned mode) {
    const os::UniqueFd fd(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode));
    if (!fd.valid() ||
        write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
        throw std::runtime_error("cannot write '" + path.string() + "'");
    }
    fchmod(fd.get(), mode);
}

std::vector<std::string> split(std::string_view text, char separator) {
    std::vector<std::string> parts;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find(separator), text.size());
        if (end > 0) parts.emplace_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return parts;
}

std::vector<std::string> lines_of(std::string_view text) {
    return split(text, '\n');
}

bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

std::string line_after(std::string_view text, std::string_view beginning) {
    for (const std::string& line : lines_of(text)) {
        if (!line.starts_with(beginning)) continue;
        const std::string rest = line.substr(beginning.size());
        const std::size_t first = rest.find_first_not_of(" \t");
        if (first == std::string::npos) return "";
        return rest.substr(first, rest.find_last_not_of(" \t") - first + 1);
    }
    return "";
}

bool has_line(std::string_view text, std::string_view line) {
    const std::vector<std::string> lines = lines_of(text);
    return std::find(lines.begin(), lines.end(), line) != lines.end();
}

std::vector<std::string> names_in(const fs::path& directory) {
    std::vector<std::string> names;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(directory, error)) {
        names.push_back(entry.path().filename());
    }
    std::sort(names.begin(), names.end());
    return names;
}

namespace {

fs::path& temp_base() {
    static fs::path base = "/tmp";
    return base;
}

}  // namespace

void set_temp_base(const fs::path& base) {
    temp_base() = base;
}

std::string temp_prefix() {
    return temp_base() / ("lxcri-test." + std::to_string(getpid()) + ".");
}

TempDir::TempDir() {
    std::string name = temp_prefix() + "XXXXXX";
    if (!mkdtemp(name.data())) throw std::runtime_error("mkdtemp");
    chmod(name.c_str(), 0755);
    path_ = name;
}

TempDir::~TempDir() {
    // A mount that a test or a runtime left must not be emptied: take it away first.
    const std::vector<std::string> mounts = lines_of(read_file("/proc/self/mountinfo"));
    for (auto line = mounts.rbegin(); line != mounts.rend(); ++line) {
        const std::vector<std::string> fields = split(*line, ' ');
        if (fields.size() > 4 && fields[4].starts_with(path_.string() + "/")) {
            umount2(fields[4].c_str(), MNT_DETACH);
        }
    }
    std::error_code error;
    fs::remove_all(path_, error);
}

}  // namespace lxcri::test
