// Errors that cross from one process to another.

#include "handoff/failure.h"

#include <array>
#include <cerrno>
#include <new>
#include <string>

#include "handoff/call_in_child.h"
#include "handoff/run_hooks.h"
#include "support/catch.h"

using namespace lxcri;
using handoff::HookError;
using handoff::HookKind;

namespace {

std::string written(const std::exception& error, std::size_t room = 4096) {
    std::string buffer(room, '?');
    buffer.resize(handoff::write_failure(buffer, error));
    return buffer;
}

// What arrives of an error of this type.
template <class T>
T arrived(const T& error) {
    try {
        handoff::throw_failure(written(error));
    } catch (const T& other) {
        CHECK(typeid(other) == typeid(error));
        CHECK(std::string(other.what()) == error.what());
        return other;
    }
}

}  // namespace

TEST_CASE("an error keeps its type and its text on the way") {
    (void)arrived(Error("a text: with \"everything\" in it\n"));
    (void)arrived(Error(""));
    (void)arrived(StateError("it is stopped"));
    (void)arrived(NotFoundError("container \"c1\" does not exist"));
    CHECK(arrived(SpecError("/mounts/0/a b~1", "wrong")).pointer() == "/mounts/0/a b~1");
    CHECK(arrived(SpecError("", "wrong")).pointer().empty());
    CHECK(arrived(SystemError(ENOENT, "open", "/x")).code() == ENOENT);
    const auto hook = arrived(HookError(HookKind::poststop, 12, EACCES, "hook 1 2"));
    CHECK(hook.kind() == HookKind::poststop);
    CHECK(hook.index() == 12);
    CHECK(hook.code() == EACCES);
}

TEST_CASE("what others have put before the text of an error is kept as well") {
    SpecError error("/mounts/0", "wrong");
    error.add_context("lxcri-hook");
    CHECK(arrived(error).pointer() == "/mounts/0");
}

TEST_CASE("another exception arrives as its text") {
    CHECK_THROWS_WITH(handoff::throw_failure(written(std::bad_alloc())), std::bad_alloc().what());
}

TEST_CASE("a failure that is too long for its place is cut") {
    const std::string all = written(Error(std::string(100, 'x')));
    CHECK_THROWS_WITH(
        handoff::throw_failure(written(Error(std::string(100, 'x')), all.size() - 60)),
        std::string(40, 'x'));
    CHECK(written(SpecError(std::string(100, 'p'), "x"), 50).size() == 50);
    CHECK_THROWS_AS(handoff::throw_failure(written(SpecError(std::string(100, 'p'), "x"), 50)),
                    Error);
    CHECK(written(Error("x"), 0).empty());
}

TEST_CASE("what is no failure of ours is taken for a text") {
    for (const std::string text :
         {"", "p", "p ", "s 0 0 0 5 /x", "e x 0 0 0 text", "h 0 6 0 0 text", "h 0 -1 0 0 text",
          "q 0 0 0 0 text", "hook /hooks/startContainer/0 \"/x\" exited with status 1"}) {
        CAPTURE(text);
        try {
            handoff::throw_failure(text);
        } catch (const Error& error) {
            CHECK(typeid(error) == typeid(Error));
            CHECK(error.what() == text);
        }
    }
}

TEST_CASE("call_in_child throws what its child has thrown", "[native]") {
    const auto failing = [](const auto& error) {
        return [error]() -> std::vector<os::UniqueFd> { throw error; };
    };
    CHECK_THROWS_AS(handoff::call_in_child(failing(SpecError("/mounts/0", "x"))), SpecError);
    try {
        (void)handoff::call_in_child(failing(SystemError(EBUSY, "mount")));
        FAIL("no error");
    } catch (const SystemError& error) {
        CHECK(error.code() == EBUSY);
    }
}

TEST_CASE("a hook that fails says which one it is", "[native]") {
    handoff::Hook hook;
    hook.kind = HookKind::create_runtime;
    hook.index = 4;
    hook.path = "/nonexistent";
    hook.args = {"x"};
    const auto error_of = [&] {
        try {
            handoff::run_hook(hook, "{}");
        } catch (const HookError& error) {
            return error;
        }
        throw std::logic_error("no error");
    };
    CHECK(error_of().kind() == HookKind::create_runtime);
    CHECK(error_of().index() == 4);
    CHECK(error_of().code() == ENOENT);
    hook.path = "/bin/false";
    CHECK(error_of().code() == 0);
}
