#pragma once
// checkpoint and restore: a container as files, and back. CRIU does the work (criu_helper.h); this
// is what CRIU must know of a container of lxcri, and what it leaves to the runtime.

#include <cstdint>
#include <optional>
#include <string>

#include "handoff/criu.h"
#include "runtime/create.h"
#include "settings/options.h"

namespace lxcri::runtime {

// The flags that checkpoint and restore have in common.
struct CriuOptions {
    std::string image_path = "checkpoint";  // the directory of the images
    std::string work_path;                  // the directory of the log; "": that of the images
    bool tcp_established = false;
    bool tcp_close = false;
    bool external_unix_sockets = false;
    bool shell_job = false;
    bool file_locks = false;
    bool link_remap = false;
    bool lazy_pages = false;
    bool auto_dedup = false;
    bool empty_network = false;
    handoff::CriuCgroupMode cgroup_mode = handoff::CriuCgroupMode::soft;
};

struct CheckpointOptions {
    std::string id;
    CriuOptions criu;
    std::string parent_path;  // of an earlier pre-dump, relative to the images; "": none
    bool pre_dump = false;    // only the memory, and the container goes on
    bool leave_running = false;
    bool tcp_skip_in_flight = false;
    std::string page_server_address;
    std::uint16_t page_server_port = 0;  // 0: none
    std::optional<int> status_fd;        // gets a zero byte when the lazy page server is ready
};

// The container has ended and is removed afterwards, unless it is to go on. A checkpoint that fails
// leaves it as it was.
void checkpoint(const settings::Options& options, const CheckpointOptions& checkpoint_options);

struct RestoreOptions {
    CreateOptions create;
    CriuOptions criu;
    bool detach = false;
    bool keep = false;  // do not remove it when it has ended
    std::string lsm_profile;
    std::string lsm_mount_context;
};

// A running container from a bundle and the images. Either it exists completely afterwards, or
// nothing is left. As run(): the exit code of the container process, unless `detach`.
int restore(const settings::Options& options, RestoreOptions restore_options);

}  // namespace lxcri::runtime
