#pragma once
// The commands. Each has its file: it declares its arguments, makes one call of runtime/, prints.

#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "settings/options.h"

namespace lxcri::cmd {

// Of an `exec` that has executed nothing: as runc and crun have it, because what the program says
// with its exit code is seldom 255.
constexpr int kNotExecuted = 255;

// An error with an exit code of its own.
class ExitError : public Error {
  public:
    ExitError(std::string message, int code) : Error(std::move(message)), code_(code) {}
    int code() const noexcept { return code_; }

  private:
    int code_;
};

// The exit code.
using Arguments = std::vector<std::string>;
using Run = int (*)(const settings::Options& common, Arguments arguments);

// How the commands are put together in the help text.
enum class Group { life, existing, other };

struct Command {
    std::string_view name;
    std::string_view help;
    Run run;
    Group group;
};

int run_create(const settings::Options& common, Arguments arguments);
int run_start(const settings::Options& common, Arguments arguments);
int run_state(const settings::Options& common, Arguments arguments);
int run_kill(const settings::Options& common, Arguments arguments);
int run_delete(const settings::Options& common, Arguments arguments);
int run_list(const settings::Options& common, Arguments arguments);
int run_exec(const settings::Options& common, Arguments arguments);
int run_run(const settings::Options& common, Arguments arguments);
int run_inspect(const settings::Options& common, Arguments arguments);
int run_checkpoint(const settings::Options& common, Arguments arguments);
int run_restore(const settings::Options& common, Arguments arguments);
int run_spec(const settings::Options& common, Arguments arguments);
int run_features(const settings::Options& common, Arguments arguments);
int run_pause(const settings::Options& common, Arguments arguments);
int run_resume(const settings::Options& common, Arguments arguments);
int run_update(const settings::Options& common, Arguments arguments);
int run_mounts(const settings::Options& common, Arguments arguments);
int run_devices(const settings::Options& common, Arguments arguments);
int run_ps(const settings::Options& common, Arguments arguments);
int run_events(const settings::Options& common, Arguments arguments);
int run_check(const settings::Options& common, Arguments arguments);
int run_completion(const settings::Options& common, Arguments arguments);
int run_config(const settings::Options& common, Arguments arguments);
int run_translate(const settings::Options& common, Arguments arguments);

inline constexpr std::array<Command, 24> kCommands{{
    {"create", "make a container; its process waits for `start`", run_create, Group::life},
    {"start", "let the process of a created container run", run_start, Group::life},
    {"run", "create and start, and stay until the process has ended", run_run, Group::life},
    {"exec", "run a program in a container", run_exec, Group::existing},
    {"state", "print the state of a container as JSON", run_state, Group::life},
    {"kill", "send a signal to the container process", run_kill, Group::life},
    {"delete", "remove a container that does not run", run_delete, Group::life},
    {"pause", "stop all processes of a container", run_pause, Group::existing},
    {"resume", "let the processes of a paused container go on", run_resume, Group::existing},
    {"update", "change the limits of a container", run_update, Group::existing},
    {"mounts", "add mounts to a running container, remove and list them", run_mounts,
     Group::existing},
    {"devices", "add devices to a running container, remove and list them", run_devices,
     Group::existing},
    {"ps", "show the processes of a container", run_ps, Group::existing},
    {"events", "print what a container uses, and when it runs out of memory", run_events,
     Group::existing},
    {"list", "list the containers", run_list, Group::existing},
    {"inspect", "print all that is known about containers, as JSON", run_inspect, Group::existing},
    {"checkpoint", "write a running container to files", run_checkpoint, Group::existing},
    {"restore", "make a running container from the files of a checkpoint", run_restore,
     Group::existing},
    {"spec", "write a config.json to begin with", run_spec, Group::other},
    {"features", "print what config.json may contain", run_features, Group::other},
    {"check", "show what this machine can do for containers", run_check, Group::other},
    {"config", "show the settings in force, and where each comes from", run_config, Group::other},
    {"translate", "show what create would do with a bundle", run_translate, Group::other},
    {"completion", "print the completion script for a shell", run_completion, Group::other},
}};

}  // namespace lxcri::cmd
