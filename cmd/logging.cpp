#include "logging.h"

#include <fcntl.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/printable.h"
#include "base/strings.h"
#include "os/file.h"
#include "output.h"

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

}  // namespace

void Log::open(const std::string& file, LogFormat format, LogLevel level) {
    format_ = format;
    // spdlog would make missing directories.
    if (!file.empty()) {
        in_context("--log",
                   [&] { (void)os::open_at(AT_FDCWD, file, O_WRONLY | O_APPEND | O_CREAT, 0666); });
    }
    try {
        spdlog::sink_ptr sink;
        if (file.empty()) {
            sink = std::make_shared<spdlog::sinks::stderr_sink_st>();
        } else {
            sink = std::make_shared<spdlog::sinks::basic_file_sink_st>(file);
        }
        logger_ = std::make_shared<spdlog::logger>("lxcri", std::move(sink));
    } catch (const spdlog::spdlog_ex& error) {
        throw Error(concat("--log: ", error.what()));
    }
    // The message comes as a JSON string, which also is what runc's text format has in its quotes.
    logger_->set_pattern(format == LogFormat::json
                             ? R"({"level":"%l","msg":%v,"time":"%Y-%m-%dT%H:%M:%S.%f%z"})"
                             : R"(time="%Y-%m-%dT%H:%M:%S.%f%z" level=%l msg=%v)");
    logger_->set_level(spdlog_level(level));
    // What cannot be written there is on stderr all the same, and one line is enough.
    logger_->set_error_handler([](const std::string&) {});
    logger_->flush_on(spdlog::level::trace);
}

void Log::write(LogLevel level, std::string_view message) {
    if (logger_) logger_->log(spdlog_level(level), "{}", json_string(message));
}

void Log::error(std::string_view message) {
    write(LogLevel::error, message);
}
void Log::warning(std::string_view message) {
    write(LogLevel::warning, message);
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
