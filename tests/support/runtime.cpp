#include "support/runtime.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <stdexcept>

#include "support/catch.h"
#include "support/environment.h"
#include "support/leaks.h"

namespace lxcri::test {

namespace fs = std::filesystem;

namespace {

std::string unique_name() {
    static int count = 0;
    return "lt" + std::to_string(getpid()) + "-" + std::to_string(++count);
}

void require_success(const std::string& command, const Finished& finished) {
    INFO(command << " said: " << finished.err);
    REQUIRE(finished.code() == 0);
}

}  // namespace

// --- Container -------------------------------------------------------------------------------

void Container::start() {
    require_success("start", box_->call({"start", id_}));
}

void Container::kill(const std::string& signal) {
    require_success("kill", box_->call({"kill", id_, signal}));
}

void Container::remove() {
    require_success("delete", box_->call({"delete", id_}));
}

Json Container::state() const {
    const Finished finished = box_->call({"state", id_});
    require_success("state", finished);
    return Json::parse(finished.out);
}

std::string Container::status() const {
    return state().at("status");
}

int Container::wait() {
    return wait_for_child(pid_);
}

int Container::wait_code() {
    return Finished{.status = wait()}.code();
}

// --- Box -------------------------------------------------------------------------------------

Box::Box()
    : name_(unique_name()), bundle(directory_ / "bundle", name_), runtime_(environment().runtime) {}

Box::~Box() {
    for (const std::string& id : ids_) {
        try {
            (void)call({"delete", "--force", id});
        } catch (const std::exception&) {
            // What it left is found below.
        }
    }
    for (const std::string& found : leftovers()) remember_leak(found);
    destroy_cgroups(name_);
    for (const pid_t pid : wait_for_children(milliseconds{0}, others_)) ::kill(pid, SIGKILL);
    (void)wait_for_children(kDeadline, others_);
}

std::string Box::new_id() {
    std::string id = count_ == 0 ? name_ : name_ + "." + std::to_string(count_);
    ++count_;
    ids_.push_back(id);
    return id;
}

void Box::give_to(uid_t user) {
    user_ = user;
    if (environment().runtime_name == "lxcri") {
        const fs::path prefix = environment().runtime.parent_path().parent_path();
        for (const char* part : {"bin", "libexec"}) {
            fs::copy(prefix / part, directory_ / part, fs::copy_options::recursive);
        }
        runtime_ = directory_ / "bin/lxcri";
    }
    bundle.write();
    fs::create_directories(root());
    for (const fs::path& top : {directory_.path() / "bundle", root()}) {
        REQUIRE(lchown(top.c_str(), user, user) == 0);
        for (const auto& entry : fs::recursive_directory_iterator(top)) {
            REQUIRE(lchown(entry.path().c_str(), user, user) == 0);
        }
    }
    REQUIRE(chown(directory_.path().c_str(), user, user) == 0);
}

CommandOptions Box::as_user(const CommandOptions& options) const {
    CommandOptions result = options;
    if (user_ && !result.uid) result.uid = user_;
    return result;
}

Strings Box::command_line(const Strings& arguments) const {
    Strings command = {runtime_, "--root", root()};
    command.insert(command.end(), settings.begin(), settings.end());
    command.insert(command.end(), arguments.begin(), arguments.end());
    return command;
}

Finished Box::call(const Strings& arguments, const CommandOptions& options) const {
    return run_command(command_line(arguments), as_user(options));
}

Container Box::try_create(const CreateOptions& options, std::optional<std::string> id) {
    bundle.write();
    Container container(*this, id ? *id : new_id());
    if (id && !id->empty()) clean_up_id(*id);
    // An ID that is no file name is a test of its own.
    const bool plain = !contains(container.id(), "/") && container.id().size() < 250;
    const fs::path pid_file = directory_ / ("pid." + (plain ? container.id() : "x"));
    Strings arguments = options.global;
    const fs::path& used = options.bundle.empty() ? bundle.path() : options.bundle;
    for (const std::string& word : {std::string("create"), std::string("--bundle"), used.string(),
                                    std::string("--pid-file"), pid_file.string()}) {
        arguments.push_back(word);
    }
    arguments.insert(arguments.end(), options.flags.begin(), options.flags.end());
    arguments.push_back(container.id());

    CommandOptions command = as_user(options.command);
    os::UniqueFd null;
    if (options.quiet) {
        null.reset(open("/dev/null", O_RDWR | O_CLOEXEC));
        command.fds.emplace_back(null.get(), 1);
        command.fds.emplace_back(null.get(), 2);
    } else {
        command.fds.emplace(command.fds.begin(), container.out_->write_end(), 1);
        command.fds.emplace(command.fds.begin() + 1, container.err_->write_end(), 2);
    }
    container.created = run_command(command_line(arguments), command);
    container.out_->close_write_end();
    container.err_->close_write_end();
    container.out_->take();
    container.err_->take();
    container.created.err = container.err_->text();
    const std::string pid = read_file(pid_file);
    if (container.created.code() == 0 && !pid.empty()) {
        container.pid_ = static_cast<pid_t>(std::stol(pid));
    }
    return container;
}

Container Box::create(const CreateOptions& options, std::optional<std::string> id) {
    Container container = try_create(options, std::move(id));
    require_success("create", container.created);
    REQUIRE(container.pid() > 0);
    return container;
}

Strings Box::exec_line(const Container& container, const Strings& probe_arguments,
                       const Strings& flags) const {
    Strings line = {"exec"};
    line.insert(line.end(), flags.begin(), flags.end());
    line.push_back(container.id());
    line.emplace_back("/probe");
    line.insert(line.end(), probe_arguments.begin(), probe_arguments.end());
    return line;
}

Finished Box::exec(const Container& container, const Strings& probe_arguments, const Strings& flags,
                   const CommandOptions& options) const {
    return call(exec_line(container, probe_arguments, flags), options);
}

Container Box::sleeper(const CreateOptions& options) {
    bundle.args({"sleep"});
    CreateOptions quiet = options;
    quiet.quiet = true;
    Container container = create(quiet);
    container.start();
    return container;
}

Outcome Box::life(const CreateOptions& options) {
    Container container = create(options);
    container.start();
    Outcome outcome;
    outcome.code = container.wait_code();
    outcome.out = container.out().wait_for_end();
    outcome.err = container.err().wait_for_end();
    container.remove();
    return outcome;
}

Outcome Box::life(const Strings& probe_arguments, const CreateOptions& options) {
    bundle.args(probe_arguments);
    return life(options);
}

std::string Box::refusal(const CreateOptions& options) {
    Container container = try_create(options);
    const std::string text = container.err().wait_for_end();
    INFO("create said: " << text);
    CHECK(container.created.code() == 1);
    CHECK(lines_of(text).size() >= 1);
    CHECK(container.out().wait_for_end() == "");
    CHECK(leftovers() == std::vector<std::string>{});
    return text;
}

std::vector<std::string> Box::leftovers() const {
    std::vector<std::string> found;
    for (const pid_t pid : wait_for_children(milliseconds{2000}, others_)) {
        found.push_back("process " + std::to_string(pid) + ": " + command_line_of(pid));
    }
    for (const fs::path& cgroup : find_cgroups(name_)) found.push_back("cgroup " + cgroup.string());
    for (const std::string& name : names_in(root())) {
        found.push_back("file " + (root() / name).string());
    }
    for (const std::string& line : lines_of(read_file("/proc/self/mountinfo"))) {
        if (contains(line, directory_.path().string())) found.push_back("mount " + line);
    }
    return found;
}

std::string value_of(std::string_view output, std::string_view name) {
    return line_after(output, std::string(name) + "=");
}

std::string facts_of(std::string_view output, std::string_view path) {
    return line_after(output, std::string(path) + " ");
}

}  // namespace lxcri::test
