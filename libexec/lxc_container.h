#pragma once
// The owner of a struct lxc_container, and the only place that calls liblxc.

#include <lxc/lxccontainer.h>

#include <string>

#include "os/process.h"

namespace lxcri::libexec {

// Of the library that has been loaded.
const char* liblxc_version();

class LxcContainer {
  public:
    LxcContainer(const std::string& name, const std::string& lxc_path);
    LxcContainer(const LxcContainer&) = delete;
    LxcContainer& operator=(const LxcContainer&) = delete;
    ~LxcContainer();

    // Throws Error with the item if liblxc refuses it.
    void set_item(const std::string& key, const std::string& value);

    // Starts the container and stays until it has ended: liblxc's monitor. Returns false if it
    // could not be started; liblxc's log says why.
    bool run();

    // Of a container that has a monitor, in whose network namespace this process is.
    bool freeze();
    bool unfreeze();

    // How the container process ended.
    os::ExitStatus exit_status() const;

  private:
    lxc_container* container_;
};

}  // namespace lxcri::libexec
