#pragma once
// Reads and shows the settings (kSettings). Four places say what a value is: a flag goes before a
// variable of the environment, that before the file, and that before the built-in value.

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "settings/options.h"

namespace lxcri::settings {

bool is_only_in_file(const Setting& setting);
bool is_system_log(std::string_view place);

std::string flag_of(std::string_view name);      // "--log-level"
std::string variable_of(std::string_view name);  // "LXCRI_LOG_LEVEL"

// From the text of the file. SpecError for whatever it should not have, unknown names too.
void read_settings(std::string_view json, Options& options);

// From one word of the command line; "" leaves it as it is. Error for what is not accepted.
void set_by_flag(Options& options, std::string_view name, const std::string& text);
// From the variables LXCRI_* of the environment; others are for other programs.
void read_environment(Options& options);
// From the file. Throws Error if another user than root may have written it.
enum class Missing { is_error, is_fine };
void read_settings_file(const std::string& path, Missing missing, Options& options);

// Name, value as text, source: in the order of kSettings.
std::vector<std::array<std::string, 3>> settings_table(const Options& options);
// A document that read_settings() accepts.
std::string settings_json(const Options& options);

}  // namespace lxcri::settings
