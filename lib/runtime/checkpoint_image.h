#pragma once
// lxcri.json in the directory of a checkpoint: what CRIU does not keep, because it is not of the
// container alone. Which of its mounts come from the host, and what its standard streams were.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "os/process.h"
#include "translate/plan.h"

namespace lxcri::runtime {

// A mount that is not dumped: `restore` makes it as the bundle then says.
struct ExternalMount {
    std::string mount_point;  // as the kernel told it, seen from the container's root
    std::string destination;  // which mount or device of the plan it is; "": a masked file
    std::string below;        // "/sub": what was mounted there in the source of a recursive bind
};

struct CheckpointImage {
    // What a bundle has to say likewise: the namespaces that are the container's own, with the ID
    // mappings, and the terminal. One line each.
    std::vector<std::string> shape;
    std::vector<ExternalMount> mounts;
    // CRIU's images and their sizes: it does not notice each one that is cut short.
    std::map<std::string, std::uint64_t> files;
    // Descriptors 0 to 2, then those that were passed with --preserve-fds, as readlink(2) and
    // CRIU's --inherit-fd name them: "pipe:[4711]"; "": nothing of it is outside of the container.
    std::vector<std::string> streams;
};

// What the running container has. Throws SpecError for what cannot be dumped, and Error if a mount
// is no longer the one of config.json.
CheckpointImage describe_container(const os::ProcessRef& init, const translate::Plan& plan);

// Throws SpecError if the bundle is not that of the checkpoint.
void check_bundle(const CheckpointImage& image, const translate::Plan& plan);

// Before a dump: the rest of an earlier one is not a checkpoint any more.
void remove_image(int directory_fd);
// With the files that are there now.
void write_image(int directory_fd, CheckpointImage image);
// Throws Error if there is none, and when it or one of the files is damaged.
CheckpointImage read_image(int directory_fd);

// Is it the terminal of the caller? CRIU then calls the container a shell job.
bool is_caller_terminal(std::string_view stream);

// A bind mount of the bundle, of which `restore` makes a copy on the stage for CRIU.
struct StagedMount {
    std::string name;  // in there
    const handoff::MountAction* mount = nullptr;
    std::vector<const handoff::MountAction*> changes;  // of its attributes, by later entries
};
std::vector<StagedMount> mounts_to_stage(const translate::Plan& plan);

// The streams, as CRIU's --external wants them.
std::vector<std::string> external_streams(const CheckpointImage& image);
// The mounts, as CRIU's --external wants them: to leave them out, and to put them back.
std::vector<std::string> external_at_dump(const CheckpointImage& image);
// `stage`: the directory of the devices that are made for a user namespace, and of the mounts of
// mounts_to_stage().
std::vector<std::string> external_at_restore(const CheckpointImage& image,
                                             const translate::Plan& plan, const std::string& stage);

}  // namespace lxcri::runtime
