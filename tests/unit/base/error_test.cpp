#include "base/error.h"

#include <cerrno>
#include <functional>

#include "support/catch.h"

using namespace lxcri;

TEST_CASE("errno texts are what callers look for") {
    CHECK(errno_text(ENOENT) == "no such file or directory");
    CHECK(errno_text(EACCES) == "permission denied");
    CHECK(errno_text(EPERM) == "operation not permitted");
    CHECK(errno_text(EEXIST) == "file exists");
    CHECK(errno_text(EINVAL) == "invalid argument");
    // A word of capitals stays.
    CHECK(errno_text(EDOTDOT) == "RFS specific error");
    CHECK(errno_text(99999) == "errno 99999");
    CHECK(errno_text(-1) == "errno -1");
}

TEST_CASE("every errno has a text without a line break and a full stop") {
    for (int code = 1; code < 134; ++code) {
        const auto text = errno_text(code);
        INFO(code << " " << text);
        CHECK_FALSE(text.empty());
        CHECK(text.find('\n') == std::string::npos);
        CHECK(text.back() != '.');
    }
}

TEST_CASE("a system error names call, operand and reason") {
    CHECK_THAT(SystemError(ENOENT, "open", "/etc/x").what(),
               Catch::Equals("open \"/etc/x\": no such file or directory"));
    CHECK_THAT(SystemError(EIO, "poll").what(), Catch::Equals("poll: input/output error"));
    CHECK_THAT(SystemError(ENOENT, "open", "a\nb").what(),
               Catch::Equals("open \"a\\x0ab\": no such file or directory"));
    CHECK(SystemError(ELOOP, "open", "x").code() == ELOOP);
}

TEST_CASE("a spec error begins with its pointer") {
    CHECK_THAT(SpecError("/process/cwd", "missing").what(), Catch::Equals("/process/cwd: missing"));
    CHECK_THAT(SpecError("", "empty").what(), Catch::Equals("the document: empty"));
    CHECK(SpecError("/a/b", "x").pointer() == "/a/b");
}

TEST_CASE("context goes in front, from the outside in") {
    const auto fail = [] {
        in_context("create \"c1\"", [] {
            in_context("mounts[3]", [] { throw SystemError(EPERM, "openat2", "etc/hosts"); });
        });
    };
    CHECK_THROWS_WITH(fail(),
                      "create \"c1\": mounts[3]: openat2 \"etc/hosts\": operation not permitted");
}

TEST_CASE("context keeps the type of an error and what is known about it") {
    try {
        in_context("outside", [] { throw SystemError(ENOSPC, "write"); });
        FAIL("no exception");
    } catch (const SystemError& error) {
        CHECK(error.code() == ENOSPC);
    }
    try {
        in_context("outside", [] { throw SpecError("/a", "b"); });
        FAIL("no exception");
    } catch (const SpecError& error) {
        CHECK(error.pointer() == "/a");
        CHECK_THAT(error.what(), Catch::Equals("outside: /a: b"));
    }
    CHECK_THROWS_AS(in_context("outside", [] { throw NotFoundError("gone"); }), NotFoundError);
}

TEST_CASE("in_context passes results through") {
    CHECK(in_context("x", [] { return 5; }) == 5);
    int value = 0;
    int& reference = in_context("x", [&]() -> int& { return value; });
    reference = 7;
    CHECK(value == 7);
}

TEST_CASE("foreign exceptions pass without context") {
    CHECK_THROWS_WITH(in_context("x", [] { throw std::runtime_error("bare"); }), "bare");
}

TEST_CASE("who catches what") {
    const auto thrown = [](const std::function<void()>& action) -> std::string {
        try {
            action();
        } catch (const NotFoundError&) {
            return "not found";
        } catch (const StateError&) {
            return "state";
        } catch (const Error&) {
            return "error";
        }
        return "nothing";
    };
    CHECK(thrown([] { throw NotFoundError("x"); }) == "not found");
    CHECK(thrown([] { throw StateError("x"); }) == "state");
    CHECK(thrown([] { throw SystemError(1, "x"); }) == "error");
    CHECK(thrown([] { throw SpecError("", "x"); }) == "error");
    CHECK(thrown([] {}) == "nothing");
}
