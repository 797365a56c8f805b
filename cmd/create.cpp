#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>

#include "base/error.h"
#include "base/strings.h"
#include "command.h"
#include "create_options.h"
#include "parse.h"
#include "runtime/supervisor.h"

namespace lxcri::cmd {

namespace {

// sd_listen_fds(3): with a LISTEN_PID they are for that process; another process's numbers mean
// other descriptors here, which the container must not get.
bool is_for_us() {
    const char* pid = ::getenv("LISTEN_PID");
    return pid == nullptr || parse_integer<pid_t>(pid) == ::getpid();
}

// The first of `count` descriptors, from 3 on, that is not open.
std::optional<int> find_closed(std::uint32_t count) {
    for (std::uint32_t i = 0; i < count; ++i) {
        const int fd = static_cast<int>(i) + 3;
        if (::fcntl(fd, F_GETFD) == -1) return fd;
    }
    return {};
}

// What cannot be true is left over from the start of another program, and no reason to fail.
std::uint32_t count_listen_fds(const settings::Options::Tell& warn) {
    const char* value = ::getenv("LISTEN_FDS");
    if (value == nullptr || *value == '\0' || !is_for_us()) return 0;
    const auto count = parse_integer<std::uint32_t>(value);
    constexpr std::uint32_t kMost = 4096;
    if (!count || *count > kMost) {
        warn(concat("LISTEN_FDS: expected a number, got ", lxcri::in_quotes(value),
                    "; it is ignored"));
        return 0;
    }
    if (const auto fd = find_closed(*count)) {
        warn(concat("LISTEN_FDS: descriptor ", std::to_string(*fd), " is not open; it is ignored"));
        return 0;
    }
    return *count;
}

std::string absolute_path(const std::string& path, std::string_view option) {
    const std::unique_ptr<char, void (*)(void*)> real(::realpath(path.c_str(), nullptr), ::free);
    if (!real) throw SystemError(errno, option, path);
    return real.get();
}

}  // namespace

void check_preserved(std::uint32_t count) {
    if (const auto fd = find_closed(count)) {
        throw Error(concat("--preserve-fds: descriptor ", std::to_string(*fd), " is not open"));
    }
}

std::chrono::seconds parse_timeout(const std::string& text) {
    constexpr std::uint32_t kDay = 86400;
    const auto seconds = parse_integer<std::uint32_t>(text);
    if (seconds && *seconds >= 1 && *seconds <= kDay) return std::chrono::seconds(*seconds);
    reject("--timeout", text, "a number from 1 to 86400");
}

std::string absolute_bundle(const std::string& bundle) {
    return absolute_path(bundle, "--bundle");
}

void complete(runtime::CreateOptions& options, const settings::Options& common) {
    options.bundle = absolute_bundle(options.bundle);
    if (!options.config_file.empty()) {
        options.config_file = absolute_path(options.config_file, "--config");
    }
    options.listen_fds = count_listen_fds(common.warn);
    const char* names = ::getenv("LISTEN_FDNAMES");
    if (names != nullptr) options.listen_fdnames = names;
    check_preserved(options.listen_fds + options.preserve_fds);
}

int run_create(const settings::Options& common, Arguments arguments) {
    Parser parser("Make a container from a bundle. Its process waits for `lxcri start ID`.",
                  "lxcri create");
    runtime::CreateOptions create;
    settings::Options options = common;
    parser.add(kBundleOptions, create);
    parser.add(kCreateOptions, create);
    parser.add(kTimeoutOption, options);
    parser.parse(std::move(arguments));
    complete(create, options);
    runtime::create_and_leave(options, create, runtime::Starts::no);
    return EXIT_SUCCESS;
}

}  // namespace lxcri::cmd
