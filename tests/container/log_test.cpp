// Errors: one line on stderr, one record in --log; nothing else anywhere.
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <regex>

#include "support/catch.h"
#include "support/environment.h"
#include "support/runtime.h"

using namespace lxcri::test;

namespace {

CreateOptions with_log(const Box& box, const std::string& format) {
    CreateOptions options;
    options.global = {"--log", box / "log", "--log-format", format};
    return options;
}

}  // namespace

TEST_CASE("log: json has exactly one object with level error after a failure", "[log]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.config["root"]["path"] = "missing";
    Container container = box.try_create(with_log(box, "json"));
    CHECK(container.created.code() != 0);
    const Strings lines = lines_of(read_file(box / "log"));
    REQUIRE(lines.size() == 1);
    const Json record = Json::parse(lines[0]);
    CHECK(record.at("level") == "error");
    CHECK(record.at("msg").get<std::string>() != "");
    CHECK(record.at("time").is_string());
    CHECK(std::regex_match(record.at("time").get<std::string>(),
                           std::regex("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d.*")));
}

TEST_CASE("log: --log-format=json and --log=FILE mean the same", "[log]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.config["root"]["path"] = "missing";
    CreateOptions options;
    options.global = {"--log-format=json", "--log=" + (box / "log").string()};
    CHECK(box.try_create(options).created.code() != 0);
    CHECK(Json::parse(lines_of(read_file(box / "log")).at(0)).at("level") == "error");
}

TEST_CASE("log: nothing in it when all went well", "[log]") {
    NEEDS(need_runtime());
    Box box;
    const std::string format = GENERATE(as<std::string>(), "json", "text");
    CHECK(box.life({"true"}, with_log(box, format)).code == 0);
    CHECK(read_file(box / "log") == "");
}

TEST_CASE("log: every command writes its failure", "[log]") {
    NEEDS(need_runtime());
    Box box;
    const std::string command = GENERATE(as<std::string>(), "state", "start", "kill", "delete");
    const Finished finished =
        box.call({"--log", box / "log", "--log-format", "json", command, "unknown"});
    CHECK(finished.code() != 0);
    const Strings lines = lines_of(read_file(box / "log"));
    REQUIRE(!lines.empty());
    CHECK(Json::parse(lines.back()).at("level") == "error");
}

TEST_CASE("log: text has the message", "[log]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.config["root"]["path"] = "missing-directory";
    CHECK(box.try_create(with_log(box, "text")).created.code() != 0);
    CHECK(contains(read_file(box / "log"), "missing-directory"));
}

TEST_CASE("log: records are added to what is there", "[log]") {
    NEEDS(need_runtime());
    Box box;
    for (int i = 0; i < 3; ++i) {
        (void)box.call({"--log", box / "log", "--log-format", "json", "state", "unknown"});
    }
    CHECK(lines_of(read_file(box / "log")).size() == 3);
}

TEST_CASE("log: quotes, newlines and bytes that are no UTF-8 stay inside the string",
          "[log][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.config["root"]["path"] = "no \"such\"\n\\ directory\t\x01";
    CHECK(box.try_create(with_log(box, "json")).created.code() == 1);
    const Strings lines = lines_of(read_file(box / "log"));
    REQUIRE(lines.size() == 1);
    CHECK(contains(Json::parse(lines[0]).at("msg").get<std::string>(), "such"));
}

TEST_CASE("log: in a directory that is not there is an error, and makes none", "[log]") {
    NEEDS(need_runtime());
    Box box;
    std::filesystem::create_directories(box.root());
    const Finished finished =
        run_command({box.runtime(), "--root", box.root(), "--log", box / "none/log", "list"});
    CHECK(finished.code() != 0);
    CHECK_FALSE(std::filesystem::exists(box / "none"));
}

TEST_CASE("log: an unknown format or level is refused", "[log][not-crun]") {
    NEEDS(need_runtime());
    Box box;
    CHECK(box.call({"--log-format", "xml", "list"}).code() != 0);
}

TEST_CASE("log: the error is one line on stderr too, without --log", "[log][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.config["root"]["path"] = "missing-directory";
    const std::string text = box.refusal();
    CHECK(lines_of(text).size() == 1);
    CHECK(contains(text, "missing-directory"));
    CHECK(contains(text, "no such file or directory"));
    CHECK(text.ends_with("\n"));
}

TEST_CASE("log: failures inside the container arrive in it", "[log][not-crun]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.process()["args"] = {"not-there"};
    Container container = box.try_create(with_log(box, "json"));
    if (container.created.code() != 0) {
        const Strings lines = lines_of(read_file(box / "log"));
        REQUIRE(!lines.empty());
        CHECK(contains(Json::parse(lines.back()).at("msg").get<std::string>(),
                       "executable file not found in $PATH"));
    }
}

TEST_CASE("log: --debug writes more, and every line is still JSON", "[log]") {
    NEEDS(need_runtime());
    Box box;
    CreateOptions options = with_log(box, "json");
    options.global.push_back("--debug");
    CHECK(box.life({"true"}, options).code == 0);
    for (const std::string& line : lines_of(read_file(box / "log"))) {
        CHECK(Json::parse(line).contains("msg"));
    }
}

TEST_CASE("log: a warning is a record of its own level, where all goes well", "[log][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.process()["capabilities"]["bounding"].push_back("CAP_UNHEARD_OF");
    const std::string format = GENERATE(as<std::string>(), "json", "text");
    CHECK(box.life({"true"}, with_log(box, format)).code == 0);
    const Strings lines = lines_of(read_file(box / "log"));
    REQUIRE(lines.size() == 1);
    CHECK(contains(lines[0], "CAP_UNHEARD_OF"));
    if (format == "json") {
        CHECK(Json::parse(lines[0]).at("level") == "warning");
    } else {
        CHECK(contains(lines[0], "level=warning"));
    }
}

TEST_CASE("log: json has one object after a failure, also when there were warnings",
          "[log][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.process()["capabilities"]["bounding"].push_back("CAP_UNHEARD_OF");
    box.bundle.process()["args"] = {"not-there"};
    CreateOptions options = with_log(box, "json");
    std::size_t expected = 1;
    SECTION("by default") {}
    SECTION("when a level is asked for they are all there") {
        options.global.insert(options.global.end(), {"--log-level", "warning"});
        expected = 2;
    }
    CHECK(box.try_create(options).created.code() == 1);
    const Strings lines = lines_of(read_file(box / "log"));
    REQUIRE(lines.size() == expected);
    CHECK(Json::parse(lines.back()).at("level") == "error");
}

TEST_CASE("log: the warnings of run are there while it runs", "[log][run][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.process()["capabilities"]["bounding"].push_back("CAP_UNHEARD_OF");
    box.bundle.args({"report"}).write();
    Stream out;
    CommandOptions options;
    options.fds = {{out.write_end(), 1}};
    Process process(box.command_line({"--log", box / "log", "--log-format", "json", "run",
                                      "--bundle", box.bundle.path(), box.new_id()}),
                    options);
    out.wait_for("ready");
    const auto begin = std::chrono::steady_clock::now();
    while (!contains(read_file(box / "log"), "CAP_UNHEARD_OF")) {
        REQUIRE(milliseconds_left(begin, kDeadline) > 0);
        poll(nullptr, 0, 5);
    }
    CHECK(box.call({"kill", box.name(), "KILL"}).code() == 0);
    CHECK(process.wait_exit_only().code() == 137);
}

TEST_CASE("log: --debug tells what exec does", "[log][exec][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    Container container = box.sleeper();
    const Finished finished =
        run_command({box.runtime(), "--root", box.root(), "--debug", "--log", box / "log",
                     "--log-format", "json", "exec", container.id(), "/probe", "true"});
    CHECK(finished.code() == 0);
    const Strings lines = lines_of(read_file(box / "log"));
    CHECK(lines.size() >= 3);
    for (const std::string& line : lines) CHECK(Json::parse(line).at("level") == "debug");
    CHECK(contains(read_file(box / "log"), "mnt"));
    container.kill();
    container.wait();
    container.remove();
}

TEST_CASE("log: to syslog and to journald, and file: names a file", "[log][lxcri]") {
    NEEDS(need_runtime());
    NEEDS(need_program("unshare"));
    Box box;
    std::filesystem::create_directories(box / "j");
    const UniqueFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = box / "j/socket";
    REQUIRE(path.size() < sizeof address.sun_path);
    std::copy(path.begin(), path.end(), address.sun_path);
    REQUIRE(bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    // The places of the two services, in a mount namespace of the call.
    const std::string script =
        "mount -t tmpfs t /run && mkdir -p /run/systemd/journal && "
        "mount --bind \"$1\" /run/systemd/journal && mount -t tmpfs t /dev && "
        "ln -s \"$1/socket\" /dev/log && shift && exec \"$@\"";
    const auto call = [&](const std::string& place) {
        return run_command({find_program("unshare"), "-m", "sh", "-c", script, "sh", box / "j",
                            box.runtime(), "--root", box.root(), "--log", place, "state",
                            "unknown"});
    };
    const auto received = [&] {
        std::array<char, 4096> text{};
        const ssize_t size = recv(socket.get(), text.data(), text.size(), MSG_DONTWAIT);
        return std::string(text.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
    };
    CHECK(call("syslog:some-name").code() == 1);
    std::string record = received();
    CAPTURE(record);
    CHECK(record.starts_with("<11>some-name["));
    CHECK(contains(record, "\"unknown\" does not exist"));
    CHECK(call("journald:other").code() == 1);
    record = received();
    CHECK(contains(record, "MESSAGE="));
    CHECK(contains(record, "\"unknown\" does not exist\n"));
    CHECK(contains(record, "PRIORITY=3\n"));
    CHECK(contains(record, "SYSLOG_IDENTIFIER=other\n"));
    CHECK(call("file:" + (box / "log").string()).code() == 1);
    CHECK(contains(read_file(box / "log"), "does not exist"));
    CHECK(received() == "");
    std::filesystem::remove(box / "j/socket");
    const Finished missing = call("journald:x");
    CHECK(missing.code() == 1);
    CHECK(contains(missing.err, "--log journald:x: "));
}
