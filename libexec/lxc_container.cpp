#include "lxc_container.h"

#include <sys/wait.h>

#include "base/error.h"
#include "base/strings.h"

namespace lxcri::libexec {

LxcContainer::LxcContainer(const std::string& name, const std::string& lxc_path)
    : container_(::lxc_container_new(name.c_str(), lxc_path.c_str())) {
    if (container_ == nullptr) throw Error("liblxc cannot make a container");
}

LxcContainer::~LxcContainer() {
    ::lxc_container_put(container_);
}

void LxcContainer::set_item(const std::string& key, const std::string& value) {
    if (!container_->set_config_item(container_, key.c_str(), value.c_str())) {
        throw Error(concat("liblxc refuses ", key, " = ", in_quotes(value)));
    }
}

bool LxcContainer::run() {
    // In the foreground: our descriptors pass through to hook and init (P13). Only now, because
    // liblxc ignores this before the first item is set.
    if (!container_->want_daemonize(container_, false)) {
        throw Error("liblxc refuses to run in the foreground");
    }
    return container_->start(container_, 0, nullptr);
}

bool LxcContainer::freeze() {
    return container_->freeze(container_);
}

bool LxcContainer::unfreeze() {
    return container_->unfreeze(container_);
}

os::ExitStatus LxcContainer::exit_status() const {
    const int status = container_->error_num;
    // liblxc 5.0 reports a death by signal as if the process had been stopped (P2).
    if (WIFSTOPPED(status)) return os::ExitStatus::signalled(WSTOPSIG(status));
    if (WIFSIGNALED(status)) return os::ExitStatus::signalled(WTERMSIG(status));
    return os::ExitStatus::exited(WEXITSTATUS(status));
}

const char* liblxc_version() {
    return ::lxc_get_version();
}

}  // namespace lxcri::libexec
