#include "cgroup/device_rules.h"

#include <chrono>
#include <random>

#include "base/error.h"
#include "bpf_interpreter.h"
#include "cgroup/device_program.h"
#include "support/catch.h"

namespace {

using namespace lxcri::cgroup;
using lxcri::oci::DeviceRule;
using lxcri::oci::DeviceRuleType;
using Number = std::optional<std::int64_t>;

constexpr DeviceRuleType kAny = DeviceRuleType::all;
constexpr DeviceRuleType kChar = DeviceRuleType::character;
constexpr DeviceRuleType kBlock = DeviceRuleType::block;

DeviceRule rule(bool allow, DeviceRuleType type, Number major, Number minor, std::string access) {
    return {allow, type, major, minor, std::move(access)};
}

const DeviceRule kDenyAll = rule(false, kAny, {}, {}, "rwm");
const DeviceRule kAllowAll = rule(true, kAny, {}, {}, "rwm");

std::vector<std::string> lines_v1(const std::vector<DeviceRule>& rules) {
    const auto list = device_list_v1(effective_rules(rules), "/r");
    std::vector<std::string> lines = {list.allow_by_default ? "allow" : "deny"};
    for (const auto& entry : list.exceptions) lines.push_back(to_text(entry));
    return lines;
}

const std::vector<std::string> kDefaultLines = {
    "deny",      "c *:* m",   "b *:* m",   "c 1:3 rwm", "c 1:5 rwm", "c 1:7 rwm",
    "c 1:8 rwm", "c 1:9 rwm", "c 5:0 rwm", "c 5:1 rwm", "c 5:2 rwm", "c 136:* rwm"};

TEST_CASE("device rules: without any rule the defaults alone are allowed") {
    CHECK(lines_v1({}) == kDefaultLines);
    CHECK(lines_v1({kDenyAll}) == kDefaultLines);
    const auto rules = effective_rules({});
    CHECK(is_allowed(rules, kChar, 1, 3, kMayRead | kMayWrite));
    CHECK(is_allowed(rules, kChar, 136, 17, kMayAll));
    CHECK(is_allowed(rules, kBlock, 8, 0, kMayMake));
    CHECK_FALSE(is_allowed(rules, kBlock, 8, 0, kMayRead));
    CHECK_FALSE(is_allowed(rules, kChar, 1, 11, kMayRead));
    CHECK_FALSE(is_allowed(rules, kBlock, 1, 3, kMayRead));
    CHECK_FALSE(is_allowed(rules, kChar, 1, 11, kMayMake | kMayRead));
    CHECK_FALSE(allows_everything(rules));
}

TEST_CASE("device rules: the defaults stay, whatever the spec denies") {
    const auto rules = effective_rules({kDenyAll, rule(false, kChar, 1, 3, "rwm")});
    CHECK(is_allowed(rules, kChar, 1, 3, kMayAll));
    CHECK(lines_v1({kAllowAll, rule(false, kChar, 1, 3, "rwm")}) ==
          std::vector<std::string>{"allow"});
}

TEST_CASE("device rules: everything allowed") {
    CHECK(allows_everything(effective_rules({kAllowAll})));
    CHECK(allows_everything(effective_rules({kDenyAll, kAllowAll})));
    CHECK(allows_everything(effective_rules({kAllowAll, rule(true, kChar, 1, 11, "r")})));
    CHECK_FALSE(allows_everything(effective_rules({kAllowAll, rule(false, kChar, 1, 11, "r")})));
    CHECK_FALSE(allows_everything(effective_rules({rule(true, kAny, {}, {}, "rw")})));
}

TEST_CASE("device rules: the last match wins, for each letter of the access") {
    const auto rules = effective_rules({
        kDenyAll,
        rule(true, kChar, 10, {}, "rwm"),
        rule(false, kChar, 10, 229, "w"),
        rule(true, kBlock, 8, 0, "r"),
        rule(true, kBlock, 8, {}, "w"),
    });
    CHECK(is_allowed(rules, kChar, 10, 200, kMayAll));
    CHECK(is_allowed(rules, kChar, 10, 229, kMayRead));
    CHECK_FALSE(is_allowed(rules, kChar, 10, 229, kMayRead | kMayWrite));
    CHECK(is_allowed(rules, kBlock, 8, 0, kMayRead | kMayWrite));
    CHECK_FALSE(is_allowed(rules, kBlock, 8, 1, kMayRead | kMayWrite));
}

TEST_CASE("device rules: a rule for all types has numbers too") {
    const auto rules = effective_rules({kDenyAll, rule(true, kAny, 7, 1, "r")});
    CHECK(is_allowed(rules, kChar, 7, 1, kMayRead));
    CHECK(is_allowed(rules, kBlock, 7, 1, kMayRead));
    CHECK_FALSE(is_allowed(rules, kBlock, 7, 2, kMayRead));
    CHECK(lines_v1({rule(true, kAny, 7, 1, "r")})[1] == "c 7:1 r");
    CHECK(lines_v1({rule(true, kAny, 7, 1, "r")})[2] == "b 7:1 r");
}

TEST_CASE("device rules: Docker's list for version 1") {
    const auto lines =
        lines_v1({kDenyAll, rule(true, kChar, 1, 5, "rwm"), rule(false, kChar, 10, 229, "rwm"),
                  rule(true, kChar, 10, 229, "rw"), rule(true, kChar, 10, 200, "rwm")});
    CHECK(lines[1] == "c 1:5 rwm");
    CHECK(lines[2] == "c 10:229 rw");
    CHECK(lines[3] == "c 10:200 rwm");
    CHECK(lines.size() == 3 + kDefaultLines.size() - 1);
}

TEST_CASE("device rules: version 1 refuses what it cannot express") {
    const auto pointer = [](const std::vector<DeviceRule>& rules) {
        try {
            (void)device_list_v1(effective_rules(rules), "/linux/resources");
        } catch (const lxcri::SpecError& error) {
            return error.pointer();
        }
        return std::string("none");
    };
    CHECK(pointer({kDenyAll, rule(true, kChar, 10, {}, "rw"), rule(false, kChar, 10, 229, "w")}) ==
          "/linux/resources/devices/2");
    CHECK(pointer({kDenyAll, rule(true, kChar, 10, {}, "r"), rule(false, kChar, 10, 229, "w")}) ==
          "none");
    CHECK(pointer({kDenyAll, rule(true, kChar, 10, 229, "rw"), rule(false, kChar, 10, {}, "w")}) ==
          "none");
    CHECK(pointer({kAllowAll, rule(false, kBlock, {}, {}, "rw"), rule(true, kBlock, 8, 0, "r")}) ==
          "/linux/resources/devices/2");
    CHECK(pointer({kAllowAll, rule(false, kBlock, {}, {}, "rw")}) == "none");
    CHECK(pointer({kAllowAll, rule(false, kChar, 1, {}, "rw")}) == "/linux/resources/devices");
}

TEST_CASE("device rules: version 1 joins the letters of overlapping entries") {
    const auto lines =
        lines_v1({kDenyAll, rule(true, kChar, 10, {}, "r"), rule(true, kChar, {}, 229, "w"),
                  rule(true, kBlock, 8, {}, "r"), rule(true, kBlock, 8, 1, "w")});
    const auto has = [&](const std::string& line) {
        return std::find(lines.begin(), lines.end(), line) != lines.end();
    };
    CHECK(has("c 10:* r"));
    CHECK(has("c *:229 w"));
    CHECK(has("c 10:229 rw"));
    CHECK(has("b 8:1 rw"));
}

// What the kernel's devices controller does with such a list.
bool is_allowed_v1(const DeviceListV1& list, DeviceRuleType type, std::uint32_t major,
                   std::uint32_t minor, unsigned access) {
    for (const auto& entry : list.exceptions) {
        if (entry.type != type || entry.major.value_or(major) != major ||
            entry.minor.value_or(minor) != minor) {
            continue;
        }
        if (list.allow_by_default && (entry.access & access) != 0) return false;
        if (!list.allow_by_default && (entry.access & access) == access) return true;
    }
    return list.allow_by_default;
}

std::vector<DeviceRule> random_rules(std::mt19937& random) {
    const auto pick = [&](int count) {
        return std::uniform_int_distribution<int>(0, count - 1)(random);
    };
    constexpr std::array kTypes = {kAny, kChar, kBlock};
    constexpr std::array kAccess = {"r", "w", "m", "rw", "rm", "wm", "rwm", "rwm", "rwm"};
    std::vector<DeviceRule> rules;
    for (int count = pick(6); count > 0; --count) {
        const auto number = [&]() -> Number {
            const int value = pick(4);
            return value == 0 ? Number() : Number(value);
        };
        rules.push_back(rule(pick(2) == 0, kTypes.at(static_cast<std::size_t>(pick(3))), number(),
                             number(), kAccess.at(static_cast<std::size_t>(pick(9)))));
    }
    return rules;
}

// The definition: each bit of the access by itself, from the first rule to the last.
bool is_allowed_by_definition(const std::vector<EffectiveRule>& rules, DeviceRuleType type,
                              std::uint32_t major, std::uint32_t minor, unsigned access) {
    unsigned allowed = 0;
    for (const EffectiveRule& rule : rules) {
        const bool matches = (rule.type == kAny || rule.type == type) &&
                             rule.major.value_or(major) == major &&
                             rule.minor.value_or(minor) == minor;
        if (matches && rule.allow) allowed |= rule.access;
        if (matches && !rule.allow) allowed &= ~rule.access;
    }
    return (allowed & access) == access;
}

TEST_CASE("device rules: list, BPF program and version 1 agree on random rules") {
    std::mt19937 random(4711);
    int expressible = 0;
    for (int round = 0; round < 400; ++round) {
        const auto rules = effective_rules(random_rules(random));
        const auto program = device_program(rules);
        std::optional<DeviceListV1> v1;
        try {
            v1 = device_list_v1(rules, "");
            ++expressible;
        } catch (const lxcri::SpecError&) {
            // Version 1 cannot say it.
        }
        for (const auto type : {kChar, kBlock}) {
            for (std::uint32_t major = 1; major < 5; ++major) {
                for (std::uint32_t minor = 1; minor < 5; ++minor) {
                    // The kernel asks for making alone, and for reading and writing together.
                    for (const unsigned access :
                         {kMayMake, kMayRead, kMayWrite, kMayRead | kMayWrite}) {
                        const bool allowed = is_allowed(rules, type, major, minor, access);
                        REQUIRE(allowed ==
                                is_allowed_by_definition(rules, type, major, minor, access));
                        const bpf_cgroup_dev_ctx context{
                            access << 16U | (type == kChar ? BPF_DEVCG_DEV_CHAR + 0U
                                                           : BPF_DEVCG_DEV_BLOCK + 0U),
                            major, minor};
                        REQUIRE(allowed == lxcri::test::run_device_program(program, context));
                        if (v1) REQUIRE(allowed == is_allowed_v1(*v1, type, major, minor, access));
                    }
                }
            }
        }
    }
    CHECK(expressible > 100);
}

TEST_CASE("device rules: a hundred thousand take no time worth mentioning") {
    constexpr int kCount = 100'000;
    std::vector<DeviceRule> rules = {kDenyAll};
    for (int i = 0; i < kCount; ++i) {
        rules.push_back(rule(true, kChar, 1000 + i % 300, i / 300, i % 2 == 0 ? "r" : "rw"));
    }
    for (int i = 0; i < kCount; i += 2) {
        rules.push_back(rule(false, kChar, 1000 + i % 300, i / 300, "r"));
    }
    const auto begin = std::chrono::steady_clock::now();
    const auto list = device_list_v1(effective_rules(rules), "/r");
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(8));
    CHECK(list.exceptions.size() == kCount / 2 + kDefaultLines.size() - 1);
}

TEST_CASE("device rules: the program of the usual list is short") {
    CHECK(device_program(effective_rules({kDenyAll})).size() < 35);
}

TEST_CASE("device rules: numbers of more than 31 bits") {
    const auto rules = effective_rules({rule(true, kBlock, 0xffffffff, 0x80000001, "r")});
    const auto program = device_program(rules);
    const bpf_cgroup_dev_ctx context{kMayRead << 16U | BPF_DEVCG_DEV_BLOCK, 0xffffffff, 0x80000001};
    CHECK(lxcri::test::run_device_program(program, context));
    CHECK(is_allowed(rules, kBlock, 0xffffffff, 0x80000001, kMayRead));
}

}  // namespace
