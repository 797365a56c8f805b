#pragma once
// The log that callers ask for with --log: one record a line, as runc writes it.

#include <memory>
#include <string>
#include <string_view>

#include "runtime/settings.h"

namespace spdlog {
class logger;
}

namespace lxcri::cmd {

using runtime::LogFormat;
using runtime::LogLevel;

class Log {
  public:
    Log() = default;
    // Appends to the file; "" is stderr. At the level `error` nothing but errors is written:
    // callers take what they find for the error.
    void open(const std::string& file, LogFormat format, LogLevel level);

    void error(std::string_view message);
    void warning(std::string_view message);
    void debug(std::string_view message);
    // Whatever the level; on stderr without --log.
    void always_warn(std::string_view message);

  private:
    void write(LogLevel level, std::string_view message);

    std::shared_ptr<spdlog::logger> logger_;  // none: nobody asked for a log
    LogFormat format_ = LogFormat::text;
};

}  // namespace lxcri::cmd
