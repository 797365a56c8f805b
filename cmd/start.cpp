#include "command.h"
#include "create_options.h"
#include "parse.h"
#include "runtime/operations.h"

namespace lxcri::cmd {

namespace {

constexpr auto kTimeout = std::to_array<Option<settings::Options>>({
    {"--timeout", "SECONDS", "how long this may take",
     [](settings::Options& options, const std::string& text) {
         options.start_timeout = parse_timeout(text);
     }},
});

}  // namespace

int run_start(const settings::Options& common, Arguments arguments) {
    Parser parser("Let the process of a created container run.", "lxcri start");
    OnlyId values;
    settings::Options options = common;
    parser.add(kOnlyId, values);
    parser.add(kTimeout, options);
    parser.parse(std::move(arguments));
    runtime::start(options, values.id);
    return EXIT_SUCCESS;
}

}  // namespace lxcri::cmd
