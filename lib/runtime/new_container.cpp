#include "runtime/new_container.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>

#include "base/strings.h"
#include "host/owner.h"
#include "os/file.h"

namespace lxcri::runtime {

namespace {

std::string now_rfc3339() {
    // The functions of time.h would read the time zone of the machine first.
    const auto now = std::chrono::system_clock::now();
    const auto day = std::chrono::floor<std::chrono::days>(now);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss<std::chrono::nanoseconds> time(now - day);
    std::array<char, 64> text{};
    const int length = std::snprintf(
        text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%09dZ",
        static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
        static_cast<unsigned>(date.day()), static_cast<int>(time.hours().count()),
        static_cast<int>(time.minutes().count()), static_cast<int>(time.seconds().count()),
        static_cast<int>(time.subseconds().count()));
    return {text.data(), static_cast<std::size_t>(length)};
}

bool has_own_pid_namespace(const translate::HostPlan& plan) {
    const auto* entry = plan.find_namespace(oci::NamespaceType::pid);
    return entry != nullptr && !entry->path;
}

}  // namespace

std::string config_path(const CreateOptions& call) {
    return call.config_file.empty() ? concat(call.bundle, "/config.json") : call.config_file;
}

std::string copy_config(const CreateOptions& call, const ContainerDir& dir) {
    std::string text = os::read_file_at(AT_FDCWD, config_path(call));
    const os::UniqueFd copy =
        os::open_at(dir.fd(), "config.json", O_WRONLY | O_CREAT | O_EXCL, 0600);
    os::write_all(copy.get(), text, "config.json");
    return text;
}

Record first_record(const translate::Plan& plan) {
    Record record;
    record.id = plan.host.id;
    record.oci_version = plan.host.oci_version;
    record.bundle = plan.host.bundle;
    record.rootfs = plan.host.rootfs;
    record.created = now_rfc3339();
    record.owner = host::owner_name(::geteuid());
    record.annotations = plan.host.annotations;
    record.own_pid_namespace = has_own_pid_namespace(plan.host);
    record.needs_plan =
        !plan.init.has_process || !plan.host.poststart.empty() || !plan.host.poststop.empty();
    return record;
}

oci::State state_for_hooks(const translate::HostPlan& plan, const Record& record, pid_t pid,
                           oci::Status status) {
    oci::State state = translate::make_state(plan, status);
    state.pid = pid;
    state.created = record.created;
    return state;
}

}  // namespace lxcri::runtime
