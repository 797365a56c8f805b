#include "runtime/spec_template.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/error.h"
#include "base/strings.h"
#include "command.h"
#include "os/file.h"
#include "parse.h"

namespace lxcri::cmd {

namespace {

struct Values {
    std::string bundle = ".";
    std::string file = "config.json";
    bool rootless = false;
};

constexpr auto kOptions = std::to_array<Option<Values>>({
    {"-b,--bundle", "DIR", "directory to write to (default: here)", &Values::bundle},
    {"-f,--file", "NAME", "name of the file (default: config.json)", &Values::file},
    {"--rootless", "", "for a caller that is not root", &Values::rootless},
});

}  // namespace

int run_spec(const settings::Options& /*common*/, Arguments arguments) {
    Parser parser("Write a config.json to begin with. An existing file is an error, and stays.",
                  "lxcri spec");
    Values values;
    parser.add(kOptions, values);
    parser.parse(std::move(arguments));
    const os::UniqueFd directory = os::open_at(AT_FDCWD, values.bundle, O_RDONLY | O_DIRECTORY);
    const os::UniqueFd target =
        os::open_at(directory.get(), values.file, O_WRONLY | O_CREAT | O_EXCL, 0666);
    os::write_all(target.get(), runtime::spec_template(values.rootless, ::geteuid(), ::getegid()),
                  values.file);
    return EXIT_SUCCESS;
}

}  // namespace lxcri::cmd
