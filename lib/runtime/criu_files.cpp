#include "runtime/criu_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/strings.h"
#include "helpers/ask_program.h"
#include "helpers/criu_helper.h"
#include "os/file.h"

namespace lxcri::runtime {

namespace {

os::UniqueFd open_directory(const std::string& path, const char* option) {
    return in_context(option, [&] { return os::open_at(AT_FDCWD, path, O_RDONLY | O_DIRECTORY); });
}

// With those above it.
os::UniqueFd make_directory(const std::string& path, const char* option) {
    for (auto slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
        const std::string part = path.substr(0, slash);
        if (::mkdir(part.c_str(), 0700) == -1 && errno != EEXIST) {
            throw SystemError(errno, concat(option, ": mkdir"), part);
        }
        if (slash == std::string::npos) break;
    }
    return open_directory(path, option);
}

const std::string& log_directory_of(const CriuOptions& asked) {
    return asked.work_path.empty() ? asked.image_path : asked.work_path;
}

}  // namespace

CriuFiles CriuFiles::make(const CriuOptions& asked) {
    auto images = make_directory(asked.image_path, "--image-path");
    (void)make_directory(log_directory_of(asked), "--work-path");
    return CriuFiles(std::move(images));
}

CriuFiles CriuFiles::open(const CriuOptions& asked) {
    auto images = open_directory(asked.image_path, "--image-path");
    (void)make_directory(log_directory_of(asked), "--work-path");
    return CriuFiles(std::move(images));
}

void CriuFiles::check_parent(const std::string& parent_path) const {
    if (parent_path.empty()) return;
    if (parent_path.starts_with('/')) {
        throw Error(concat("--parent-path: expected a path relative to --image-path, got ",
                           in_quotes(parent_path)));
    }
    (void)in_context("--parent-path", [&] {
        return os::open_at(images_.get(), parent_path, O_RDONLY | O_DIRECTORY);
    });
}

handoff::CriuRequest common_request(const settings::Options& options, const CriuOptions& asked) {
    handoff::CriuRequest request;
    request.criu = helpers::find_criu(options);
    request.images = asked.image_path;
    request.log_directory = log_directory_of(asked);
    request.tcp_established = asked.tcp_established;
    request.tcp_close = asked.tcp_close;
    request.external_unix_sockets = asked.external_unix_sockets;
    request.shell_job = asked.shell_job;
    request.file_locks = asked.file_locks;
    request.link_remap = asked.link_remap;
    request.auto_dedup = asked.auto_dedup;
    request.lazy_pages = asked.lazy_pages;
    request.empty_network = asked.empty_network;
    request.cgroup_mode = asked.cgroup_mode;
    return request;
}

void check_criu_keeps_no_new_privs(const settings::Options& options) {
    const auto answer = helpers::ask_program(helpers::find_criu(options), {"--version"});
    // "Version: 3.17.1", with more behind it for a build from a repository.
    const std::string_view version =
        std::string_view(answer.text).substr(std::min(answer.text.find(' '), answer.text.size()));
    const auto parts = split(version.substr(std::min<std::size_t>(1, version.size())), '.');
    const auto major = parse_integer<int>(parts.front());
    const auto minor = parts.size() > 1 ? parse_integer<int>(parts[1]) : std::nullopt;
    if (major && minor && std::pair(*major, *minor) >= std::pair(3, 19)) return;
    throw SpecError(
        "/process/noNewPrivileges",
        concat("true needs CRIU 3.19, which restores it; this one says ", in_quotes(answer.text)));
}

std::string criu_config_file(const std::map<std::string, std::string>& annotations) {
    const std::string directory = "/etc/criu/";
    const auto annotation = annotations.find("org.criu.config");
    if (annotation == annotations.end()) {
        const std::string usual = directory + "lxcri.conf";
        return ::access(usual.c_str(), F_OK) == 0 ? usual : "";
    }
    const std::string& path = annotation->second;
    if (path.empty()) return {};
    const std::string name = path.starts_with(directory) ? path.substr(directory.size()) : "";
    constexpr const char* kPointer = "/annotations/org.criu.config";
    if (name.empty() || name == "." || name == ".." || name.find('/') != std::string::npos) {
        throw SpecError(kPointer,
                        concat("expected a file in ", directory, ", got ", in_quotes(path)));
    }
    if (::access(path.c_str(), R_OK) == -1) {
        throw SpecError(kPointer, SystemError(errno, "open", path).what());
    }
    return path;
}

bool is_in_hierarchy(const cgroup::Directory& directory, const cgroup::Membership& place) {
    return place.controllers.empty() ? directory.version == 2
                                     : directory.controllers == place.controllers;
}

std::string_view external_namespace_key(std::string_view type) {
    if (type == "net") return "lxcriNetwork";
    if (type == "pid") return "lxcriPid";
    return {};
}

}  // namespace lxcri::runtime
