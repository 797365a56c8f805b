#include "criu_images.h"

#include <fcntl.h>

#include <cstdint>
#include <cstring>
#include <string>

#include "base/error.h"
#include "base/strings.h"
#include "criu_rpc.pb.h"
#include "os/file.h"

namespace lxcri::libexec {

namespace {

// https://criu.org/Images: two magic numbers, then each message behind its length, 4 bytes each.
constexpr std::size_t kHead = 8;
constexpr std::size_t kLength = 4;

}  // namespace

void clear_death_signal(int images_fd, pid_t pid) {
    const std::string name = concat("core-", std::to_string(pid), ".img");
    const std::string image = os::read_file_at(images_fd, name);
    std::uint32_t length = 0;
    if (image.size() < kHead + kLength) throw Error(concat("criu: ", name, " is cut short"));
    std::memcpy(&length, image.data() + kHead, sizeof length);
    criu::Core core;
    if (image.size() != kHead + kLength + length ||
        !core.ParseFromString(image.substr(kHead + kLength))) {
        throw Error(concat("criu: ", name, " has an unknown form"));
    }
    core.mutable_thread_core()->clear_pdeath_sig();
    const std::string body = core.SerializeAsString();
    length = static_cast<std::uint32_t>(body.size());
    std::string changed = image.substr(0, kHead);
    changed.append(reinterpret_cast<const char*>(&length), sizeof length);
    os::write_atomically_at(images_fd, name, changed + body, 0644);
}

}  // namespace lxcri::libexec
