#include "command.h"
#include "create_options.h"
#include "parse.h"
#include "runtime/operations.h"

namespace lxcri::cmd {

namespace {

constexpr auto kRunOptions = std::to_array<Option<runtime::RunOptions>>({
    {"-d,--detach", "", "return when the container process runs", &runtime::RunOptions::detach},
    {"--keep", "", "do not delete the container at the end", &runtime::RunOptions::keep},
});

}  // namespace

int run_run(const settings::Options& common, Arguments arguments) {
    Parser parser(
        "Create and start a container, pass signals on to it, and exit with its exit status.\n"
        "The container is deleted at the end.",
        "lxcri run");
    runtime::RunOptions run;
    settings::Options options = common;
    parser.add(kBundleOptions, run.create);
    parser.add(kCreateOptions, run.create);
    parser.add(kTimeoutOption, options);
    parser.add(kRunOptions, run);
    parser.parse(std::move(arguments));
    complete(run.create, options);
    return runtime::run(options, std::move(run));
}

}  // namespace lxcri::cmd
