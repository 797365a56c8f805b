#include "logging.h"

#include <fcntl.h>
#include <spdlog/details/null_mutex.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <syslog.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/printable.h"
#include "base/strings.h"
#include "os/file.h"
#include "os/unix_socket.h"
#include "output.h"
#include "settings/settings.h"

namespace lxcri::cmd {

namespace {

spdlog::level::level_enum spdlog_level(LogLevel level) {
    switch (level) {
        case LogLevel::error:
            return spdlog::level::err;
        case LogLevel::warning:
            return spdlog::level::warn;
        case LogLevel::info:
            return spdlog::level::info;
        case LogLevel::debug:
            return spdlog::level::debug;
    }
    return spdlog::level::err;
}

// Who reads the log as JSON and shows the message also shows one harmless line.
std::string json_string(std::string_view text) {
    return nlohmann::json(printable(text)).dump();
}

int priority_of(spdlog::level::level_enum level) {
    switch (level) {
        case spdlog::level::err:
        case spdlog::level::critical:
            return LOG_ERR;
        case spdlog::level::warn:
            return LOG_WARNING;
        case spdlog::level::info:
            return LOG_INFO;
        case spdlog::level::trace:
        case spdlog::level::debug:
        case spdlog::level::off:
        case spdlog::level::n_levels:
            return LOG_DEBUG;
    }
    return LOG_DEBUG;
}

// syslog(3)'s protocol, or journald's own: one datagram is one record.
class SystemLogSink : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
  public:
    explicit SystemLogSink(const std::string& place) {
        const auto colon = place.find(':');
        is_journal_ = place.starts_with("journald:");
        name_ = place.substr(colon + 1);
        if (name_.empty()) name_ = "lxcri";
        const char* path = is_journal_ ? "/run/systemd/journal/socket" : "/dev/log";
        in_context(concat("--log ", place), [&] { socket_ = os::connect_datagram(path); });
    }

  private:
    void sink_it_(const spdlog::details::log_msg& message) override {
        std::string text(message.payload.data(), message.payload.size());
        // The end of a field.
        std::replace(text.begin(), text.end(), '\n', ' ');
        const std::string priority = std::to_string(priority_of(message.level));
        const std::string record =
            is_journal_ ? concat("MESSAGE=", text, "\nPRIORITY=", priority,
                                 "\nSYSLOG_IDENTIFIER=", name_, "\n")
                        : concat("<", std::to_string(LOG_USER | priority_of(message.level)), ">",
                                 name_, "[", std::to_string(::getpid()), "]: ", text);
        // As with a file that is full: the error is on stderr all the same.
        (void)::send(socket_.get(), record.data(), record.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    }
    void flush_() override {}

    os::UniqueFd socket_;
    std::string name_;
    bool is_journal_ = false;
};

spdlog::sink_ptr make_sink(const std::string& place) {
    if (place.empty()) return std::make_shared<spdlog::sinks::stderr_sink_st>();
    if (settings::is_system_log(place)) return std::make_shared<SystemLogSink>(place);
    // spdlog would make missing directories.
    in_context("--log",
               [&] { (void)os::open_at(AT_FDCWD, place, O_WRONLY | O_APPEND | O_CREAT, 0666); });
    return std::make_shared<spdlog::sinks::basic_file_sink_st>(place);
}

}  // namespace

void Log::open(const std::string& place, LogFormat format, LogLevel level, bool patient) {
    format_ = format;
    patient_ = patient;
    try {
        logger_ = std::make_shared<spdlog::logger>("lxcri", make_sink(place));
    } catch (const spdlog::spdlog_ex& error) {
        throw Error(concat("--log: ", error.what()));
    }
    if (settings::is_system_log(place)) {
        quoted_ = false;
        logger_->set_pattern("%v");
    } else {
        // The message comes as a JSON string, which also is what runc's text format has in its
        // quotes.
        logger_->set_pattern(format == LogFormat::json
                                 ? R"({"level":"%l","msg":%v,"time":"%Y-%m-%dT%H:%M:%S.%f%z"})"
                                 : R"(time="%Y-%m-%dT%H:%M:%S.%f%z" level=%l msg=%v)");
    }
    logger_->set_level(spdlog_level(level));
    // What cannot be written there is on stderr all the same, and one line is enough.
    logger_->set_error_handler([](const std::string&) {});
    logger_->flush_on(spdlog::level::trace);
}

void Log::write(LogLevel level, std::string_view message) {
    if (!logger_) return;
    logger_->log(spdlog_level(level), "{}", quoted_ ? json_string(message) : printable(message));
}

void Log::error(std::string_view message) {
    write(LogLevel::error, message);
}
void Log::warning(std::string_view message) {
    if (patient_) {
        waiting_.emplace_back(message);
    } else {
        write(LogLevel::warning, message);
    }
}
void Log::settle() {
    patient_ = false;
    for (const auto& message : waiting_) warning(message);
    waiting_.clear();
}
void Log::always_warn(std::string_view message) {
    if (!logger_) {
        show_error(concat("warning: ", message));
        return;
    }
    const auto level = logger_->level();
    logger_->set_level(std::min(level, spdlog::level::warn));
    warning(message);
    logger_->set_level(level);
}
void Log::debug(std::string_view message) {
    write(LogLevel::debug, message);
}

}  // namespace lxcri::cmd
