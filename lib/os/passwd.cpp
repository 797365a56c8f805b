#include "os/passwd.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <string_view>

#include "base/strings.h"
#include "os/check.h"
#include "os/file.h"

namespace lxcri::os {

namespace {

// If the line is about this user.
std::optional<User> user_in(std::string_view line, std::uint32_t uid) {
    const auto fields = split(line, ':');  // name:password:uid:gid:comment:home:shell
    if (fields.size() < 3 || parse_integer<std::uint32_t>(fields[2]) != uid) return {};
    return User{fields[0], fields.size() < 6 ? "" : fields[5]};
}

// Line by line: the file may be the image's, and our memory counts as the container's. A line that
// is longer than any that passwd(5) can mean ends the search; so does a file that has no end.
std::optional<User> user_in(int passwd, std::uint32_t uid) {
    constexpr std::size_t kLongestLine = 64 << 10;
    constexpr std::size_t kLongest = 16 << 20;
    std::array<char, 16 << 10> buffer{};
    std::string rest;
    for (std::size_t read = 0; rest.size() <= kLongestLine && read <= kLongest;) {
        const ssize_t got =
            check(retry([&] { return ::read(passwd, buffer.data(), buffer.size()); }), "read",
                  "/etc/passwd");
        if (got == 0) return user_in(std::string_view(rest), uid);
        read += static_cast<std::size_t>(got);
        rest.append(buffer.data(), static_cast<std::size_t>(got));
        std::string_view text = rest;
        for (auto end = text.find('\n'); end != text.npos; end = text.find('\n')) {
            if (auto user = user_in(text.substr(0, end), uid)) return user;
            text.remove_prefix(end + 1);
        }
        rest.erase(0, rest.size() - text.size());
    }
    return {};
}

}  // namespace

std::optional<User> find_user(std::uint32_t uid) {
    // O_NONBLOCK and the type: an image could have put a FIFO there.
    const auto passwd = find_at(AT_FDCWD, "/etc/passwd", O_RDONLY | O_NONBLOCK);
    struct stat status {};
    if (!passwd || ::fstat(passwd->get(), &status) == -1 || !S_ISREG(status.st_mode)) return {};
    return user_in(passwd->get(), uid);
}

}  // namespace lxcri::os
