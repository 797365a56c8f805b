#include "systemd_bus.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "base/error.h"
#include "base/strings.h"

namespace lxcri::libexec {

namespace {

using handoff::UnitProperty;
using handoff::UnitRequest;

constexpr const char* kService = "org.freedesktop.systemd1";
constexpr const char* kPath = "/org/freedesktop/systemd1";
// The time that other processes in a container's unit have when it is removed. TimeoutStopUSec and
// KillSignal of the unit are not used: an annotation may have set them to any value.
constexpr auto kGrace = std::chrono::seconds(10);
constexpr const char* kManager = "org.freedesktop.systemd1.Manager";

// sd-bus returns negative errnos.
int check(int result, std::string_view call) {
    if (result < 0) throw SystemError(-result, call);
    return result;
}

os::Deadline deadline_of(const UnitRequest& request) {
    return os::Clock::now() + std::chrono::seconds(request.timeout);
}

// sd-bus takes 0 for its own default.
std::uint64_t microseconds_until(os::Deadline deadline) {
    const auto left =
        std::chrono::ceil<std::chrono::microseconds>(deadline - os::Clock::now()).count();
    return left < 1 ? 1 : static_cast<std::uint64_t>(left);
}

template <class Integer>
Integer to_integer(const std::string& text) {
    const auto value = parse_integer<Integer>(text);
    if (!value)
        throw Error(concat("internal error: ", in_quotes(text), " is not a number of its type"));
    return *value;
}

template <class Value>
void append_value(sd_bus_message* message, char type, const Value& value) {
    check(sd_bus_message_append_basic(message, type, &value), "sd_bus_message_append_basic");
}

void append_text(sd_bus_message* message, char type, const std::string& text) {
    check(sd_bus_message_append_basic(message, type, text.c_str()), "sd_bus_message_append_basic");
}

void append_word(sd_bus_message* message, char type, const std::string& text) {
    switch (type) {
        case 'b':
            return append_value(message, type, text == "true" ? 1 : 0);
        case 'y':
            return append_value(message, type, to_integer<std::uint8_t>(text));
        case 'n':
            return append_value(message, type, to_integer<std::int16_t>(text));
        case 'q':
            return append_value(message, type, to_integer<std::uint16_t>(text));
        case 'i':
            return append_value(message, type, to_integer<std::int32_t>(text));
        case 'u':
            return append_value(message, type, to_integer<std::uint32_t>(text));
        case 'x':
            return append_value(message, type, to_integer<std::int64_t>(text));
        case 't':
            return append_value(message, type, to_integer<std::uint64_t>(text));
        case 'd':
            return append_value(message, type, std::strtod(text.c_str(), nullptr));
        default:
            return append_text(message, type, text);
    }
}

void open(sd_bus_message* message, char type, const std::string& contents) {
    check(sd_bus_message_open_container(message, type, contents.c_str()),
          "sd_bus_message_open_container");
}

void close(sd_bus_message* message) {
    check(sd_bus_message_close_container(message), "sd_bus_message_close_container");
}

void append_property(sd_bus_message* message, const UnitProperty& property) {
    const bool is_array = property.type.front() == 'a';
    open(message, SD_BUS_TYPE_STRUCT, "sv");
    append_text(message, 's', property.name);
    open(message, SD_BUS_TYPE_VARIANT, property.type);
    if (is_array) open(message, SD_BUS_TYPE_ARRAY, property.type.substr(1));
    for (const std::string& word : property.values) {
        append_word(message, property.type.back(), word);
    }
    if (is_array) close(message);
    close(message);
    close(message);
}

UnitProperty property(std::string name, std::string type, std::string value) {
    return {{}, std::move(name), std::move(type), {std::move(value)}};
}

// Callers start the runtime with almost no environment.
int open_user_bus(sd_bus** bus) {
    if (::getenv("DBUS_SESSION_BUS_ADDRESS") == nullptr && ::getenv("XDG_RUNTIME_DIR") == nullptr) {
        ::setenv("XDG_RUNTIME_DIR", concat("/run/user/", std::to_string(::geteuid())).c_str(), 1);
    }
    return sd_bus_open_user(bus);
}

// sd_bus_call's own deadline begins when the bus has answered the first message.
void wait_until_connected(sd_bus* bus, os::Deadline deadline) {
    constexpr std::string_view kCall = "connect to the bus";
    while (check(sd_bus_is_ready(bus), kCall) == 0) {
        if (check(sd_bus_process(bus, nullptr), kCall) > 0) continue;
        if (os::Clock::now() >= deadline) throw Error("the bus does not answer");
        check(sd_bus_wait(bus, microseconds_until(deadline)), kCall);
    }
}

}  // namespace

SystemdBus::SystemdBus(bool user_manager) {
    sd_bus* bus = nullptr;
    if (user_manager) {
        check(open_user_bus(&bus), "connect to the bus of the user");
    } else {
        check(sd_bus_open_system(&bus), "connect to the system bus");
    }
    bus_.reset(bus);
    // Asked for before the job exists; the bus takes one thing after the other.
    check(sd_bus_match_signal_async(bus, nullptr, kService, kPath, kManager, "JobRemoved",
                                    on_job_removed, nullptr, this),
          "sd_bus_match_signal_async");
}

int SystemdBus::on_job_removed(sd_bus_message* message, void* self,
                               sd_bus_error* /*error*/) noexcept {
    std::uint32_t id = 0;
    const char* path = nullptr;
    const char* unit = nullptr;
    const char* result = nullptr;
    const int read = sd_bus_message_read(message, "uoss", &id, &path, &unit, &result);
    if (read < 0) return read;
    static_cast<SystemdBus*>(self)->results_.insert_or_assign(path, result);
    return 0;
}

SystemdBus::Message SystemdBus::make_call(const char* method) {
    sd_bus_message* message = nullptr;
    check(sd_bus_message_new_method_call(bus_.get(), &message, kService, kPath, kManager, method),
          method);
    return Message(message);
}

SystemdBus::Outcome SystemdBus::try_call(const Message& message, os::Deadline deadline) {
    wait_until_connected(bus_.get(), deadline);
    sd_bus_error error{};
    sd_bus_message* reply = nullptr;
    const int code =
        sd_bus_call(bus_.get(), message.get(), microseconds_until(deadline), &error, &reply);
    Outcome outcome{Message(reply), {}, {}};
    if (code < 0) {
        outcome.error = error.name == nullptr ? "" : error.name;
        outcome.words = error.message == nullptr ? errno_text(-code) : error.message;
    }
    sd_bus_error_free(&error);
    return outcome;
}

SystemdBus::Message SystemdBus::call(const Message& message, os::Deadline deadline) {
    Outcome outcome = try_call(message, deadline);
    if (!outcome.reply) {
        throw Error(concat(sd_bus_message_get_member(message.get()), ": ", outcome.words));
    }
    return std::move(outcome.reply);
}

std::string SystemdBus::job_of(const Message& reply) {
    const char* path = nullptr;
    check(sd_bus_message_read(reply.get(), "o", &path), "read the path of the job");
    return path;
}

bool SystemdBus::job_ends(const std::string& job, os::Deadline deadline) {
    while (results_.find(job) == results_.end()) {
        const int progress = check(sd_bus_process(bus_.get(), nullptr), "sd_bus_process");
        if (progress > 0) continue;
        if (os::Clock::now() >= deadline) return false;
        check(sd_bus_wait(bus_.get(), microseconds_until(deadline)), "sd_bus_wait");
    }
    return true;
}

void SystemdBus::wait_for_job(const std::string& job, os::Deadline deadline) {
    if (!job_ends(job, deadline)) throw Error("the job is not done in time");
    const std::string& result = results_[job];
    if (result != "done") throw Error(concat("the job ended with the result ", in_quotes(result)));
}

SystemdBus::Outcome SystemdBus::try_start(const UnitRequest& request, os::Deadline deadline) {
    const Message message = make_call("StartTransientUnit");
    append_text(message.get(), 's', request.unit);
    append_text(message.get(), 's', "fail");
    open(message.get(), SD_BUS_TYPE_ARRAY, "(sv)");
    append_property(message.get(), property("Slice", "s", request.slice));
    append_property(message.get(), property("PIDs", "au", std::to_string(request.pid)));
    for (const UnitProperty& other : request.properties) append_property(message.get(), other);
    // Later ones win, and by this one the unit is known when it is to be stopped.
    append_property(message.get(), property("Description", "s", request.description));
    close(message.get());
    check(sd_bus_message_append(message.get(), "a(sa(sv))", 0), "sd_bus_message_append");
    return try_call(message, deadline);
}

void SystemdBus::start(const UnitRequest& request) {
    const auto deadline = deadline_of(request);
    Outcome outcome = try_start(request, deadline);
    if (outcome.error == "org.freedesktop.systemd1.UnitExists") {
        // One that has failed may be in the way; one that is alive is not moved by this.
        const Message reset = make_call("ResetFailedUnit");
        append_text(reset.get(), 's', request.unit);
        if (try_call(reset, deadline).reply) outcome = try_start(request, deadline);
    }
    if (!outcome.reply) throw Error(concat("StartTransientUnit: ", outcome.words));
    try {
        wait_for_job(job_of(outcome.reply), deadline);
    } catch (const Error&) {
        // What becomes of the unit is not known: it goes, and the error is that of the start.
        const Message stop = make_call("StopUnit");
        append_text(stop.get(), 's', request.unit);
        append_text(stop.get(), 's', "replace");
        (void)try_call(stop, deadline + std::chrono::seconds(1));
        throw;
    }
}

void SystemdBus::set_properties(const UnitRequest& request) {
    const Message message = make_call("SetUnitProperties");
    append_text(message.get(), 's', request.unit);
    append_value(message.get(), 'b', 1);  // until the unit ends
    open(message.get(), SD_BUS_TYPE_ARRAY, "(sv)");
    for (const UnitProperty& one : request.properties) append_property(message.get(), one);
    close(message.get());
    (void)call(message, deadline_of(request));
}

void SystemdBus::attach(const UnitRequest& request) {
    const Message message = make_call("AttachProcessesToUnit");
    append_text(message.get(), 's', request.unit);
    append_text(message.get(), 's', request.below);
    open(message.get(), SD_BUS_TYPE_ARRAY, "u");
    append_value(message.get(), 'u', static_cast<std::uint32_t>(request.pid));
    close(message.get());
    (void)call(message, deadline_of(request));
}

std::string SystemdBus::description_of(const std::string& unit, os::Deadline deadline) {
    char* path = nullptr;
    check(sd_bus_path_encode("/org/freedesktop/systemd1/unit", unit.c_str(), &path),
          "sd_bus_path_encode");
    const std::unique_ptr<char, void (*)(void*)> owned(path, ::free);
    sd_bus_message* message = nullptr;
    check(sd_bus_message_new_method_call(bus_.get(), &message, kService, path,
                                         "org.freedesktop.DBus.Properties", "Get"),
          "Get");
    const Message get(message);
    append_text(message, 's', "org.freedesktop.systemd1.Unit");
    append_text(message, 's', "Description");
    const Outcome outcome = try_call(get, deadline);
    const char* text = nullptr;
    if (!outcome.reply || sd_bus_message_read(outcome.reply.get(), "v", "s", &text) < 0) return {};
    return text;
}

void SystemdBus::kill(const std::string& unit, os::Deadline deadline) {
    const Message message = make_call("KillUnit");
    append_text(message.get(), 's', unit);
    append_text(message.get(), 's', "all");
    append_value(message.get(), 'i', SIGKILL);
    // It may have ended meanwhile; if not, the job tells.
    (void)try_call(message, deadline);
}

void SystemdBus::stop(const UnitRequest& request) {
    const auto deadline = deadline_of(request);
    // It belongs to another container now, or does not exist: then its name is its description.
    if (description_of(request.unit, deadline) != request.description) return;
    const Message message = make_call("StopUnit");
    append_text(message.get(), 's', request.unit);
    append_text(message.get(), 's', "replace");
    const Outcome outcome = try_call(message, deadline);
    if (outcome.error == "org.freedesktop.systemd1.NoSuchUnit") return;
    if (!outcome.reply) throw Error(concat("StopUnit: ", outcome.words));
    const std::string job = job_of(outcome.reply);
    if (!job_ends(job, std::min(deadline, os::Clock::now() + kGrace))) kill(request.unit, deadline);
    wait_for_job(job, deadline);
}

}  // namespace lxcri::libexec
