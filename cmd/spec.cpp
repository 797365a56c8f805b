#include "runtime/spec_template.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/error.h"
#include "base/strings.h"
#include "command.h"
#include "os/file.h"
#include "parse.h"

namespace lxcri::cmd {

int run_spec(const Globals& /*globals*/, Arguments arguments) {
    CLI::App app("Write a config.json to begin with; an existing one stays.", "lxcri spec");
    std::string bundle = ".";
    std::string file = "config.json";
    bool rootless = false;
    app.add_option("-b,--bundle", bundle, "directory to write to (default: here)");
    app.add_option("-f,--file", file, "another name than config.json");
    app.add_flag("--rootless", rootless, "for a caller who is not root");
    parse(app, std::move(arguments));
    const os::UniqueFd directory = os::open_at(AT_FDCWD, bundle, O_RDONLY | O_DIRECTORY);
    const os::UniqueFd target =
        os::open_at(directory.get(), file, O_WRONLY | O_CREAT | O_EXCL, 0666);
    os::write_all(target.get(), runtime::spec_template(rootless, ::geteuid(), ::getegid()), file);
    return EXIT_SUCCESS;
}

}  // namespace lxcri::cmd
