#include "support/racer.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <new>
#include <stdexcept>

namespace lxcri::test {

Racer::Racer(std::vector<Places> groups) {
    void* memory =
        ::mmap(nullptr, sizeof *count_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    count_ = new (memory) std::atomic<unsigned long>(0);
    pid_ = ::fork();
    if (pid_ == 0) run(groups);
    if (pid_ < 0) throw std::runtime_error("fork");
}

Racer::~Racer() {
    ::kill(pid_, SIGKILL);
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
    ::munmap(count_, sizeof *count_);
}

unsigned long Racer::exchanges() const {
    if (::waitpid(pid_, nullptr, WNOHANG) != 0) throw std::runtime_error("the racer has ended");
    return *count_;
}

void Racer::run(const std::vector<Places>& groups) const noexcept {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::prctl(PR_SET_TIMERSLACK, 1);
    unsigned random = 1;
    for (;;) {
        for (const Places& places : groups) {
            for (std::size_t i = 1; i < places.size(); ++i) {
                if (::renameat2(AT_FDCWD, places[0].c_str(), AT_FDCWD, places[i].c_str(),
                                RENAME_EXCHANGE) != 0) {
                    ::_exit(1);
                }
                ++*count_;
                // Each state lasts for another while, and the runtime gets its CPU.
                random = random * 1103515245 + 12345;
                const timespec pause{0, static_cast<long>(random >> 16U) % 120000};
                ::nanosleep(&pause, nullptr);
            }
        }
    }
}

}  // namespace lxcri::test
