#pragma once
// systemd over D-Bus (org.freedesktop.systemd1(5)), with one deadline for all that is asked.

#include <systemd/sd-bus.h>

#include <map>
#include <memory>
#include <string>

#include "handoff/unit.h"
#include "os/process.h"

namespace lxcri::libexec {

class SystemdBus {
  public:
    explicit SystemdBus(bool user_manager);
    SystemdBus(const SystemdBus&) = delete;
    SystemdBus& operator=(const SystemdBus&) = delete;

    // Each returns when systemd says that it is done.
    void start(const handoff::UnitRequest& request);
    void set_properties(const handoff::UnitRequest& request);
    void attach(const handoff::UnitRequest& request);
    void stop(const handoff::UnitRequest& request);

  private:
    template <class Object, Object* (*unref)(Object*)>
    struct Unref {
        void operator()(Object* object) const { (void)unref(object); }
    };
    using Bus = std::unique_ptr<sd_bus, Unref<sd_bus, sd_bus_flush_close_unref>>;
    using Message = std::unique_ptr<sd_bus_message, Unref<sd_bus_message, sd_bus_message_unref>>;

    struct Outcome {
        Message reply;      // null: refused
        std::string error;  // its D-Bus name, and what systemd says about it
        std::string words;
    };

    Message make_call(const char* method);
    Outcome try_call(const Message& message, os::Deadline deadline);
    Message call(const Message& message, os::Deadline deadline);
    Outcome try_start(const handoff::UnitRequest& request, os::Deadline deadline);
    std::string description_of(const std::string& unit, os::Deadline deadline);
    static std::string job_of(const Message& reply);
    // Returns false if the deadline comes first.
    bool job_ends(const std::string& job, os::Deadline deadline);
    void wait_for_job(const std::string& job, os::Deadline deadline);
    void kill(const std::string& unit, os::Deadline deadline);
    static int on_job_removed(sd_bus_message* message, void* self, sd_bus_error* error) noexcept;

    Bus bus_;
    std::map<std::string, std::string> results_;  // of jobs that are over, by their path
};

}  // namespace lxcri::libexec
