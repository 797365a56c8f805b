#include "command.h"
#include "create_options.h"
#include "parse.h"
#include "runtime/operations.h"
#include "signal_name.h"

namespace lxcri::cmd {

namespace {

struct Values {
    std::string id;
    std::string signal = "TERM";
    bool all = false;
    bool regex = false;
};

constexpr auto kOptions = std::to_array<Option<Values>>({
    {"ID", "", "name of the container", &Values::id, Need::required},
    {"SIGNAL", "", "name or number (default: TERM)", &Values::signal},
    {"-a,--all", "", "send it to every process of the container", &Values::all},
    {"-r,--regex", "", "ID is a regular expression: all containers that it matches",
     &Values::regex},
});

}  // namespace

int run_kill(const settings::Options& common, Arguments arguments) {
    Parser parser("Send a signal to the container process.", "lxcri kill");
    Values values;
    settings::Options options = common;
    options.timeout = options.kill_timeout;
    parser.add(kOptions, values);
    parser.add(kTimeoutOption, options);
    parser.parse(std::move(arguments));
    const int number = parse_signal(values.signal);
    const auto kill_one = [&](const std::string& name) {
        runtime::kill(options, name, number, values.all);
    };
    values.regex ? runtime::for_each_match(options, values.id, kill_one) : kill_one(values.id);
    return EXIT_SUCCESS;
}

}  // namespace lxcri::cmd
