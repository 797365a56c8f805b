#pragma once
// What the files memory.cpp, pids.cpp, cpu.cpp and so on have in common: each applies one part of
// /linux/resources through one controller, with the same three verbs.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cgroup/container_cgroup.h"
#include "cgroup/journal.h"
#include "oci/resources.h"

namespace lxcri::cgroup {

enum class Purpose { create, update };

// Collects warnings, and throws SpecError for what is not possible.
class Checker {
  public:
    // `base`: the JSON pointer of the resources, "/linux/resources".
    explicit Checker(std::string_view base) : base_(base) {}

    [[noreturn]] void reject(std::string_view property, std::string_view problem) const;
    void warn(std::string_view property, std::string_view text);
    std::vector<std::string> take_warnings() { return std::move(warnings_); }

  private:
    std::string base_;
    std::vector<std::string> warnings_;
};

// The files of one controller in the container's cgroup. Properties are JSON pointers below the
// resources: "/memory/limit".
class ControllerFiles {
  public:
    // `journal`: where to note what the files had before; null: nowhere.
    ControllerFiles(const ContainerCgroup& cgroup, const Directory& directory,
                    std::string_view base, Purpose purpose, Journal* journal);

    // Of a directory that is open already.
    ControllerFiles(os::UniqueFd open_directory, const Directory& directory, std::string_view base,
                    Purpose purpose, Journal* journal);

    bool is_v1() const noexcept { return directory_.version == 1; }
    Purpose purpose() const noexcept { return purpose_; }
    const Directory& directory() const noexcept { return directory_; }

    bool has(const std::string& file) const;
    // Without the newline at the end. Returns nullopt if the file does not exist.
    std::optional<std::string> find(const std::string& file) const;
    std::optional<std::int64_t> find_number(const std::string& file) const;

    // Throws SpecError with the file and the errno if it cannot be written.
    void write(std::string_view property, const std::string& file, std::string_view value) const;
    // 0 or the errno.
    [[nodiscard]] int try_write(const std::string& file, std::string_view value) const;
    [[noreturn]] void fail(std::string_view property, const std::string& file,
                           std::string_view value, int error) const;
    [[noreturn]] void reject(std::string_view property, std::string_view problem) const;

  private:
    const Directory& directory_;
    std::string base_;
    Purpose purpose_;
    Journal* journal_;
    os::UniqueFd dir_;
};

struct Controller {
    std::string_view v1;  // "": none
    std::string_view v2;  // "": none
    std::string_view file_v1;
    std::string_view file_v2;  // a file of the controller: if it is missing, so is the controller
    // The first property that needs the controller. Returns "" if none does.
    std::string_view (*wanted)(const oci::Resources& resources);
    // What cannot be done in this version, and what has no effect in it.
    void (*check)(const oci::Resources& resources, int version, Checker& checker);
    // Called for an update also if no property needs the controller.
    void (*apply)(const ControllerFiles& files, const oci::Resources& resources);
};

extern const Controller kMemoryController;
extern const Controller kPidsController;
extern const Controller kCpuController;
extern const Controller kCpusetController;
extern const Controller kBlockIoController;
extern const Controller kHugepagesController;
extern const Controller kRdmaController;
extern const Controller kNetworkClassController;
extern const Controller kNetworkPriorityController;

// In the order in which they are applied: those that may take long, or kill, come last.
inline constexpr std::array<const Controller*, 9> kControllers = {
    &kCpusetController,          &kCpuController,  &kBlockIoController,
    &kHugepagesController,       &kRdmaController, &kNetworkClassController,
    &kNetworkPriorityController, &kPidsController, &kMemoryController,
};

// unified{}: files of version 2 by name.
std::string unified_controller(const std::string& file);  // "" if it has none
std::string unified_property(const std::string& file);
void apply_unified(const ContainerCgroup& cgroup, const oci::Resources& resources,
                   std::string_view base, Purpose purpose, Journal* journal);

// A number that -1 makes unlimited, as version 2 wants it: "max".
std::string limit_or_max(std::int64_t limit);

}  // namespace lxcri::cgroup
