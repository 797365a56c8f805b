// The systemd driver with a bus that dies, stalls or says something wrong. Needs no systemd: the
// bus is a program of ours, tests/bus/fake_bus.py.
#include <chrono>

#include "support/catch.h"
#include "support/environment.h"
#include "support/runtime.h"

using namespace lxcri::test;

namespace {

struct FakeBus {
    explicit FakeBus(const std::string& step)
        : process({find_program("python3"), LXCRI_TEST_DATA "/bus/fake_bus.py", directory / "bus",
                   step}),
          address("DBUS_SYSTEM_BUS_ADDRESS=unix:path=" + (directory / "bus").string()) {
        process.out().wait_for("ready");
    }

    TempDir directory;
    Process process;
    std::string address;
};

}  // namespace

TEST_CASE("systemd: a bus that dies or stalls is an error in time", "[systemd][slow][lxcri]") {
    NEEDS(need_runtime());
    NEEDS(need_program("python3"));
    APPLIES(in_first_view());
    const std::string step = GENERATE(
        as<std::string>(), "accept-close", "accept-stall", "accept-wrong", "auth-close",
        "auth-stall", "auth-error", "Hello-close", "Hello-stall", "Hello-error", "Hello-cut",
        "AddMatch-close", "AddMatch-stall", "AddMatch-error", "StartTransientUnit-close",
        "StartTransientUnit-stall", "StartTransientUnit-error", "StartTransientUnit-wrong",
        "StartTransientUnit-cut", "job-close", "job-stall", "job-failed", "job-error");
    CAPTURE(step);
    const FakeBus bus(step);
    Box box;
    box.bundle.linux().erase("cgroupsPath");
    CreateOptions options;
    options.global = {"--systemd-cgroup", "--create-timeout", "2"};
    options.command.environment = Strings{bus.address};
    const auto begin = std::chrono::steady_clock::now();
    const std::string line = box.refusal(options);
    CHECK(contains(line, "systemd"));
    for (const char* handshake : {"accept-stall", "auth-stall", "Hello-stall"}) {
        if (step == handshake) CHECK(contains(line, "the bus does not answer"));
    }
    CHECK_FALSE(contains(line, "\x1b"));
    CHECK_FALSE(contains(line, "\u202e"));
    // Two seconds, one more to stop what may have been started, and a busy machine.
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(10));
    CHECK(box.leftovers() == Strings{});
}
