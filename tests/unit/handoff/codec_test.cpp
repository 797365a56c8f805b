#include "handoff/codec.h"

#include <cstdlib>
#include <set>

#include "base/error.h"
#include "handoff/plan.h"
#include "random_plan.h"
#include "support/catch.h"

using namespace lxcri;
using namespace lxcri::test;

namespace {

// Every field type that a plan may have, also those that none has at present.
struct Inner {
    std::string text;
    std::int8_t small = 0;
};

struct Everything {
    bool yes = false;
    char letter = 0;
    std::int64_t negative = 0;
    std::uint64_t large = 0;
    handoff::NodeType type = handoff::NodeType::character;
    std::string text;
    std::vector<std::string> texts;
    std::vector<std::uint64_t> numbers;
    std::vector<Inner> inners;
    std::vector<std::vector<std::string>> nested;
    std::optional<std::string> maybe_text;
    std::optional<std::int32_t> maybe_number;
    std::optional<Inner> maybe_inner;
    Inner inner;
};

template <class V>
void visit_fields(V& visit, Inner& inner) {
    visit("text", inner.text);
    visit("small", inner.small);
}

template <class V>
void visit_fields(V& visit, Everything& all) {
    visit("yes", all.yes);
    visit("letter", all.letter);
    visit("negative", all.negative);
    visit("large", all.large);
    visit("type", all.type);
    visit("text", all.text);
    visit("texts", all.texts);
    visit("numbers", all.numbers);
    visit("inners", all.inners);
    visit("nested", all.nested);
    visit("maybeText", all.maybe_text);
    visit("maybeNumber", all.maybe_number);
    visit("maybeInner", all.maybe_inner);
    visit("inner", all.inner);
}

// All fields of a record, by name; an inner record's fields count as its own.
struct Names {
    template <class T>
    void operator()(std::string_view name, T&) {
        names.insert(std::string(name));
    }
    std::multiset<std::string> names;
};

// Stands for a field of any type.
struct AnyField {
    template <class T>
    operator T() const {  // NOLINT: never called
        std::abort();
    }
};

// How many initializers the struct takes: as many as it has fields.
template <class Struct, class... Fields>
constexpr std::size_t count_fields() {
    if constexpr (requires { Struct{Fields{}..., AnyField{}}; }) {
        return count_fields<Struct, Fields..., AnyField>();
    } else {
        return sizeof...(Fields);
    }
}
static_assert(count_fields<Inner>() == 2);

template <class Plan>
void check_cut(const std::string& bytes) {
    for (std::size_t length = 0; length < bytes.size(); ++length) {
        INFO(length);
        // A copy of its own, so that a sanitizer sees a read beyond the end.
        const std::string part = bytes.substr(0, length);
        CHECK_THROWS_WITH(handoff::decode<Plan>(part), "internal error: a plan is cut short");
    }
    CHECK_THROWS_WITH(handoff::decode<Plan>(bytes + '\0'),
                      "internal error: a plan has bytes left over");
}

}  // namespace

TEST_CASE("every type of field survives") {
    Everything all;
    all.yes = true;
    all.letter = 'x';
    all.negative = -5;
    all.large = 0xffffffffffffffff;
    all.type = handoff::NodeType::fifo;
    all.text = std::string("a\0b", 3);
    all.texts = {"", "one", "\xff\xfe"};
    all.numbers = {0, 1, 1ULL << 63U};
    all.inners = {{"i", -1}, {"", 127}};
    all.nested = {{}, {"a", "b"}, {""}};
    all.maybe_text = "";
    all.maybe_inner = Inner{"inside", 3};
    all.inner = {"last", 9};
    const auto copy = handoff::decode<Everything>(handoff::encode(all));
    CHECK(copy.yes);
    CHECK(copy.letter == 'x');
    CHECK(copy.negative == -5);
    CHECK(copy.large == all.large);
    CHECK(copy.type == handoff::NodeType::fifo);
    CHECK(copy.text == all.text);
    CHECK(copy.texts == all.texts);
    CHECK(copy.numbers == all.numbers);
    REQUIRE(copy.inners.size() == 2);
    CHECK(copy.inners[0].text == "i");
    CHECK(copy.inners[1].small == 127);
    CHECK(copy.nested == all.nested);
    CHECK(copy.maybe_text == "");
    CHECK_FALSE(copy.maybe_number);
    REQUIRE(copy.maybe_inner);
    CHECK(copy.maybe_inner->text == "inside");
    CHECK(copy.inner.text == "last");
    CHECK(copy.inner.small == 9);
    check_cut<Everything>(handoff::encode(all));
}

TEMPLATE_TEST_CASE("a plan with random content survives", "", handoff::StartPlan, handoff::HookPlan,
                   handoff::InitPlan, handoff::Hook, handoff::MountAction, handoff::DeviceNode,
                   handoff::ProcessPlan, handoff::JoinPlan) {
    for (unsigned seed = 0; seed < 300; ++seed) {
        INFO("seed " << seed);
        const auto plan = random_plan<TestType>(seed);
        const auto bytes = handoff::encode(plan);
        const auto copy = handoff::decode<TestType>(bytes);
        CHECK(Comparer::same(plan, copy));
        CHECK(handoff::encode(copy) == bytes);
    }
    // They are not all the same plan.
    CHECK_FALSE(Comparer::same(random_plan<TestType>(1), random_plan<TestType>(2)));
}

TEMPLATE_TEST_CASE("a plan that is cut anywhere is refused", "", handoff::StartPlan,
                   handoff::HookPlan, handoff::InitPlan) {
    check_cut<TestType>(handoff::encode(TestType{}));
    for (const unsigned seed : {1U, 2U, 3U}) {
        check_cut<TestType>(handoff::encode(random_plan<TestType>(seed)));
    }
}

TEMPLATE_TEST_CASE("a plan with any bit turned is refused or another plan", "", handoff::StartPlan,
                   handoff::HookPlan, handoff::InitPlan) {
    const auto bytes = handoff::encode(random_plan<TestType>(7));
    std::size_t refused = 0;
    for (std::size_t i = 0; i < bytes.size() * 8; ++i) {
        std::string changed = bytes;
        changed[i / 8] = static_cast<char>(changed[i / 8] ^ (1 << (i % 8)));
        try {
            (void)handoff::encode(handoff::decode<TestType>(changed));
        } catch (const Error&) {
            ++refused;
        }
    }
    CHECK(refused > 0);
    CHECK(refused < bytes.size() * 8);
}

TEST_CASE("a wrong count does not make us allocate") {
    // The largest count that could be meant: as many elements as there are bytes.
    for (const std::uint64_t count :
         {std::uint64_t{1} << 40U, ~std::uint64_t{0}, std::uint64_t{1} << 63U}) {
        std::string bytes(reinterpret_cast<const char*>(&count), sizeof count);
        bytes += "some bytes";
        CHECK_THROWS_WITH(handoff::decode<handoff::StateTemplate>(bytes),
                          "internal error: a plan is cut short");
        CHECK_THROWS_WITH(handoff::decode<handoff::InitPlan>(bytes), Catch::Contains("a plan"));
    }
}

TEST_CASE("an empty message is no plan") {
    CHECK_THROWS_AS(handoff::decode<handoff::StartPlan>(""), Error);
    CHECK_THROWS_AS(handoff::decode<handoff::HookPlan>(""), Error);
    CHECK_THROWS_AS(handoff::decode<handoff::InitPlan>(""), Error);
}

TEMPLATE_TEST_CASE("no field of a plan is missing in its list, or there twice", "", handoff::Hook,
                   handoff::StateTemplate, handoff::LxcItem, handoff::StartPlan,
                   handoff::MountAction, handoff::DeviceNode, handoff::Sysctl, handoff::HookPlan,
                   handoff::CapabilitySets, handoff::ProcessPlan, handoff::InitPlan,
                   handoff::TerminalSize, handoff::MemoryPolicy, handoff::JoinPlan,
                   handoff::OwnLimit, handoff::OwnLimits) {
    Names visitor;
    TestType plan;
    visit_fields(visitor, plan);
    for (const auto& name : visitor.names) {
        INFO(name);
        CHECK(visitor.names.count(name) == 1);
    }
    CHECK(visitor.names.size() == count_fields<TestType>());
}
