#pragma once
// A process that exchanges files while a runtime looks at them: renameat2(2) with RENAME_EXCHANGE,
// in a process of its own.

#include <sys/types.h>

#include <atomic>
#include <filesystem>
#include <vector>

namespace lxcri::test {

// The first of these names is the one that is looked at; it takes turns with all others, so that
// each of the objects has each of the names at some time.
using Places = std::vector<std::filesystem::path>;

class Racer {
  public:
    explicit Racer(std::vector<Places> groups);
    Racer(const Racer&) = delete;
    Racer& operator=(const Racer&) = delete;
    ~Racer();

    // How often it has exchanged something. Throws when it has failed.
    unsigned long exchanges() const;

  private:
    [[noreturn]] void run(const std::vector<Places>& groups) const noexcept;

    std::atomic<unsigned long>* count_;
    pid_t pid_ = -1;
};

}  // namespace lxcri::test
