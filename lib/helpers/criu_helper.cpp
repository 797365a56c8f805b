#include "helpers/criu_helper.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <exception>

#include "base/error.h"
#include "base/strings.h"
#include "handoff/failure.h"
#include "helpers/helper_image.h"
#include "os/check.h"
#include "os/file.h"
#include "os/unix_socket.h"

namespace lxcri::helpers {

namespace {

using handoff::MessageKind;

// Said in every log, also where all went well.
bool is_harmless(std::string_view line) {
    constexpr std::array<std::string_view, 2> kHarmless{"Can't setup RLIMIT_NOFILE",
                                                        "ddress already assigned"};
    return std::any_of(kHarmless.begin(), kHarmless.end(), [&](std::string_view text) {
        return line.find(text) != std::string_view::npos;
    });
}

}  // namespace

std::string find_criu(const settings::Options& options) {
    if (!options.criu.empty()) {
        if (::access(options.criu.c_str(), X_OK) == 0) return options.criu;
        throw SystemError(errno, "execute", options.criu);
    }
    for (const char* path : {"/usr/local/sbin/criu", "/usr/sbin/criu", "/usr/local/bin/criu",
                             "/usr/bin/criu", "/sbin/criu"}) {
        if (::access(path, X_OK) == 0) return path;
    }
    throw Error("CRIU is not installed (package criu); --criu names one that is elsewhere");
}

std::string find_cause_in_log(std::string_view log) {
    for (const std::string& line : split(log, '\n')) {
        // "(00.095085) Error (criu/files-reg.c:1790): Can't lookup mount=78 for fd=0"
        constexpr std::string_view kError = "Error (";
        const auto error = line.find(kError);
        if (error == std::string::npos || is_harmless(line)) continue;
        const auto text = line.find("): ", error);
        if (text != std::string::npos) return line.substr(text + 3);
    }
    return {};
}

CriuHelper::CriuHelper(const settings::Options& options, const cgroup::Entrance& entrance) {
    output_ =
        os::UniqueFd(os::check(::memfd_create("lxcri-criu output", MFD_CLOEXEC), "memfd_create"));
    os::check(::fcntl(output_.get(), F_SETFL, O_APPEND), "fcntl F_SETFL");
    auto [ours, theirs] = os::make_seqpacket_pair();
    os::accept_credentials(ours.get());
    os::Command command;
    command.path = find_helper(options, "lxcri-criu");
    command.arguments = {"lxcri-criu"};
    command.descriptors = {{output_.get(), 0},
                           {output_.get(), 1},
                           {output_.get(), 2},
                           {theirs.get(), handoff::kChannelFd}};
    // It finishes what it has begun, also when a terminal interrupts lxcri, and notices by itself
    // that lxcri has been killed.
    command.session = os::Session::own;
    command.at_our_end = os::AtOurEnd::goes_on;
    command.directory = "/";
    command.cgroup = entrance.borrow();
    program_ = os::spawn(command);
    channel_ = std::move(ours);
}

// CRIU's answer says that it failed; its log says why.
std::string CriuHelper::explain(const std::string& failure,
                                const handoff::CriuRequest& request) const {
    const std::string log_path = concat(request.log_directory, "/", request.log_file);
    std::string cause;
    if (const auto log = os::find_file_at(AT_FDCWD, log_path)) cause = find_cause_in_log(*log);
    if (!cause.empty()) return concat("criu: ", in_quotes(cause), ", see ", in_quotes(log_path));
    if (::lseek(output_.get(), 0, SEEK_SET) == -1) return failure;
    const std::string said = os::read_all(output_.get(), "lxcri-criu");
    if (said.empty()) return failure;
    return concat(failure, ": ", in_quotes(said.substr(0, said.find('\n'))));
}

// With as many messages as the descriptors need.
void CriuHelper::send_request(const handoff::CriuRequest& request, std::span<const int> fds) {
    try {
        auto size = std::min(fds.size(), handoff::kMostFds);
        handoff::send(channel_.get(), MessageKind::criu_request, handoff::encode(request),
                      fds.first(size));
        while (size < fds.size()) {
            fds = fds.subspan(size);
            size = std::min(fds.size(), handoff::kMostFds);
            handoff::send(channel_.get(), MessageKind::sources, {}, fds.first(size));
        }
    } catch (const handoff::Disconnected&) {
        // What carry_out() receives, or its absence, tells why.
        return;
    }
}

pid_t CriuHelper::carry_out(const handoff::CriuRequest& request, const OnNotice& on_notice) {
    std::exception_ptr refused;
    while (auto message = handoff::receive(channel_.get())) {
        if (message->kind == MessageKind::failure) {
            if (refused) std::rethrow_exception(refused);
            try {
                handoff::throw_failure(message->body);
            } catch (const Error& error) {
                throw Error(explain(error.what(), request));
            }
        }
        const auto notice = handoff::decode<handoff::CriuNotice>(message->body);
        if (message->kind == MessageKind::criu_done) {
            (void)program_.process().wait();
            return notice.pid;
        }
        try {
            on_notice(notice, std::move(*message));
            (void)handoff::send(channel_.get(), MessageKind::criu_go_on, {});
        } catch (const std::exception&) {
            // CRIU takes back what it has made, and then says that it has failed.
            refused = std::current_exception();
            (void)handoff::send(channel_.get(), MessageKind::failure, {});
        }
    }
    const auto status = program_.process().wait();
    if (auto failure = program_.find_failure()) throw std::move(*failure);
    throw Error(
        explain(concat("lxcri-criu ", status ? status->describe() : "does not end"), request));
}

}  // namespace lxcri::helpers
