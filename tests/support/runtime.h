#pragma once
// Drives the runtime under test. Each Box has its own runtime root and cleans up what its
// containers leave, also when the test failed half-way; what a runtime should have removed itself
// is remembered as a leak and fails the suite.

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "support/bundle.h"
#include "support/files.h"
#include "support/process.h"

namespace lxcri::test {

class Box;

struct CreateOptions {
    Strings global{};  // before the command
    Strings flags{};   // before the ID
    CommandOptions command;
    bool quiet = false;              // /dev/null instead of pipes for stdout and stderr
    std::filesystem::path bundle{};  // the Box's when empty
};

// One container, from the test's point of view the caller's record of it.
class Container {
  public:
    Container(Box& box, std::string id) : box_(&box), id_(std::move(id)) {}

    const std::string& id() const { return id_; }
    pid_t pid() const { return pid_; }  // of the pid-file, 0 without one
    Finished created;                   // what `create` said; its stderr is in err()
    Stream& out() { return *out_; }
    Stream& err() { return *err_; }

    // Each of these runs the command and requires that it succeeds.
    void start();
    void kill(const std::string& signal = "KILL");
    void remove();  // delete
    Json state() const;
    std::string status() const;
    // Waits until it ended and returns its status as wait() gives it.
    int wait();
    // The same as one number: exit status, or minus the signal.
    int wait_code();

  private:
    friend class Box;
    Box* box_;
    std::string id_;
    pid_t pid_ = 0;
    std::unique_ptr<Stream> out_ = std::make_unique<Stream>();
    std::unique_ptr<Stream> err_ = std::make_unique<Stream>();
};

// The end of a whole life.
struct Outcome {
    int code = 0;  // exit status, or minus the signal
    std::string out{};
    std::string err{};
};

// A directory with a bundle and a runtime root, and the runtime on them.
class Box {
  public:
    Box();
    Box(const Box&) = delete;
    Box& operator=(const Box&) = delete;
    ~Box();

  private:
    // What lived before is not ours: another Box's container, a program of the test.
    std::vector<pid_t> others_ = living_children();
    TempDir directory_;
    std::string name_;  // unique on this machine: part of all IDs and cgroups

  public:
    Bundle bundle;
    Strings settings{};  // flags before every command

    std::filesystem::path root() const { return directory_.path() / "root"; }
    std::filesystem::path operator/(std::string_view name) const { return directory_ / name; }
    const std::string& name() const { return name_; }
    // A new ID; the first one is name().
    std::string new_id();
    // Something that is part of no ID but has to go at the end.
    void clean_up_id(const std::string& id) { ids_.push_back(id); }

    // From now on the runtime is called by this user, to whom bundle and runtime root belong. It is
    // a copy, because others than root may not get to where it was built.
    void give_to(uid_t user);

    // RUNTIME --root ROOT ARGUMENTS...
    Strings command_line(const Strings& arguments) const;
    Finished call(const Strings& arguments, const CommandOptions& options = {}) const;

    // Writes config.json and runs create; the result may be a failure.
    Container try_create(const CreateOptions& options = {}, std::optional<std::string> id = {});
    // The same, required to succeed.
    Container create(const CreateOptions& options = {}, std::optional<std::string> id = {});

    // `exec FLAGS ID PROBE ARGUMENTS...`
    Strings exec_line(const Container& container, const Strings& probe_arguments,
                      const Strings& flags = {}) const;
    Finished exec(const Container& container, const Strings& probe_arguments,
                  const Strings& flags = {}, const CommandOptions& options = {}) const;
    // A container whose program sleeps, started.
    Container sleeper(const CreateOptions& options = {});

    // create, start, wait, delete with the probe commands given (or as the bundle says).
    Outcome life(const CreateOptions& options = {});
    Outcome life(const Strings& probe_arguments, const CreateOptions& options = {});
    // A create that has to fail: exit status 1, one line, nothing left. Returns the line.
    std::string refusal(const CreateOptions& options = {});

    // What is still there of all containers of this Box: processes, cgroups, mounts, files.
    // Dying processes get a moment.
    std::vector<std::string> leftovers() const;

    const std::filesystem::path& runtime() const { return runtime_; }

  private:
    CommandOptions as_user(const CommandOptions& options) const;

    std::filesystem::path runtime_;
    std::optional<uid_t> user_;
    std::vector<std::string> ids_;
    int count_ = 0;
};

// The value behind "NAME=" in probe output.
std::string value_of(std::string_view output, std::string_view name);
// The octal mode etc. of `stat PATH`: the rest of that line.
std::string facts_of(std::string_view output, std::string_view path);

}  // namespace lxcri::test
