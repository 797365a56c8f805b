#pragma once
// What the next agent has to know of a listener if this one dies: the runtime's document, and the
// calls that wait for an answer. Nothing else would answer those: the kernel hands a call out once.
// It is a file in memory, which the service manager keeps together with the listener.

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "os/unique_fd.h"

namespace lxcri::agent {

// Calls of one listener that are worked on at the same time. Others wait in the kernel.
inline constexpr std::size_t kMostPending = 4;

class Record {
  public:
    Record(std::string_view document, std::uint64_t start_time);
    // From the descriptor of one that another agent has made. Error if it is none.
    explicit Record(os::UniqueFd file);
    Record(Record&& other) noexcept;
    Record& operator=(Record&&) = delete;
    Record(const Record&) = delete;
    Record& operator=(const Record&) = delete;
    ~Record();

    int fd() const noexcept { return file_.get(); }
    std::string_view document() const;
    std::uint64_t start_time() const;

    void begin(std::uint64_t id);
    void end(std::uint64_t id);
    // The calls that may wait for an answer that no process is going to give: those that were
    // begun, and the one that was taken last and perhaps not noted any more. IDs are consecutive.
    std::array<std::uint64_t, kMostPending + 1> left_over() const;

  private:
    struct Head;
    void map();
    Head* head() const;

    os::UniqueFd file_;
    std::span<std::byte> memory_;
};

}  // namespace lxcri::agent
