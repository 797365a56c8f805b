#include "agent/server.h"

#include <fcntl.h>
#include <linux/nsfs.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <cstdio>

#include "agent/answer.h"
#include "base/error.h"
#include "base/strings.h"
#include "os/check.h"
#include "os/file.h"
#include "os/unix_socket.h"

namespace lxcri::agent {

namespace {

constexpr std::uint64_t kSocketKey = 0;
constexpr std::uint64_t kSignalKey = 1;
constexpr std::size_t kMostConnections = 64;
constexpr std::size_t kMostComplaints = 10;
constexpr std::size_t kLongestDocument = 4U << 20U;
constexpr std::size_t kPiece = 64U << 10U;
constexpr std::chrono::seconds kTimeToSend{10};
constexpr std::chrono::seconds kTimeToAnswer{10};
constexpr std::chrono::seconds kTimeToMount{60};  // a journal may have to be played

bool is_listener(int fd) {
    std::uint64_t id = 0;
    return ::ioctl(fd, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0 || errno == ENOENT;
}

bool is_user_namespace(int fd) {
    return ::ioctl(fd, NS_GET_NSTYPE) == CLONE_NEWUSER;
}

std::string random_name() {
    std::uint64_t number = 0;
    os::check(::getrandom(&number, sizeof number, 0), "getrandom");
    std::array<char, 32> text{};
    const int length = std::snprintf(text.data(), text.size(), "call-%016llx",
                                     static_cast<unsigned long long>(number));
    return {text.data(), static_cast<std::size_t>(length)};
}

bool comes_from_root(int socket) {
    ucred peer{};
    socklen_t size = sizeof peer;
    os::check(::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size), "getsockopt");
    return peer.uid == 0 || peer.uid == ::geteuid();
}

// Of the process with the filter; where that has ended already, of the container's first one.
os::UniqueFd open_user_namespace(const ContainerState& state) {
    for (const pid_t pid : {state.process, state.init}) {
        if (pid == 0) continue;
        try {
            const auto process = os::ProcessRef::open(pid);
            os::UniqueFd fd =
                os::open_at(AT_FDCWD, concat("/proc/", std::to_string(pid), "/ns/user"), O_RDONLY);
            if (os::is_alive(pid, process.start_time())) return fd;
        } catch (const SystemError&) {
            // It has ended. The other one may live.
            continue;
        }
    }
    throw Error("its processes have ended");
}

std::uint64_t start_time_of(const ContainerState& state) {
    const auto stat = os::find_process_stat(state.init != 0 ? state.init : state.process);
    return stat ? stat->start_time : 0;
}

// In the child of a call, to its end.
[[noreturn]] void carry_out(const Request& request) noexcept {
    Answer result{EPERM, false};
    try {
        result = answer(request);
    } catch (const SystemError& error) {
        result.error = error.code();
    } catch (const std::exception& error) {
        result.complaint = concat(name_of(request.call.which), ": ", error.what());
    }
    const std::string& complaint = result.complaint;
    send(request.listener, request.notif.id, result);
    // In one piece (pipe(7)), so it does not block. Without it the call is answered all the same.
    if (!complaint.empty()) {
        (void)!::write(request.complaints, complaint.data(),
                       std::min<std::size_t>(complaint.size(), PIPE_BUF));
    }
    ::_exit(EXIT_SUCCESS);
}

std::string read_complaint(int pipe) {
    std::array<char, PIPE_BUF> text{};
    const ssize_t size = ::read(pipe, text.data(), text.size());
    return {text.data(), size < 0 ? 0 : static_cast<std::size_t>(size)};
}

std::chrono::seconds time_for(SystemCall call) {
    return call == SystemCall::mount ? kTimeToMount : kTimeToAnswer;
}

std::string text_of(const std::vector<oci::AgentCall>& calls) {
    std::string text;
    for (const auto call : calls) {
        text += concat(text.empty() ? "" : ",", name_of(oci::kAgentCalls, call));
    }
    return text.empty() ? "nothing" : text;
}

}  // namespace

Server::Server(os::UniqueFd socket, std::string policy_file, ServiceManager manager, Log log)
    : socket_(std::move(socket)),
      policy_file_(std::move(policy_file)),
      manager_(std::move(manager)),
      log_(std::move(log)),
      epoll_(os::check(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")) {
    // A process of a container that sees those of the host must not look into this one.
    os::check(::prctl(PR_SET_DUMPABLE, 0), "prctl PR_SET_DUMPABLE");
    sigset_t set;
    ::sigemptyset(&set);
    ::sigaddset(&set, SIGTERM);
    ::sigaddset(&set, SIGINT);
    os::check(::sigprocmask(SIG_BLOCK, &set, nullptr), "sigprocmask");
    signals_.reset(os::check(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK), "signalfd"));
    watch(socket_.get(), EPOLLIN, kSocketKey);
    watch(signals_.get(), EPOLLIN, kSignalKey);
}

Server::~Server() = default;

void Server::watch(int fd, std::uint32_t events, std::uint64_t key) const {
    epoll_event event{};
    event.events = events;
    event.data.u64 = key;
    os::check(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
}

void Server::change(int fd, std::uint32_t events, std::uint64_t key) const {
    epoll_event event{};
    event.events = events;
    event.data.u64 = key;
    os::check(::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event), "epoll_ctl");
}

// The child of a call has a copy of each descriptor, so that closing ours does not end the watch.
void Server::unwatch(int fd) const {
    os::check(::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr), "epoll_ctl");
}

// ---- runtimes -------------------------------------------------------------------------------

void Server::accept_connection() {
    os::UniqueFd socket(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!socket.valid()) return;  // it has gone again, or there is no descriptor left for it
    if (connections_.size() >= kMostConnections || !comes_from_root(socket.get())) return;
    const std::uint64_t key = next_key();
    watch(socket.get(), EPOLLIN, key);
    connections_.emplace(key,
                         Connection{std::move(socket), {}, {}, os::Clock::now() + kTimeToSend});
}

void Server::read_connection(std::uint64_t key) {
    Connection& connection = connections_.at(key);
    try {
        auto message = os::receive_message(connection.socket.get(), kPiece);
        if (!message) throw Error("it has ended before the document was complete");
        connection.text += message->data;
        for (auto& fd : message->fds) connection.fds.push_back(std::move(fd));
        if (connection.text.size() > kLongestDocument) throw Error("the document is too long");
        std::optional<ContainerState> state;
        try {
            state = parse_container_state(connection.text);
        } catch (const SpecError& error) {
            // Not complete yet, unless it ends like one.
            if (!connection.text.ends_with('}') && !connection.text.ends_with("}\n")) return;
            throw;
        }
        take_listener(connection.text, *state, std::move(connection.fds));
    } catch (const SystemError& error) {
        if (error.code() == EAGAIN) return;
        log_(concat("a runtime: ", error.what()));
    } catch (const Error& error) {
        log_(concat("a runtime: ", error.what()));
    }
    end_connection(key);
}

void Server::end_connection(std::uint64_t key) {
    unwatch(connections_.at(key).socket.get());
    connections_.erase(key);
}

void Server::take_listener(std::string_view text, const ContainerState& state,
                           std::vector<os::UniqueFd> fds) {
    const auto name = std::find(state.fds.begin(), state.fds.end(), "seccompFd");
    const auto index = static_cast<std::size_t>(name - state.fds.begin());
    if (name == state.fds.end() || index >= fds.size()) {
        throw Error("expected a descriptor \"seccompFd\" in /fds, got none");
    }
    if (!is_listener(fds[index].get())) throw Error("\"seccompFd\" is no listener of a filter");
    in_context(concat("container ", in_quotes(state.id)), [&] {
        add_listener(random_name(), std::move(fds[index]), open_user_namespace(state),
                     Record(text, start_time_of(state)), state);
    });
}

Policy Server::policy_for(const ContainerState& state) const {
    Policy policy;
    try {
        policy = read_policy(policy_file_);
    } catch (const Error& error) {
        log_(concat("nothing is allowed: ", error.what()));
    }
    policy.calls = granted(state, policy);
    return policy;
}

void Server::add_listener(std::string name, os::UniqueFd fd, os::UniqueFd user_namespace,
                          Record record, ContainerState state) {
    const std::uint64_t key = next_key();
    Policy policy = policy_for(state);
    log_(concat("container ", in_quotes(state.id), ": serves ", text_of(policy.calls)));
    watch(fd.get(), EPOLLIN, key);
    const auto& added =
        listeners_
            .emplace(key, Listener{std::move(name), std::move(fd), std::move(user_namespace),
                                   std::move(record), std::move(state), std::move(policy)})
            .first->second;
    const std::array fds{added.fd.get(), added.record.fd(), added.user_namespace.get()};
    try {
        manager_.keep(added.name, fds);
    } catch (const Error& error) {
        log_(concat("the next agent cannot take over: ", error.what()));
    }
}

// ---- after another agent --------------------------------------------------------------------

void Server::restore_listener(const std::string& name, std::vector<os::UniqueFd> fds) {
    os::UniqueFd listener;
    os::UniqueFd user_namespace;
    os::UniqueFd record_file;
    for (auto& fd : fds) {
        if (is_listener(fd.get())) {
            listener = std::move(fd);
        } else if (is_user_namespace(fd.get())) {
            user_namespace = std::move(fd);
        } else {
            record_file = std::move(fd);
        }
    }
    if (!listener.valid() || !user_namespace.valid() || !record_file.valid()) {
        throw Error("some of its descriptors are missing");
    }
    Record record(std::move(record_file));
    ContainerState state = parse_container_state(record.document());
    // Their children have died with the agent. What they had done is done.
    for (const std::uint64_t id : record.left_over()) {
        if (id == 0) continue;
        send(listener.get(), id, {EPERM, false});
        record.end(id);
    }
    add_listener(name, std::move(listener), std::move(user_namespace), std::move(record),
                 std::move(state));
}

void Server::take_over(std::vector<PassedFd> kept) {
    std::map<std::string, std::vector<os::UniqueFd>> groups;
    for (auto& passed : kept) groups[passed.name].push_back(std::move(passed.fd));
    for (auto& [name, fds] : groups) {
        // The new agent puts them into the store again.
        manager_.forget(name);
        try {
            restore_listener(name, std::move(fds));
        } catch (const Error& error) {
            log_(concat(in_quotes(name), ": ", error.what()));
        }
    }
}

// ---- calls ----------------------------------------------------------------------------------

void Server::serve_listener(std::uint64_t key, std::uint32_t events) {
    Listener& listener = listeners_.at(key);
    if ((events & EPOLLIN) != 0) {
        begin_call(key, listener);
    } else if ((events & (EPOLLHUP | EPOLLERR)) != 0) {
        end_listener(key);
    }
}

void Server::begin_call(std::uint64_t key, Listener& listener) {
    Request request;
    if (::ioctl(listener.fd.get(), SECCOMP_IOCTL_NOTIF_RECV, &request.notif) != 0) {
        return;  // ENOENT: the caller has gone meanwhile
    }
    const std::uint64_t id = request.notif.id;
    const auto call = find_call(request.notif.data);
    if (!call) {
        send(listener.fd.get(), id, {ENOSYS, false});
        return;
    }
    if (!listener.policy.allows(family_of(call->which))) {
        send(listener.fd.get(), id, Answer::to_kernel());
        return;
    }
    request.call = *call;
    request.listener = listener.fd.get();
    request.user_namespace = listener.user_namespace.get();
    request.start_time = listener.record.start_time();
    request.policy = &listener.policy;
    try {
        listener.record.begin(id);
        std::array<int, 2> ends{};
        os::check(::pipe2(ends.data(), O_CLOEXEC), "pipe2");
        os::UniqueFd end(ends[0]);
        os::UniqueFd held(ends[1]);
        auto child = os::fork_child();
        request.complaints = held.get();
        if (!child) carry_out(request);
        held.reset();
        const std::uint64_t work_key = next_key();
        watch(end.get(), EPOLLIN, work_key);
        works_.emplace(work_key,
                       Work{std::move(*child), key, id,
                            os::Clock::now() + time_for(request.call.which), std::move(end)});
    } catch (const Error& error) {
        complain(listener, error.what());
        send(listener.fd.get(), id, {EAGAIN, false});
        listener.record.end(id);
        return;
    }
    if (++listener.running == kMostPending) change(listener.fd.get(), 0, key);
}

// A container can repeat what leads to one, and decides about some of its words.
void Server::complain(Listener& listener, const std::string& complaint) {
    if (complaint.empty() || listener.complaints.size() == kMostComplaints) return;
    if (!listener.complaints.insert(complaint).second) return;
    log_(concat("container ", in_quotes(listener.state.id), ": ", complaint));
    if (listener.complaints.size() == kMostComplaints) {
        log_(concat("container ", in_quotes(listener.state.id), ": no more is said about it"));
    }
}

void Server::settle(const Work& work, bool answered) {
    const auto found = listeners_.find(work.listener);
    if (found == listeners_.end()) return;
    Listener& listener = found->second;
    if (!answered) send(listener.fd.get(), work.id, {EPERM, false});
}

void Server::end_work(std::uint64_t key) {
    auto node = works_.extract(key);
    Work& work = node.mapped();
    unwatch(work.end.get());
    const auto status = work.child.wait();
    settle(work, status && status->success());
    const auto found = listeners_.find(work.listener);
    if (found == listeners_.end()) return;
    Listener& listener = found->second;
    complain(listener, read_complaint(work.end.get()));
    listener.record.end(work.id);
    const bool was_full = listener.running-- == kMostPending;
    if (!listener.ended) {
        if (was_full) change(listener.fd.get(), EPOLLIN, work.listener);
    } else if (listener.running == 0) {
        listeners_.erase(found);
    }
}

void Server::end_listener(std::uint64_t key) {
    Listener& listener = listeners_.at(key);
    unwatch(listener.fd.get());
    try {
        manager_.forget(listener.name);
    } catch (const Error& error) {
        log_(error.what());
    }
    listener.ended = true;
    if (listener.running == 0) listeners_.erase(key);
}

// ---- the loop -------------------------------------------------------------------------------

os::Deadline Server::next_deadline() const {
    os::Deadline next = os::kNoDeadline;
    for (const auto& [key, connection] : connections_) next = std::min(next, connection.deadline);
    for (const auto& [key, work] : works_) next = std::min(next, work.deadline);
    return next;
}

void Server::expire() {
    const auto now = os::Clock::now();
    std::erase_if(connections_, [&](const auto& entry) {
        if (entry.second.deadline > now) return false;
        unwatch(entry.second.socket.get());
        return true;
    });
    for (auto& [key, work] : works_) {
        if (work.deadline > now) continue;
        // What does not die yet still counts as running: so one container never has more than its
        // few children, whatever they hang on.
        work.deadline = os::kNoDeadline;
        (void)work.child.signal(SIGKILL);
        settle(work, false);
    }
}

void Server::handle(std::uint64_t key, std::uint32_t events) {
    if (key == kSocketKey) {
        accept_connection();
    } else if (key == kSignalKey) {
        stop_ = true;
    } else if (connections_.contains(key)) {
        read_connection(key);
    } else if (works_.contains(key)) {
        end_work(key);
    } else if (listeners_.contains(key)) {
        serve_listener(key, events);
    }
}

void Server::run() {
    manager_.say_ready();
    while (!stop_) {
        std::array<epoll_event, 16> events{};
        const int count = os::check(os::retry([&] {
                                        return ::epoll_wait(epoll_.get(), events.data(),
                                                            static_cast<int>(events.size()),
                                                            os::poll_timeout(next_deadline()));
                                    }),
                                    "epoll_wait");
        for (int i = 0; i < count; ++i) {
            const auto& event = events.at(static_cast<std::size_t>(i));
            handle(event.data.u64, event.events);
        }
        expire();
    }
}

}  // namespace lxcri::agent
