#pragma once
// runtime-spec config-linux.md "IntelRdt": groups of the resctrl filesystem, which share caches and
// memory bandwidth (the kernel's Documentation/arch/x86/resctrl.rst).

#include <optional>
#include <string>

#include "oci/linux.h"
#include "os/unique_fd.h"

namespace lxcri::attached {

// The groups of a container. Recorded before they are made.
struct ResctrlRecord {
    std::string group;    // "" when /linux/intelRdt is not set; "/" is the default one
    bool made = false;    // the group is ours to remove
    std::string monitor;  // the name of its monitoring group; "": none
};

class Resctrl {
  public:
    // `root`: the root of such a filesystem.
    explicit Resctrl(os::UniqueFd root) : root_(std::move(root)) {}
    Resctrl(const Resctrl&) = delete;
    Resctrl& operator=(const Resctrl&) = delete;
    Resctrl(Resctrl&&) = default;
    Resctrl& operator=(Resctrl&&) = default;
    virtual ~Resctrl() = default;

    // The one in the runtime's mount namespace. Returns nullopt if none is mounted there.
    static std::optional<Resctrl> find();

    // What make() will do. Throws if that is not possible.
    ResctrlRecord plan(const oci::IntelRdt& rdt, const std::string& id) const;
    // Returns what must be removed if `create` fails: also a group with a name of the user's, if it
    // was made just now.
    ResctrlRecord make(const ResctrlRecord& record, const oci::IntelRdt& rdt);
    void add_process(const ResctrlRecord& record, pid_t pid) const;
    // Writes the schemata that are given, of a container that is in the group.
    void update(const ResctrlRecord& record, const oci::IntelRdt& rdt) const;
    // It is not an error if they do not exist any more.
    void remove(const ResctrlRecord& record) const;

  protected:
    // mkdir(2): the kernel fills the directory.
    virtual void make_directory(int parent_fd, const std::string& name);

  private:
    os::UniqueFd open_group(const std::string& group) const;
    std::string reason() const;
    void make_monitor(int group_fd, const std::string& name);
    void compare(int group_fd, const oci::IntelRdt& rdt) const;
    void write_schemata(int group_fd, const std::string& lines) const;

    os::UniqueFd root_;
};

// Does each line of `wanted` ("L3:0=f;1=ff") say what `schemata` has? Numbers are compared by
// value.
bool schema_matches(std::string_view wanted, std::string_view schemata);

}  // namespace lxcri::attached
