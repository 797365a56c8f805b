#include "cgroup/controller.h"

#include <fcntl.h>

#include "base/error.h"
#include "base/strings.h"
#include "cgroup/tree.h"
#include "os/file.h"

namespace lxcri::cgroup {

void Checker::reject(std::string_view property, std::string_view problem) const {
    throw SpecError(concat(base_, property), problem);
}

void Checker::warn(std::string_view property, std::string_view text) {
    warnings_.push_back(concat(base_, property, ": ", text));
}

ControllerFiles::ControllerFiles(const ContainerCgroup& cgroup, const Directory& directory,
                                 std::string_view base, Purpose purpose, Journal* journal)
    : ControllerFiles(cgroup.open_directory(directory), directory, base, purpose, journal) {}

ControllerFiles::ControllerFiles(os::UniqueFd open_directory, const Directory& directory,
                                 std::string_view base, Purpose purpose, Journal* journal)
    : directory_(directory),
      base_(base),
      purpose_(purpose),
      journal_(journal),
      dir_(std::move(open_directory)) {
    if (!dir_.valid()) throw Error(concat("the cgroup ", in_quotes(directory.path), " is gone"));
}

bool ControllerFiles::has(const std::string& file) const {
    return os::find_at(dir_.get(), file, O_PATH).has_value();
}

std::optional<std::string> ControllerFiles::find(const std::string& file) const {
    auto text = find_file(dir_.get(), file);
    while (text && text->ends_with('\n')) text->pop_back();
    return text;
}

std::optional<std::int64_t> ControllerFiles::find_number(const std::string& file) const {
    const auto text = find(file);
    return text ? parse_integer<std::int64_t>(*text) : std::nullopt;
}

void ControllerFiles::write(std::string_view property, const std::string& file,
                            std::string_view value) const {
    if (const int error = try_write(file, value); error != 0) fail(property, file, value, error);
}

int ControllerFiles::try_write(const std::string& file, std::string_view value) const {
    if (journal_ == nullptr) return os::try_write_value_at(dir_.get(), file, value);
    return journal_->try_write(concat(directory_.path, "/", file), dir_.get(), file, value);
}

void ControllerFiles::fail(std::string_view property, const std::string& file,
                           std::string_view value, int error) const {
    reject(property,
           concat("write ", in_quotes(value), " to ", in_quotes(concat(directory_.path, "/", file)),
                  ": ", errno_text(error)));
}

void ControllerFiles::reject(std::string_view property, std::string_view problem) const {
    throw SpecError(concat(base_, property), problem);
}

std::string limit_or_max(std::int64_t limit) {
    return limit < 0 ? "max" : std::to_string(limit);
}

}  // namespace lxcri::cgroup
