#pragma once
// The two FIFOs between `lxcri start` and lxcri-init. Both are in the container directory, which
// only its owner can reach; init has them as descriptors from `create`.
//
//   start.fifo   init reads it. "Created" means that init holds it open: a process that opens it
//                for writing gets ENXIO once init has become the container process, or has died.
//   result.fifo  init writes: that it is about to execute the container process, or that something
//                failed, and what. The exec closes it.

#include <exception>

#include "os/process.h"
#include "os/unique_fd.h"

namespace lxcri::handoff {

inline constexpr const char* kStartFifo = "start.fifo";
inline constexpr const char* kResultFifo = "result.fifo";

// create: makes both in the directory; the descriptors that init gets.
struct StartFifos {
    os::UniqueFd start;
    os::UniqueFd result;
};
StartFifos make_start_fifos(int directory_fd);

// init
void wait_for_start(int start_fd);
// The start FIFO is closed before this: from now on init does not wait for a start.
void say_executing(int result_fd) noexcept;
void say_failed(int result_fd, const std::exception& error) noexcept;

// Does an init hold the FIFO: is the container created and not yet started?
bool is_waiting_for_start(int directory_fd);

// start: lets init go and waits until the container process runs. Throws
// init's own error if it cannot run (failure.h), and StateError if no init waits. `init`: its death
// ends the waiting. After the deadline it is killed, so that it does not start after the failure.
void start_and_wait(int directory_fd, const os::ProcessRef& init,
                    os::Deadline deadline = os::kNoDeadline);

}  // namespace lxcri::handoff
