#include "oci/devices.h"

#include "base/strings.h"
#include "oci/readers.h"

namespace lxcri::oci {

namespace {

// The file type bits of st_mode: inode(7).
constexpr std::uint32_t kTypeBits = 0170000;

std::uint32_t type_bits(DeviceType type) {
    switch (type) {
        case DeviceType::character:
            return 0020000;
        case DeviceType::block:
            return 0060000;
        case DeviceType::fifo:
            return 0010000;
    }
    return 0;
}

// Callers that copy a device of the host send its whole st_mode, with the file type.
void read_file_mode(const JsonValue& json, Device& device) {
    const auto mode = json.unsigned_integer(0177777);
    if ((mode & ~std::uint64_t{kTypeBits}) > 0777) {
        json.reject("the permission bits, at most 511 (0777)");
    }
    const auto bits = mode & kTypeBits;
    if (bits != 0 && bits != type_bits(device.type)) {
        json.fail(concat("the file type in ", std::to_string(mode),
                         " is not that of a device of type ",
                         in_quotes(name_of(kDeviceTypes, device.type))));
    }
    device.file_mode = static_cast<std::uint32_t>(mode & ~std::uint64_t{kTypeBits});
}

}  // namespace

static void read(const JsonValue& json, DeviceType& type) {
    type = json.one_of(kDeviceTypes);
}

void read(const JsonValue& json, Device& device) {
    const JsonObject object(json);
    object.required("type", device.type);
    object.required("path", device.path);
    object.optional("major", device.major);
    object.optional("minor", device.minor);
    object.optional("uid", device.uid);
    object.optional("gid", device.gid);
    if (const auto mode = json.find("fileMode")) read_file_mode(*mode, device);
}

// Go writers leave the type empty for "all devices".
static void read(const JsonValue& json, DeviceRuleType& type) {
    type = json.string().empty() ? DeviceRuleType::all : json.one_of(kDeviceRuleTypes);
}

// -1 is what callers send for "any number".
static void read_rule_number(const JsonObject& object, std::string_view name,
                             std::optional<std::int64_t>& number) {
    object.optional(name, number);
    if (number == -1) number.reset();
}

void read(const JsonValue& json, DeviceRule& rule) {
    const JsonObject object(json);
    object.required("allow", rule.allow);
    object.optional("type", rule.type);
    read_rule_number(object, "major", rule.major);
    read_rule_number(object, "minor", rule.minor);
    object.optional("access", rule.access);
}

}  // namespace lxcri::oci
