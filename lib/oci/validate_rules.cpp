#include "oci/validate_rules.h"

#include <algorithm>
#include <cstdint>

#include "base/error.h"
#include "base/strings.h"
#include "oci/json_reader.h"

namespace lxcri::oci {

std::string at(std::string_view list, std::size_t index, std::string_view rest) {
    return concat(list, "/", std::to_string(index), rest);
}

std::string at_key(std::string_view map, std::string_view key) {
    return concat(map, "/", pointer_token(key));
}

void reject(std::string pointer, std::string_view found, std::string_view expected) {
    throw SpecError(std::move(pointer), concat("expected ", expected, ", got ", found));
}

void warn(Warnings& warnings, std::string_view pointer, std::string_view text) {
    warnings.push_back(concat(pointer, ": ", text));
}

bool has_parent_component(std::string_view path) {
    const auto parts = split(path, '/');
    return std::find(parts.begin(), parts.end(), "..") != parts.end();
}

void check_environment(const std::vector<std::string>& env, std::string_view base) {
    for (std::size_t i = 0; i < env.size(); ++i) {
        const auto end_of_name = env[i].find('=');
        if (end_of_name == std::string::npos || end_of_name == 0) {
            reject(at(base, i), in_quotes(env[i]), "NAME=value");
        }
    }
}

namespace {

// What the kernel accepts in uid_map: the ID 2^32-1 means "none" and maps to nothing.
constexpr std::uint64_t kFirstInvalidId = 0xffffffff;
constexpr std::size_t kMostMappings = 340;

struct Range {
    std::uint64_t first;
    std::uint64_t end;
    std::size_t index;
};

void check_ranges(std::vector<Range> ranges, std::string_view base, std::string_view member) {
    for (const auto& range : ranges) {
        if (range.end > kFirstInvalidId) {
            throw SpecError(at(base, range.index, member),
                            concat("the range ends beyond 4294967294: it begins at ",
                                   std::to_string(range.first), " and ends at ",
                                   std::to_string(range.end - 1)));
        }
    }
    std::sort(ranges.begin(), ranges.end(),
              [](const Range& left, const Range& right) { return left.first < right.first; });
    for (std::size_t i = 1; i < ranges.size(); ++i) {
        if (ranges[i].first < ranges[i - 1].end) {
            throw SpecError(at(base, std::max(ranges[i - 1].index, ranges[i].index), member),
                            concat("the range overlaps that of entry ",
                                   std::to_string(std::min(ranges[i - 1].index, ranges[i].index))));
        }
    }
}

}  // namespace

void check_mappings(const std::vector<IdMapping>& mappings, std::string_view base) {
    if (mappings.size() > kMostMappings) {
        reject(std::string(base), concat(std::to_string(mappings.size()), " mappings"),
               "at most 340");
    }
    std::vector<Range> inside;
    std::vector<Range> outside;
    for (std::size_t i = 0; i < mappings.size(); ++i) {
        const auto& mapping = mappings[i];
        if (mapping.size == 0) reject(at(base, i, "/size"), "0", "at least 1");
        const std::uint64_t size = mapping.size;
        inside.push_back({mapping.container_id, mapping.container_id + size, i});
        outside.push_back({mapping.host_id, mapping.host_id + size, i});
    }
    check_ranges(std::move(inside), base, "/containerID");
    check_ranges(std::move(outside), base, "/hostID");
}

}  // namespace lxcri::oci
