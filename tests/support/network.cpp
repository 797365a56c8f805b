#include "support/network.h"

#include <fcntl.h>
#include <sched.h>

#include <stdexcept>

#include "support/environment.h"
#include "support/files.h"
#include "support/process.h"

namespace lxcri::test {

namespace {

using Json = nlohmann::json;

Finished run_ip(const std::string& arguments, pid_t pid) {
    Strings command;
    if (pid != 0) {
        command = {find_program("nsenter"), "--net=/proc/" + std::to_string(pid) + "/ns/net"};
    }
    command.push_back(find_program("ip"));
    for (const auto& argument : split(arguments, ' ')) command.push_back(argument);
    return run_command(command);
}

void require_ip(const std::string& arguments, pid_t pid) {
    const Finished result = run_ip(arguments, pid);
    if (result.code() != 0) {
        throw std::runtime_error("ip " + arguments + ": " + result.err + result.out);
    }
}

std::optional<Json> device(const std::string& name, pid_t pid) {
    const Finished result = run_ip("-j -d address show dev " + name, pid);
    if (result.code() != 0) return {};
    return std::make_optional<Json>(Json::parse(result.out).at(0));
}

}  // namespace

OwnNetwork::OwnNetwork() : before_(::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC)) {
    if (!before_.valid() || ::unshare(CLONE_NEWNET) == -1) {
        throw std::runtime_error("no network namespace can be made");
    }
}

OwnNetwork::~OwnNetwork() {
    if (::setns(before_.get(), CLONE_NEWNET) == -1) std::terminate();
}

void ip(const std::string& arguments) {
    require_ip(arguments, 0);
}

void ip_in(pid_t pid, const std::string& arguments) {
    require_ip(arguments, pid);
}

std::optional<Json> find_device(const std::string& name) {
    return device(name, 0);
}

std::optional<Json> find_device_in(pid_t pid, const std::string& name) {
    return device(name, pid);
}

std::string global_addresses(const Json& device) {
    std::string text;
    for (const Json& address : device.at("addr_info")) {
        if (address.at("scope") != "global") continue;
        if (!text.empty()) text += ' ';
        text += address.at("local").get<std::string>() + "/" +
                std::to_string(address.at("prefixlen").get<int>());
    }
    return text;
}

bool is_up(const Json& device) {
    for (const Json& flag : device.at("flags")) {
        if (flag == "UP") return true;
    }
    return false;
}

std::optional<std::string> need_device_kind(const std::string& kind) {
    if (auto missing = need_program("ip")) return missing;
    const OwnNetwork network;
    if (run_ip("link add probe0 type " + kind, 0).code() == 0) return {};
    return "this kernel makes no network devices of the kind " + kind;
}

}  // namespace lxcri::test
