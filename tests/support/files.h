#pragma once
// Small helpers around files and text, for the tests only.

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace lxcri::test {

// "" when it cannot be read: tests compare contents.
std::string read_file(const std::filesystem::path& path);
void write_file(const std::filesystem::path& path, std::string_view text, unsigned mode = 0644);

// Parts between separators, without empty ones.
std::vector<std::string> split(std::string_view text, char separator);
std::vector<std::string> lines_of(std::string_view text);
bool contains(std::string_view text, std::string_view part);
// The rest of the first line that begins so, without blanks around it; "" when there is none.
std::string line_after(std::string_view text, std::string_view beginning);
bool has_line(std::string_view text, std::string_view line);

// The names in a directory, sorted; empty if there is no such directory.
std::vector<std::string> names_in(const std::filesystem::path& directory);

// A new directory, removed with its contents at the end.
class TempDir {
  public:
    TempDir();
    TempDir(const TempDir&) = delete;
    TempDir& operator=(const TempDir&) = delete;
    ~TempDir();
    const std::filesystem::path& path() const { return path_; }
    std::filesystem::path operator/(std::string_view name) const { return path_ / name; }

  private:
    std::filesystem::path path_;
};

// What all directories of TempDir begin with: the leak checks look for it.
std::string temp_prefix();
// Where they are made; /tmp at first.
void set_temp_base(const std::filesystem::path& base);

}  // namespace lxcri::test
