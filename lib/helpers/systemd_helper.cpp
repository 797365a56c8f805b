#include "helpers/systemd_helper.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <utility>

#include "base/error.h"
#include "base/strings.h"
#include "handoff/channel.h"
#include "handoff/failure.h"
#include "helpers/helper_image.h"
#include "os/check.h"
#include "os/file.h"
#include "os/unix_socket.h"
#include "os/user_namespace.h"

namespace lxcri::helpers {

namespace {

using handoff::MessageKind;
using handoff::UnitProperty;
using handoff::UnitRequest;

// Where the buses are; nothing else of the caller's environment is of use.
std::vector<std::string> bus_environment() {
    std::vector<std::string> environment;
    for (const char* name :
         {"DBUS_SYSTEM_BUS_ADDRESS", "DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR"}) {
        if (const char* value = ::getenv(name)) environment.push_back(concat(name, "=", value));
    }
    return environment;
}

// A property that systemd names in its refusal is the one that it refuses.
std::string_view find_culprit(const UnitRequest& request, std::string_view words) {
    for (const UnitProperty& property : request.properties) {
        if (!property.pointer.empty() && words.find(property.name) != std::string_view::npos) {
            return property.pointer;
        }
    }
    return {};
}

// Root of a user namespace may ask systemd of a system container it is in. The host's belongs to a
// user that is not mapped there.
bool has_systemd_of_root() {
    struct stat status {};
    return ::stat("/run/systemd/system", &status) == 0 && status.st_uid == 0;
}

}  // namespace

SystemdHelper::SystemdHelper(const settings::Options& options) : timeout_(options.timeout) {
    const os::UniqueFd null = os::open_at(AT_FDCWD, "/dev/null", O_RDWR);
    auto [ours, theirs] = os::make_seqpacket_pair();
    os::Command command;
    command.path = find_helper(options, "lxcri-systemd");
    command.arguments = {"lxcri-systemd"};
    command.environment = bus_environment();
    command.descriptors = {
        {null.get(), 0}, {null.get(), 1}, {null.get(), 2}, {theirs.get(), handoff::kChannelFd}};
    // It has to finish what it has begun when `lxcri run` passes on what a terminal says.
    command.session = os::Session::own;
    command.directory = "/";
    program_ = os::spawn(command);
    channel_ = std::move(ours);
}

void SystemdHelper::ask(UnitRequest request) {
    request.user_manager = find_user_manager().has_value();
    request.timeout = static_cast<std::uint32_t>(timeout_.count());
    try {
        handoff::send(channel_.get(), MessageKind::unit_request, handoff::encode(request));
    } catch (const handoff::Disconnected&) {
        // What is received, or its absence, tells why.
    }
    // Its own deadline comes first.
    const auto deadline = os::Clock::now() + timeout_ + std::chrono::seconds(5);
    pollfd wanted{channel_.get(), POLLIN, 0};
    const int ready = os::retry([&] { return ::poll(&wanted, 1, os::poll_timeout(deadline)); });
    if (os::check(ready, "poll") == 0) throw Error("lxcri-systemd does not answer");
    const auto answer = handoff::receive(channel_.get());
    if (!answer) {
        const auto status = program_.process().wait(deadline);
        if (auto failure = program_.find_failure()) throw std::move(*failure);
        throw Error(concat("lxcri-systemd ", status ? status->describe() : "does not end"));
    }
    if (answer->kind == MessageKind::unit_done) return;
    try {
        handoff::throw_failure(answer->body);
    } catch (const Error& error) {
        const std::string_view culprit = find_culprit(request, error.what());
        if (culprit.empty()) throw;
        throw SpecError(std::string(culprit), error.what());
    }
}

cgroup::UserManager find_user_manager() {
    const os::OuterUser user = os::find_outer_user();
    if (user.uid == 0 && user.initial_namespace) return {};
    if (::geteuid() == 0 && has_systemd_of_root()) return {};
    return user.uid;
}

}  // namespace lxcri::helpers
