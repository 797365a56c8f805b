#pragma once
// One overload for each structure of the spec. Only for the .cpp files of this folder.

#include "oci/json_reader.h"
#include "oci/spec.h"

namespace lxcri::oci {

void read(const JsonValue& json, Root& root);
void read(const JsonValue& json, Mount& mount);
void read(const JsonValue& json, Hooks& hooks);
void read(const JsonValue& json, Process& process);
void read(const JsonValue& json, IdMapping& mapping);
void read(const JsonValue& json, Namespace& entry);
void read(const JsonValue& json, TimeOffsets& offsets);
void read(const JsonValue& json, Device& device);
void read(const JsonValue& json, DeviceRule& rule);
void read(const JsonValue& json, Resources& resources);
void read(const JsonValue& json, Seccomp& seccomp);
void read(const JsonValue& json, Linux& section);

}  // namespace lxcri::oci
