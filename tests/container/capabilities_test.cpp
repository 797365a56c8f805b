// process.capabilities and noNewPrivileges: the five sets, to the bit.
#include <linux/capability.h>

#include <cstdio>

#include "support/catch.h"
#include "support/environment.h"
#include "support/runtime.h"

using namespace lxcri::test;

namespace {

std::string mask(std::initializer_list<int> capabilities) {
    unsigned long long bits = 0;
    for (const int capability : capabilities) bits |= 1ULL << capability;
    char text[17];
    std::snprintf(text, sizeof text, "%016llx", bits);
    return text;
}

struct Sets {
    std::string bounding, effective, permitted, inheritable, ambient;
};

Sets sets_of(const std::string& output) {
    return {value_of(output, "bounding"), value_of(output, "effective"),
            value_of(output, "permitted"), value_of(output, "inheritable"),
            value_of(output, "ambient")};
}

}  // namespace

TEST_CASE("capabilities: root gets the five sets as given", "[capabilities]") {
    NEEDS(need_runtime());
    Box box;
    const bool no_new_privileges = GENERATE(true, false);
    box.bundle.process()["noNewPrivileges"] = no_new_privileges;
    box.bundle.process()["capabilities"] = {{"bounding", {"CAP_CHOWN", "CAP_KILL", "CAP_NET_RAW"}},
                                            {"permitted", {"CAP_CHOWN", "CAP_KILL"}},
                                            {"effective", {"CAP_CHOWN"}},
                                            {"inheritable", {"CAP_KILL"}},
                                            {"ambient", {"CAP_KILL"}}};
    const Sets sets = sets_of(box.life({"caps"}).out);
    CHECK(sets.bounding == mask({CAP_CHOWN, CAP_KILL, CAP_NET_RAW}));
    CHECK(sets.inheritable == mask({CAP_KILL}));
    // exec as root makes permitted inheritable + bounding, unless privileges may not grow.
    CHECK(sets.permitted == (no_new_privileges ? mask({CAP_CHOWN, CAP_KILL})
                                               : mask({CAP_CHOWN, CAP_KILL, CAP_NET_RAW})));
    CHECK(sets.ambient == mask({CAP_KILL}));
}

TEST_CASE("capabilities: a user keeps the ambient ones over exec", "[capabilities]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.process()["user"] = {{"uid", 1000}, {"gid", 1000}};
    box.bundle.process()["capabilities"] = {
        {"bounding", {"CAP_CHOWN", "CAP_NET_BIND_SERVICE", "CAP_NET_RAW"}},
        {"permitted", {"CAP_CHOWN", "CAP_NET_BIND_SERVICE"}},
        {"effective", {"CAP_CHOWN", "CAP_NET_BIND_SERVICE"}},
        {"inheritable", {"CAP_NET_BIND_SERVICE"}},
        {"ambient", {"CAP_NET_BIND_SERVICE"}}};
    const Sets sets = sets_of(box.life({"caps"}).out);
    CHECK(sets.bounding == mask({CAP_CHOWN, CAP_NET_BIND_SERVICE, CAP_NET_RAW}));
    CHECK(sets.permitted == mask({CAP_NET_BIND_SERVICE}));
    CHECK(sets.effective == mask({CAP_NET_BIND_SERVICE}));
    CHECK(sets.inheritable == mask({CAP_NET_BIND_SERVICE}));
    CHECK(sets.ambient == mask({CAP_NET_BIND_SERVICE}));
}

TEST_CASE("capabilities: a user without ambient ones has none after exec", "[capabilities]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.process()["user"] = {{"uid", 1000}, {"gid", 1000}};
    const Sets sets = sets_of(box.life({"caps"}).out);
    CHECK(sets.effective == mask({}));
    CHECK(sets.permitted == mask({}));
    CHECK(sets.ambient == mask({}));
}

TEST_CASE("capabilities: empty sets leave nothing, to root too", "[capabilities]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.process()["capabilities"] = {{"bounding", Json::array()},
                                            {"permitted", Json::array()},
                                            {"effective", Json::array()},
                                            {"inheritable", Json::array()},
                                            {"ambient", Json::array()}};
    const Sets sets = sets_of(box.life({"caps", "--", "chown", "/tmp", "1", "1"}).out);
    CHECK(sets.bounding == mask({}));
    CHECK(sets.effective == mask({}));
    CHECK(sets.permitted == mask({}));
}

TEST_CASE("capabilities: absent means none", "[capabilities][not-runc]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.process().erase("capabilities");
    const Sets sets = sets_of(box.life({"caps"}).out);
    CHECK(sets.bounding == mask({}));
    CHECK(sets.effective == mask({}));
    CHECK(sets.permitted == mask({}));
}

TEST_CASE("capabilities: what is not in the sets cannot be done", "[capabilities]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.process()["capabilities"] = {
        {"bounding", {"CAP_KILL"}}, {"permitted", {"CAP_KILL"}}, {"effective", {"CAP_KILL"}}};
    const Outcome outcome = box.life({"chown", "/tmp", "1", "1", "--", "mount", "/tmp", "--",
                                      "sethostname", "other", "--", "chroot", "/tmp"});
    CHECK(has_line(outcome.out, "chown /tmp: EPERM"));
    CHECK(has_line(outcome.out, "mount /tmp: EPERM"));
    CHECK(has_line(outcome.out, "sethostname other: EPERM"));
    CHECK(has_line(outcome.out, "chroot /tmp: EPERM"));
}

TEST_CASE("capabilities: an unknown name is no error", "[capabilities][not-crun]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.process()["capabilities"]["bounding"].push_back("CAP_FROM_THE_FUTURE");
    CHECK(box.life({"true"}).code == 0);
}

TEST_CASE("noNewPrivileges: is set as asked", "[capabilities]") {
    NEEDS(need_runtime());
    Box box;
    const bool wanted = GENERATE(true, false);
    box.bundle.process()["noNewPrivileges"] = wanted;
    CHECK(value_of(box.life({"caps"}).out, "no_new_privs") == (wanted ? "1" : "0"));
}

TEST_CASE("noNewPrivileges: absent means not set", "[capabilities]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.process().erase("noNewPrivileges");
    CHECK(value_of(box.life({"caps"}).out, "no_new_privs") == "0");
}

TEST_CASE("capabilities: securebits are the default ones", "[capabilities]") {
    NEEDS(need_runtime());
    Box box;
    CHECK(value_of(box.life({"caps"}).out, "securebits") == "0");
}
