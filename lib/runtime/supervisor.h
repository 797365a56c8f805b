#pragma once
// A container that is started again when its first process calls reboot(2)
// (org.linuxcontainers.lxcri.reboot = restart): a process of lxcri stays with it as long as it
// lives. `run` in the foreground is that process; for `create` and `run --detach` one stays in the
// background, and the pid file has its pid. It ends as the container process did.

#include <optional>
#include <vector>

#include "os/process.h"
#include "os/unique_fd.h"
#include "runtime/create.h"
#include "runtime/foreground.h"
#include "settings/options.h"

namespace lxcri::runtime {

enum class IfItFails { remove, stop };

class Supervisor {
  public:
    // From now on every signal waits, and orphans below us become our children.
    Supervisor(const settings::Options& options, CreateOptions call);
    Supervisor(const Supervisor&) = delete;
    Supervisor& operator=(const Supervisor&) = delete;
    // A container that would start again ends with us.
    ~Supervisor();

    // Makes the container.
    const Created& create();
    // For one in the background, whose pid callers know: they take its namespaces for those of the
    // container. While there is a process of the container it is in the same network, IPC and UTS
    // namespace.
    void join_container();
    // Starts it, unless create() has. If that fails the container is removed, or stopped.
    void start(IfItFails if_it_fails);
    // Until the container has ended for good: starts it again each time that it reboots.
    os::ExitStatus follow();

  private:
    // Until this life has ended.
    os::ExitStatus follow_life();
    void leave_container();
    void end_container() const;

    settings::Options options_;
    CreateOptions call_;
    Foreground foreground_;
    std::optional<Created> created_;
    bool joins_ = false;
    std::vector<os::UniqueFd> left_;  // our own namespaces
};

// `create` and `run --detach`: we do not stay. With `starts` the container process runs at the end.
enum class Starts { no, yes };
void create_and_leave(const settings::Options& options, const CreateOptions& call, Starts starts);

}  // namespace lxcri::runtime
