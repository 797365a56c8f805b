#include "criu_images.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
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

template <class Message>
Message read_image(int images_fd, const std::string& name, std::string& head) {
    const std::string image = os::read_file_at(images_fd, name);
    std::uint32_t length = 0;
    if (image.size() < kHead + kLength) throw Error(concat("criu: ", name, " is cut short"));
    std::memcpy(&length, image.data() + kHead, sizeof length);
    Message message;
    if (image.size() != kHead + kLength + length ||
        !message.ParseFromString(image.substr(kHead + kLength))) {
        throw Error(concat("criu: ", name, " has an unknown form"));
    }
    head = image.substr(0, kHead);
    return message;
}

// Of an image with one message.
template <class Message, class Change>
void change_image(int images_fd, const std::string& name, Change&& change) {
    std::string image;
    Message message = read_image<Message>(images_fd, name, image);
    change(message);
    const std::string body = message.SerializeAsString();
    const auto length = static_cast<std::uint32_t>(body.size());
    image.append(reinterpret_cast<const char*>(&length), sizeof length);
    os::write_atomically_at(images_fd, name, image + body, 0644);
}

std::string hierarchy_of(const criu::CgroupController& controller) {
    return join({controller.cnames().begin(), controller.cnames().end()}, ",");
}

}  // namespace

void clear_death_signal(int images_fd, pid_t pid) {
    change_image<criu::Core>(
        images_fd, concat("core-", std::to_string(pid), ".img"),
        [](criu::Core& core) { core.mutable_thread_core()->clear_pdeath_sig(); });
}

void forget_cgroups(int images_fd, const std::vector<std::string>& hierarchies) {
    const std::string name = "cgroup.img";
    // If the container had no cgroup of its own, CRIU may dump none.
    if (::faccessat(images_fd, name.c_str(), F_OK, 0) == -1 && errno == ENOENT) return;
    change_image<criu::Cgroups>(images_fd, name, [&](criu::Cgroups& cgroups) {
        for (auto& controller : *cgroups.mutable_controllers()) {
            const auto hierarchy = hierarchy_of(controller);
            if (std::find(hierarchies.begin(), hierarchies.end(), hierarchy) == hierarchies.end())
                continue;
            for (auto& directory : *controller.mutable_dirs()) {
                directory.clear_children();
                directory.clear_properties();
            }
        }
    });
}

}  // namespace lxcri::libexec
