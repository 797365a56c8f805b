// lxcri-agent: carries out system calls of containers that the kernel refuses to them, as far as
// the administrator allows it: docs/lxcri-agent.8.
//
// Privilege: root of the host. Descriptors it gets: 0-2; from a service manager also its socket and
// what an agent before it has left.

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "agent/policy.h"
#include "agent/server.h"
#include "agent/service_manager.h"
#include "base/error.h"
#include "base/printable.h"
#include "base/strings.h"
#include "os/check.h"
#include "os/descriptor_limit.h"
#include "os/file.h"
#include "os/unix_socket.h"

namespace {

using namespace lxcri;

constexpr std::string_view kHelp =
    "usage: lxcri-agent [--socket PATH] [--config FILE]\n"
    "\n"
    "Carries out system calls for containers that ask for it: lxcri-agent(8).\n"
    "\n"
    "  --socket PATH   where runtimes connect, if a service manager has not made the socket\n"
    "                  (default: /run/lxcri-agent.sock)\n"
    "  --config FILE   what is allowed (default: /etc/lxcri/agent.json)\n"
    "  --version       show the version\n"
    "  --help          show this text\n";

struct Options {
    std::string socket = "/run/lxcri-agent.sock";
    std::string config = agent::kPolicyFile;
    bool version = false;
    bool help = false;
};

// The only way out: one line, escaped.
void write_line(int fd, std::string_view line) {
    const std::string text = concat(printable(line), "\n");
    // Where it cannot be told there is no other place to tell it.
    (void)!::write(fd, text.data(), text.size());
}

void log(std::string_view line) {
    write_line(STDERR_FILENO, concat("lxcri-agent: ", line));
}

Options parse(const std::vector<std::string>& words) {
    Options options;
    for (std::size_t i = 0; i < words.size(); ++i) {
        const std::string& word = words[i];
        if (word == "--version") {
            options.version = true;
        } else if (word == "--help") {
            options.help = true;
        } else if (word == "--socket" || word == "--config") {
            if (i + 1 == words.size() || words[i + 1].empty()) {
                throw Error(concat(word, ": expected a path"));
            }
            (word == "--socket" ? options.socket : options.config) = words[++i];
        } else {
            throw Error(concat("not known: ", in_quotes(word), ", see lxcri-agent --help"));
        }
    }
    return options;
}

// Of an agent that has gone. One that lives is an error.
void remove_dead_socket(const std::string& path) {
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0) return;
    if (!S_ISSOCK(status.st_mode))
        throw Error(concat(in_quotes(path), " exists, and is no socket"));
    try {
        (void)os::connect_stream(path);
    } catch (const SystemError& error) {
        if (error.code() != ECONNREFUSED) throw;
        os::check(::unlink(path.c_str()), "unlink", path);
        return;
    }
    throw Error(concat("another process listens on ", in_quotes(path)));
}

os::UniqueFd listen_on(const std::string& path) {
    remove_dead_socket(path);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) throw SystemError(ENAMETOOLONG, "bind", path);
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    os::UniqueFd socket(
        os::check(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), "socket"));
    const mode_t mask = ::umask(0177);
    os::check(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address),
              "bind", path);
    ::umask(mask);
    os::check(::listen(socket.get(), SOMAXCONN), "listen", path);
    return socket;
}

bool is_listening(int fd) {
    int value = 0;
    socklen_t size = sizeof value;
    return ::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &value, &size) == 0 && value != 0;
}

// The socket among them.
os::UniqueFd take_socket(std::vector<agent::PassedFd>& passed) {
    for (auto entry = passed.begin(); entry != passed.end(); ++entry) {
        if (!is_listening(entry->fd.get())) continue;
        os::UniqueFd socket = std::move(entry->fd);
        passed.erase(entry);
        os::check(::fcntl(socket.get(), F_SETFL, O_NONBLOCK), "fcntl F_SETFL");
        return socket;
    }
    return {};
}

void serve(const Options& options) {
    if (::geteuid() != 0) throw Error("expected root: no other user may carry out such calls");
    // What is wrong now is told now.
    (void)agent::read_policy(options.config);
    // Three for each process with a filter of its own.
    const os::ManyDescriptors many;
    auto passed = agent::take_passed_descriptors();
    os::UniqueFd socket = take_socket(passed);
    const bool is_own = !socket.valid();
    if (is_own) socket = listen_on(options.socket);
    const char* notify = ::getenv("NOTIFY_SOCKET");
    agent::Server server(std::move(socket), options.config,
                         agent::ServiceManager(notify == nullptr ? "" : notify), log);
    server.take_over(std::move(passed));
    server.run();
    if (is_own) (void)::unlink(options.socket.c_str());
}

}  // namespace

int main(int argc, char** argv) {
    try {
        const Options options = parse({argv + 1, argv + argc});
        if (options.help) {
            (void)!::write(STDOUT_FILENO, kHelp.data(), kHelp.size());
        } else if (options.version) {
            write_line(STDOUT_FILENO, "lxcri-agent " LXCRI_VERSION);
        } else {
            serve(options);
        }
    } catch (const std::exception& error) {
        log(error.what());
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
