#include "agent/record.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/error.h"
#include "os/check.h"
#include "os/file.h"

namespace lxcri::agent {

struct Record::Head {
    std::uint64_t format;
    std::uint64_t start_time;
    std::uint64_t last;                               // the call that was taken last
    std::array<std::uint64_t, kMostPending> pending;  // 0: free
};

namespace {

constexpr std::uint64_t kFormat = 0x6c78637269000001;

}  // namespace

Record::Record(std::string_view document, std::uint64_t start_time)
    : file_(os::check(::memfd_create("lxcri-agent", MFD_CLOEXEC | MFD_ALLOW_SEALING),
                      "memfd_create")) {
    os::check(::fchmod(file_.get(), 0600), "fchmod");
    Head head{};
    head.format = kFormat;
    head.start_time = start_time;
    os::write_all(file_.get(), {reinterpret_cast<const char*>(&head), sizeof head}, "record");
    os::write_all(file_.get(), document, "record");
    // If the file got smaller the kernel would kill the process that reads the mapping.
    os::check(::fcntl(file_.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL),
              "fcntl F_ADD_SEALS");
    map();
}

Record::Record(os::UniqueFd file) : file_(std::move(file)) {
    map();
}

Record::Record(Record&& other) noexcept
    : file_(std::move(other.file_)), memory_(std::exchange(other.memory_, {})) {}

Record::~Record() {
    if (!memory_.empty()) (void)::munmap(memory_.data(), memory_.size());
}

void Record::map() {
    struct stat status {};
    os::check(::fstat(file_.get(), &status), "fstat");
    const auto size = static_cast<std::size_t>(status.st_size);
    if (!S_ISREG(status.st_mode) || size < sizeof(Head)) throw Error("no record of a listener");
    void* memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, file_.get(), 0);
    if (memory == MAP_FAILED) throw SystemError(errno, "mmap");
    memory_ = {static_cast<std::byte*>(memory), size};
    if (head()->format != kFormat) throw Error("a record of another version");
}

Record::Head* Record::head() const {
    return reinterpret_cast<Head*>(memory_.data());
}

std::string_view Record::document() const {
    const auto text = memory_.subspan(sizeof(Head));
    return {reinterpret_cast<const char*>(text.data()), text.size()};
}

std::uint64_t Record::start_time() const {
    return head()->start_time;
}

void Record::begin(std::uint64_t id) {
    head()->last = id;
    auto& pending = head()->pending;
    const auto free = std::find(pending.begin(), pending.end(), 0U);
    if (free == pending.end()) throw Error("too many calls at once");
    *free = id;
}

void Record::end(std::uint64_t id) {
    auto& pending = head()->pending;
    std::replace(pending.begin(), pending.end(), id, std::uint64_t{0});
}

std::array<std::uint64_t, kMostPending + 1> Record::left_over() const {
    std::array<std::uint64_t, kMostPending + 1> ids{};
    std::copy(head()->pending.begin(), head()->pending.end(), ids.begin());
    ids.back() = head()->last + 1;
    return ids;
}

}  // namespace lxcri::agent
