#pragma once
// A directory for one test, and files in it. The test program that runs containers has a TempDir of
// its own, which also knows about mounts.

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace lxcri::test {

class TempDir {
  public:
    TempDir() {
        std::string name = "/tmp/lxcri-unit.XXXXXX";
        if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
        path_ = name;
    }
    TempDir(const TempDir&) = delete;
    TempDir& operator=(const TempDir&) = delete;
    ~TempDir() {
        std::error_code error;
        std::filesystem::remove_all(path_, error);
    }

    const std::filesystem::path& path() const { return path_; }
    std::filesystem::path operator/(std::string_view name) const { return path_ / name; }

  private:
    std::filesystem::path path_;
};

inline void put_file(const std::filesystem::path& path, std::string_view content) {
    std::filesystem::create_directories(path.parent_path());
    std::ofstream file(path);
    file << content;
    if (!file.flush().good()) throw std::runtime_error("cannot write " + path.string());
}

inline std::string content_of(const std::filesystem::path& path) {
    std::ifstream file(path);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

// Everything below a directory, without following links: "dir/", "dir/file", "link@". Sorted.
inline std::vector<std::string> tree_of(const std::filesystem::path& root) {
    namespace fs = std::filesystem;
    std::vector<std::string> names;
    for (const auto& entry : fs::recursive_directory_iterator(root)) {
        const char* mark = entry.is_symlink() ? "@" : entry.is_directory() ? "/" : "";
        names.push_back(fs::path(entry.path()).lexically_relative(root).string() + mark);
    }
    std::sort(names.begin(), names.end());
    return names;
}

}  // namespace lxcri::test
