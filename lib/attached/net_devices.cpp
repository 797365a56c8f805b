#include "attached/net_devices.h"

#include <fcntl.h>
#include <sched.h>

#include "base/error.h"
#include "base/strings.h"
#include "os/file.h"
#include "os/namespace.h"

namespace lxcri::attached {

namespace {

os::UniqueFd open_container_namespace(pid_t pid) {
    os::UniqueFd fd =
        os::open_namespace(concat("/proc/", std::to_string(pid), "/ns/net"), CLONE_NEWNET);
    if (os::is_own_namespace(fd.get(), "net")) {
        throw SpecError("/linux/netDevices",
                        "the container's network namespace is the runtime's own");
    }
    return fd;
}

// The kernel chooses the number.
bool is_template(std::string_view name) {
    return name.ends_with("%d");
}

}  // namespace

NetDevices::NetDevices(pid_t pid)
    : own_namespace_(os::open_namespace("/proc/self/ns/net", CLONE_NEWNET)),
      namespace_(open_container_namespace(pid)),
      inside_(namespace_.get()) {}

NetDevices::Moved NetDevices::look_at(const translate::NetDeviceMove& device) {
    const auto found = os::find_device(own_, device.name);
    if (!found) {
        throw SpecError(device.pointer,
                        concat("this host has no network device ", in_quotes(device.name)));
    }
    if (!is_template(device.new_name) && os::find_device(inside_, device.new_name)) {
        throw SpecError(device.name_pointer,
                        concat("the container's network namespace has a device ",
                               in_quotes(device.new_name), " already"));
    }
    return {*found, 0, os::permanent_addresses(own_, found->index)};
}

void NetDevices::move_one(const translate::NetDeviceMove& device, Moved moved) {
    // An index of our choice is how we find it again when the kernel chooses the name.
    moved.index = os::find_free_index(inside_, moved.before.index);
    moved_.push_back(std::move(moved));
    const Moved& entry = moved_.back();
    os::move_device(own_, entry.before.index, namespace_.get(), device.new_name, entry.index);
    const auto inside = os::find_device(inside_, entry.index);
    if (!inside) throw Error("it has vanished from the container's network namespace");
    os::bring_device_up(inside_, *inside);
    for (const auto& address : entry.addresses) {
        os::add_address(inside_, *inside, entry.before.name, address);
    }
}

void NetDevices::move(const std::vector<translate::NetDeviceMove>& devices) {
    // First everything that can be known beforehand.
    std::vector<Moved> all;
    all.reserve(devices.size());
    for (const auto& device : devices) all.push_back(look_at(device));
    for (std::size_t i = 0; i < devices.size(); ++i) {
        in_context(devices[i].pointer, [&] { move_one(devices[i], std::move(all[i])); });
    }
}

void NetDevices::give_back_one(const Moved& moved) {
    // Still here, when moving it was what failed.
    if (!os::find_device(own_, moved.before.index)) {
        os::move_device(inside_, moved.index, own_namespace_.get(), moved.before.name,
                        moved.before.index);
        if (moved.before.up) os::bring_device_up(own_, moved.before);
        for (const auto& address : moved.addresses) {
            os::add_address(own_, moved.before, moved.before.name, address);
        }
    }
}

void NetDevices::give_back(const std::function<void(std::string_view)>& warn) noexcept {
    for (auto entry = moved_.rbegin(); entry != moved_.rend(); ++entry) {
        try {
            give_back_one(*entry);
        } catch (const std::exception& error) {
            warn(concat("cannot give back the network device ", in_quotes(entry->before.name), ": ",
                        error.what()));
        }
    }
    moved_.clear();
}

}  // namespace lxcri::attached
