#pragma once
// The agent: takes listeners from runtimes, and answers what comes through them. One thread; a call
// is carried out by a child of its own. So a call that takes long, a file system that does not
// answer for example, keeps neither another call nor another container waiting.

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "agent/container.h"
#include "agent/policy.h"
#include "agent/record.h"
#include "agent/service_manager.h"
#include "os/process.h"
#include "os/unique_fd.h"

namespace lxcri::agent {

// One line. What is from outside is not yet escaped.
using Log = std::function<void(std::string_view)>;

class Server {
  public:
    // `socket` listens already.
    Server(os::UniqueFd socket, std::string policy_file, ServiceManager manager, Log log);
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;
    ~Server();

    // What an agent before this one has left with the service manager.
    void take_over(std::vector<PassedFd> kept);
    // Until SIGTERM or SIGINT, which must be blocked.
    void run();

  private:
    struct Connection {
        os::UniqueFd socket;
        std::string text;
        std::vector<os::UniqueFd> fds;
        os::Deadline deadline;
    };
    struct Listener {
        std::string name;  // in the service manager's store
        os::UniqueFd fd;
        os::UniqueFd user_namespace;
        Record record;
        ContainerState state;
        Policy policy;  // with the calls alone that are granted to this container
        std::size_t running = 0;
        bool ended = false;  // its processes have ended; what is still worked on may complain
        std::set<std::string> complaints{};  // that the log has
    };
    struct Work {
        os::ChildProcess child;
        std::uint64_t listener;  // its key; it may be gone
        std::uint64_t id;
        os::Deadline deadline;  // kNoDeadline: it has passed
        os::UniqueFd
            end;  // of a pipe: what the child says, and that it and those it has started have ended
    };

    void watch(int fd, std::uint32_t events, std::uint64_t key) const;
    void change(int fd, std::uint32_t events, std::uint64_t key) const;
    void unwatch(int fd) const;
    std::uint64_t next_key() { return ++last_key_; }

    void accept_connection();
    void read_connection(std::uint64_t key);
    void end_connection(std::uint64_t key);
    // The document is complete.
    void take_listener(std::string_view text, const ContainerState& state,
                       std::vector<os::UniqueFd> fds);
    void add_listener(std::string name, os::UniqueFd fd, os::UniqueFd user_namespace, Record record,
                      ContainerState state);
    void restore_listener(const std::string& name, std::vector<os::UniqueFd> fds);
    Policy policy_for(const ContainerState& state) const;
    void serve_listener(std::uint64_t key, std::uint32_t events);
    void begin_call(std::uint64_t key, Listener& listener);
    void end_listener(std::uint64_t key);
    void end_work(std::uint64_t key);
    void complain(Listener& listener, const std::string& complaint);
    void settle(const Work& work, bool answered);

    void handle(std::uint64_t key, std::uint32_t events);
    os::Deadline next_deadline() const;
    void expire();

    os::UniqueFd socket_;
    std::string policy_file_;
    ServiceManager manager_;
    Log log_;
    os::UniqueFd epoll_;
    os::UniqueFd signals_;
    bool stop_ = false;
    std::uint64_t last_key_ = 1;
    std::map<std::uint64_t, Connection> connections_;
    std::map<std::uint64_t, Listener> listeners_;
    std::map<std::uint64_t, Work> works_;
};

}  // namespace lxcri::agent
