// check: what it finds is what is there.
#include <unistd.h>

#include <cctype>

#include "support/catch.h"
#include "support/environment.h"
#include "support/runtime.h"

using namespace lxcri::test;

namespace {

struct Check {
    int code = 0;
    Json json;
    std::string text;

    Json find(const std::string& name) const {
        for (const Json& finding : json.at("findings")) {
            if (finding.at("name") == name) return finding;
        }
        return {{"severity", "missing"}, {"text", ""}};
    }
    std::string severity(const std::string& name) const { return find(name).at("severity"); }
};

Check check(const Strings& global = {}, const CommandOptions& options = {}) {
    Strings line = {environment().runtime};
    line.insert(line.end(), global.begin(), global.end());
    line.insert(line.end(), {"check", "--format", "json"});
    const Finished finished = run_command(line, options);
    CAPTURE(finished.err);
    Check result;
    result.code = finished.code();
    result.text = finished.out;
    result.json = Json::parse(finished.out);
    return result;
}

}  // namespace

TEST_CASE("check: this machine, where containers run, has no error", "[check][lxcri]") {
    NEEDS(need_runtime());
    const Check here = check();
    CHECK(here.json.at("severity") != "error");
    CHECK(here.code == (here.json.at("severity") == "warning" ? 2 : 0));
    for (const char* name : {"lxcri-start", "lxcri-init", "openat2", "mount_setattr", "pidfd_open",
                             "hierarchies", "mount namespaces"}) {
        CAPTURE(name);
        CHECK(here.severity(name) == "ok");
    }
    CHECK(std::isdigit(here.find("liblxc").at("text").get<std::string>().front()) != 0);
    const std::string hierarchies = here.find("hierarchies").at("text");
    switch (environment().layout) {
        case CgroupLayout::kV1:
            CHECK(hierarchies == "version 1");
            break;
        case CgroupLayout::kHybrid:
            CHECK(contains(hierarchies, "beside"));
            break;
        case CgroupLayout::kV2:
            CHECK(hierarchies == "version 2");
            break;
    }
    for (const char* controller : {"memory", "pids", "cpu"}) {
        CAPTURE(controller);
        CHECK((here.severity(controller) == "ok") == has_controller(controller));
    }
}

TEST_CASE("check: what is missing is told, with the exit status for it", "[check][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    std::filesystem::create_directories(box / "libexec");
    const Check none = check({"--libexec", box / "libexec"});
    CHECK(none.code == 1);
    CHECK(none.json.at("severity") == "error");
    CHECK(none.severity("lxcri-start") == "error");
    CHECK(none.severity("liblxc") == "missing");
    CHECK(contains(none.find("lxcri-start").at("text").get<std::string>(),
                   (box / "libexec").string()));
    // A program that is there and does not run.
    write_file(box / "libexec/lxcri-start", "#!/bin/false\n", 0755);
    CHECK(check({"--libexec", box / "libexec"}).severity("liblxc") == "error");
}

TEST_CASE("check: an ordinary user may ask", "[check][lxcri]") {
    NEEDS(need_runtime());
    CommandOptions user;
    user.uid = 65534;
    const Check theirs = check({}, user);
    CHECK(theirs.severity("user") == "note");
    CHECK(contains(theirs.find("user").at("text").get<std::string>(), "uid 65534"));
    CHECK(theirs.code != 1);
}

TEST_CASE("check: for people the same, in lines", "[check][lxcri]") {
    NEEDS(need_runtime());
    const Check json = check();
    const Finished text = run_command({environment().runtime, "check"});
    CHECK(text.code() == json.code);
    CHECK_FALSE(contains(text.out, "\x1b"));
    for (const Json& finding : json.json.at("findings")) {
        CAPTURE(finding);
        CHECK(contains(text.out, finding.at("name").get<std::string>()));
        CHECK(contains(text.out, finding.at("text").get<std::string>()));
    }
    CHECK(run_command({environment().runtime, "check", "--format", "xml"}).code() == 1);
}
