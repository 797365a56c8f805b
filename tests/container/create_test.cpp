// create: what it says, what it leaves, what it refuses.
#include <fcntl.h>
#include <sys/stat.h>

#include <filesystem>

#include "support/catch.h"
#include "support/environment.h"
#include "support/runtime.h"

using namespace lxcri::test;
namespace fs = std::filesystem;

TEST_CASE("create: the container is created, its program does not run yet", "[create]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.args({"write", "/tmp/ran", "yes"});
    Container container = box.create();
    CHECK(container.status() == "created");
    CHECK(container.out().text() == "");
    CHECK(!fs::exists(box.bundle.in_rootfs("tmp/ran")));
    container.start();
    CHECK(container.wait_code() == 0);
    CHECK(fs::exists(box.bundle.in_rootfs("tmp/ran")));
}

TEST_CASE("create: says nothing when all went well", "[create]") {
    NEEDS(need_runtime());
    Box box;
    Container container = box.create();
    CHECK(container.out().text() == "");
    CHECK(container.err().text() == "");
}

TEST_CASE("create: the bundle is the working directory unless given", "[create]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.args({"echo", "found"}).write();
    const std::string id = box.new_id();
    CommandOptions options;
    options.working_directory = box.bundle.path();
    const UniqueFd null(open("/dev/null", O_RDWR | O_CLOEXEC));
    options.fds = {{null.get(), 1}, {null.get(), 2}};
    CHECK(box.call({"create", id}, options).code() == 0);
    CHECK(Json::parse(box.call({"state", id}).out).at("bundle") == box.bundle.path().string());
}

TEST_CASE("create: --config names another file, seen from the working directory",
          "[create][not-runc]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.args({"echo", "other"}).write();
    fs::rename(box.bundle.path() / "config.json", box / "other.json");
    const std::string flag = GENERATE(as<std::string>(), "--config", "-f");
    Strings command =
        box.command_line({"run", "--bundle", box.bundle.path(), flag, "other.json", box.new_id()});
    CommandOptions options;
    options.working_directory = box / "";
    CHECK(run_command(command, options).out == "other\n");
    command[command.size() - 2] = "none.json";
    const Finished finished = run_command(command, options);
    CHECK(finished.code() == 1);
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("create: accepts a relative bundle and -b, and shows the absolute path", "[create]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.write();
    const std::string id = box.new_id();
    CommandOptions options;
    options.working_directory = box.bundle.path().parent_path();
    const UniqueFd null(open("/dev/null", O_RDWR | O_CLOEXEC));
    options.fds = {{null.get(), 1}, {null.get(), 2}};
    CHECK(box.call({"create", "-b", "bundle", id}, options).code() == 0);
    CHECK(Json::parse(box.call({"state", id}).out).at("bundle") == box.bundle.path().string());
}

TEST_CASE("create: --root=R means the same as --root R", "[create]") {
    NEEDS(need_runtime());
    Box box;
    Container container = box.create();
    const Finished state = run_command(
        {environment().runtime, "--root=" + box.root().string(), "state", container.id()});
    CHECK(state.code() == 0);
    CHECK(Json::parse(state.out).at("id") == container.id());
}

TEST_CASE("create: later changes of config.json have no effect", "[create]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.args({"echo", "before"});
    Container container = box.create();
    box.bundle.args({"echo", "after"}).write();
    container.start();
    CHECK(container.wait_code() == 0);
    CHECK(container.out().wait_for_end() == "before\n");
}

TEST_CASE("create: a used ID is refused and the first container is unharmed", "[create]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.args({"trap", "TERM", "7"});
    Container first = box.create();
    SECTION("created") {
        Container second = box.try_create({}, first.id());
        CHECK(second.created.code() != 0);
        CHECK(second.created.err != "");
        CHECK(first.status() == "created");
        first.start();
    }
    SECTION("running") {
        first.start();
        first.out().wait_for("ready");
        Container second = box.try_create({}, first.id());
        CHECK(second.created.code() != 0);
        CHECK(first.status() == "running");
    }
    CHECK(first.state().at("pid") == first.pid());
    first.out().wait_for("ready");
    first.kill("TERM");
    CHECK(first.wait_code() == 7);
    Container third = box.try_create({}, first.id());
    CHECK(third.created.code() != 0);
    CHECK(first.status() == "stopped");
    first.remove();
}

namespace {

void check_refused(const std::string& id) {
    CAPTURE(id);
    Box box;
    fs::create_directories(box.root());
    write_file(box / "precious", "kept");
    Container container = box.try_create({}, id);
    CHECK(container.created.code() != 0);
    CHECK(container.created.err != "");
    CHECK(names_in(box.root()).empty());
    CHECK(read_file(box / "precious") == "kept");
    CHECK(read_file(box.bundle.path() / "config.json") != "");
}

}  // namespace

TEST_CASE("create: IDs that would leave the runtime root are refused", "[create][ids]") {
    NEEDS(need_runtime());
    check_refused(GENERATE(as<std::string>(), ".", "..", "a/b", "../escape", "./x", "..a/.."));
}

TEST_CASE("create: IDs with other characters are refused", "[create][ids][not-crun]") {
    NEEDS(need_runtime());
    check_refused(GENERATE(as<std::string>(), "", "/abs", "a b", "a\nb", "a:b", "caf\xc3\xa9", "a*",
                           "a\\b", "%", "a\tb"));
}

TEST_CASE("create: an ID that is too long for a file name is refused", "[create][ids]") {
    NEEDS(need_runtime());
    Box box;
    const std::string id(GENERATE(256U, 1025U, 5000U), 'x');
    Container container = box.try_create({}, id);
    CHECK(container.created.code() != 0);
    CHECK(names_in(box.root()).empty());
}

TEST_CASE("create: unusual but valid IDs work", "[create][ids]") {
    NEEDS(need_runtime());
    Box box;
    const std::string id =
        box.name() + GENERATE(as<std::string>(), "", "+", "_x", ".y", "-z", "a+b_c.d-e",
                              "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef");
    Container container = box.create({}, id);
    CHECK(container.state().at("id") == id);
}

TEST_CASE("create: without an ID, or with two, it is refused", "[create][ids]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.write();
    const Strings ids = GENERATE(Strings{}, Strings{"one", "two"});
    Strings arguments = {"create", "--bundle", box.bundle.path()};
    arguments.insert(arguments.end(), ids.begin(), ids.end());
    const Finished finished = box.call(arguments);
    CHECK(finished.code() != 0);
    CHECK(names_in(box.root()).empty());
}

TEST_CASE("create: a bundle that is not there, or has no config.json, is refused", "[create]") {
    NEEDS(need_runtime());
    Box box;
    const std::string id = box.new_id();
    fs::create_directories(box / "empty");
    const fs::path bundle = box / GENERATE(as<std::string>(), "missing", "empty");
    const Finished finished = box.call({"create", "--bundle", bundle, id});
    CHECK(finished.code() != 0);
    CHECK(finished.err != "");
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("create: a config.json that is no JSON object is refused", "[create]") {
    NEEDS(need_runtime());
    Box box;
    const std::string text =
        GENERATE(as<std::string>(), "", "{", "[]", "null", "\"text\"", "{\"ociVersion\": }");
    CAPTURE(text);
    box.bundle.write();
    write_file(box.bundle.path() / "config.json", text);
    const Finished finished = box.call({"create", "--bundle", box.bundle.path(), box.new_id()});
    CHECK(finished.code() != 0);
    CHECK(finished.err != "");
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("create: a pid-file that cannot be written fails, and nothing stays", "[create]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.write();
    const Finished finished = box.call(
        {"create", "--bundle", box.bundle.path(), "--pid-file", box / "missing/pid", box.new_id()});
    CHECK(finished.code() != 0);
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("create: the root directory of the runtime is made as needed, private",
          "[create][not-runc]") {
    NEEDS(need_runtime());
    Box box;
    Container container = box.create();
    struct stat info {};
    REQUIRE(stat(box.root().c_str(), &info) == 0);
    CHECK((info.st_mode & 0022u) == 0);
    for (const auto& entry : fs::recursive_directory_iterator(box.root())) {
        REQUIRE(lstat(entry.path().c_str(), &info) == 0);
        CAPTURE(entry.path());
        if (!S_ISLNK(info.st_mode)) CHECK((info.st_mode & 0022u) == 0);  // only the owner writes
    }
}

TEST_CASE("create: with too few descriptors nothing stays, however many there are",
          "[create][not-crun][not-runc]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.args({"echo", "ran"}).write();
    for (int limit = 3; limit < 34; ++limit) {
        const std::string id = box.new_id();
        Strings command = {"/bin/sh", "-c", "ulimit -n " + std::to_string(limit) + "; exec \"$@\"",
                           "sh"};
        for (const auto& word : box.command_line({"run", "--bundle", box.bundle.path(), id})) {
            command.push_back(word);
        }
        const Finished finished = run_command(command);
        CAPTURE(limit, finished.err);
        // Of a dynamic lxcri the loader may need more: LXCRI_STATIC=OFF.
        const bool is_loaded = !contains(finished.err, "error while loading shared libraries");
        CHECK(finished.code() == (finished.out == "ran\n" ? 0 : is_loaded ? 1 : 127));
        CHECK(box.leftovers() == Strings{});
    }
}

TEST_CASE("create, start, kill, delete --timeout", "[create][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    const std::string id = box.new_id();
    box.bundle.write();
    const auto call = [&](Strings words) {
        CommandOptions options;
        const UniqueFd null(open("/dev/null", O_RDWR | O_CLOEXEC));
        options.fds = {{null.get(), 1}};
        const Finished finished = box.call(words, options);
        CAPTURE(words, finished.err);
        return finished;
    };
    for (const char* command : {"start", "kill", "delete"}) {
        CHECK(contains(call({command, "--timeout", "0", id}).err,
                       "--timeout: expected a number from 1 to 86400, got \"0\""));
    }
    CHECK(contains(call({"create", "--timeout", "x", "--bundle", box.bundle.path(), id}).err,
                   "86400, got \"x\""));
    // A command that waits for a hook that stays longer than that gives up.
    box.bundle.config["hooks"]["startContainer"] = {
        {{"path", "/probe"}, {"args", {"probe", "sleep"}}}};
    box.bundle.write();
    CommandOptions options;
    const UniqueFd null(open("/dev/null", O_RDWR | O_CLOEXEC));
    options.fds = {{null.get(), 0}, {null.get(), 1}, {null.get(), 2}};
    CHECK(box.call({"create", "--timeout=30", "--bundle", box.bundle.path(), id}, options).code() ==
          0);
    CHECK(call({"start", "--timeout", "1", id}).code() == 1);
    CHECK(call({"delete", "--force", "--timeout", "10", id}).code() == 0);
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("create: a failed create leaves nothing and the ID can be used", "[create]") {
    NEEDS(need_runtime());
    Box box;
    const Json mounts = box.bundle.config["mounts"];
    box.bundle.add_mount({{"destination", "/x"},
                          {"type", "bind"},
                          {"source", "/does/not/exist"},
                          {"options", {"bind"}}});
    Container failed = box.try_create();
    CHECK(failed.created.code() != 0);
    CHECK(box.leftovers() == Strings{});
    box.bundle.config["mounts"] = mounts;
    Container container = box.create({}, failed.id());
    CHECK(container.status() == "created");
}
