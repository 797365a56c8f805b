#pragma once
// The log that callers ask for with --log: one record a line, as runc writes it.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "settings/options.h"

namespace spdlog {
class logger;
}

namespace lxcri::cmd {

using settings::LogFormat;
using settings::LogLevel;

class Log {
  public:
    Log() = default;
    // Appends to the file, or sends to "syslog:NAME" or "journald:NAME"; "" is stderr. `patient`:
    // warnings wait until it is clear that the command succeeds. Callers that find more than one
    // record after a failure understand none of them (Podman); the error says enough then.
    void open(const std::string& place, LogFormat format, LogLevel level, bool patient);
    // The command has succeeded.
    void settle();

    void error(std::string_view message);
    void warning(std::string_view message);
    void debug(std::string_view message);
    // Whatever the level; on stderr without --log.
    void always_warn(std::string_view message);

  private:
    void write(LogLevel level, std::string_view message);

    std::shared_ptr<spdlog::logger> logger_;  // none: no log was asked for
    LogFormat format_ = LogFormat::text;
    bool quoted_ = true;  // the message as a JSON string
    bool patient_ = false;
    std::vector<std::string> waiting_;  // warnings
};

}  // namespace lxcri::cmd
