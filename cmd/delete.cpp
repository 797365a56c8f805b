#include "command.h"
#include "create_options.h"
#include "parse.h"
#include "runtime/operations.h"

namespace lxcri::cmd {

namespace {

struct Values {
    std::string id;
    bool force = false;
    bool regex = false;
};

constexpr auto kOptions = std::to_array<Option<Values>>({
    {"ID", "", "name of the container", &Values::id, Need::required},
    {"-f,--force", "", "kill it first; no error if there is no such container", &Values::force},
    {"-r,--regex", "", "ID is a regular expression: all containers that it matches",
     &Values::regex},
});

constexpr auto kTimeout = std::to_array<Option<settings::Options>>({
    {"--timeout", "SECONDS", "how long this may take",
     [](settings::Options& options, const std::string& text) {
         options.delete_timeout = parse_timeout(text);
     }},
});

}  // namespace

int run_delete(const settings::Options& common, Arguments arguments) {
    Parser parser("Remove a container: its cgroup, what is left of its processes, its state.",
                  "lxcri delete");
    Values values;
    settings::Options options = common;
    parser.add(kOptions, values);
    parser.add(kTimeout, options);
    parser.parse(std::move(arguments));
    const auto if_running = values.force ? runtime::IfRunning::kill : runtime::IfRunning::refuse;
    const auto remove_one = [&](const std::string& name) {
        runtime::remove(options, name, if_running);
    };
    values.regex ? runtime::for_each_match(options, values.id, remove_one) : remove_one(values.id);
    return EXIT_SUCCESS;
}

}  // namespace lxcri::cmd
