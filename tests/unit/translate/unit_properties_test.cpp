#include "translate/unit_properties.h"

#include "base/error.h"
#include "base/strings.h"
#include "support/catch.h"

namespace {

using namespace lxcri;

std::string parsed(const std::string& name, const std::string& value) {
    oci::Spec spec;
    spec.annotations = {{"org.systemd.property." + name, value}, {"other", "true"}};
    const auto properties = translate::unit_properties(spec);
    REQUIRE(properties.size() == 1);
    CHECK(properties[0].pointer == "/annotations/org.systemd.property." + name);
    return concat(properties[0].name, " ", properties[0].type, "=",
                  join(properties[0].values, "|"));
}

std::string refused(const std::string& name, const std::string& value) {
    oci::Spec spec;
    spec.annotations = {{"org.systemd.property." + name, value}};
    try {
        (void)translate::unit_properties(spec);
    } catch (const SpecError& error) {
        return error.pointer();
    }
    return "no error";
}

TEST_CASE("unit properties: values in the text format of GVariant") {
    CHECK(parsed("Delegate", "true") == "Delegate b=true");
    CHECK(parsed("Delegate", " false ") == "Delegate b=false");
    CHECK(parsed("Slice", "'a b'") == "Slice s=a b");
    CHECK(parsed("Slice", "\"it's\"") == "Slice s=it's");
    CHECK(parsed("Slice", R"('it\'s')") == "Slice s=it's");
    CHECK(parsed("Slice", "''") == "Slice s=");
    CHECK(parsed("Nice", "-5") == "Nice i=-5");
    CHECK(parsed("CPUWeight", "uint64 59") == "CPUWeight t=59");
    CHECK(parsed("X1", "byte 255") == "X1 y=255");
    CHECK(parsed("X1", "int64 -9223372036854775808") == "X1 x=-9223372036854775808");
    CHECK(parsed("X1", "1.5") == "X1 d=1.5");
    CHECK(parsed("After", "['a.service', \"b.service\"]") == "After as=a.service|b.service");
    CHECK(parsed("After", "[ ]") == "After as=");
}

TEST_CASE("unit properties: seconds become microseconds") {
    CHECK(parsed("TimeoutStopSec", "5") == "TimeoutStopUSec t=5000000");
    CHECK(parsed("TimeoutStopSec", "uint64 5") == "TimeoutStopUSec t=5000000");
    CHECK(parsed("TimeoutStopSec", "0.25") == "TimeoutStopUSec t=250000");
    CHECK(parsed("TimeoutStopUSec", "uint64 5") == "TimeoutStopUSec t=5");
}

TEST_CASE("unit properties: what is no value is refused with the pointer") {
    for (const std::string value :
         {"", "yes", "'a", "a'", "'a' b", "'a\\", "uint64", "uint64 -1", "byte 256", "uint99 1",
          "[", "['a'", "['a',]", "['a' 'b']", "[1]", "['a'] x", "1 2", "nan", "int32 2147483648"}) {
        INFO(value);
        CHECK(refused("Name", value) == "/annotations/org.systemd.property.Name");
    }
    CHECK(refused("TimeoutStopSec", "'5'") == "/annotations/org.systemd.property.TimeoutStopSec");
    CHECK(refused("TimeoutStopSec", "-1") == "/annotations/org.systemd.property.TimeoutStopSec");
    for (const std::string name : {"", "A", "Exec Start", "a.b", "A=B", "Ä"}) {
        INFO(name);
        CHECK(refused(name, "true") == "/annotations/org.systemd.property." + name);
    }
}

TEST_CASE("unit properties: what Podman and CRI-O always set is for every container") {
    for (const std::string name : {"KillSignal", "TimeoutStopUSec",                   // Podman
                                   "After", "DefaultDependencies", "CollectMode"}) {  // CRI-O
        INFO(name);
        CHECK(translate::is_harmless_property(name));
    }
    CHECK(parsed("KillSignal", "15") == "KillSignal i=15");
    CHECK(parsed("TimeoutStopUSec", "uint64 10000000") == "TimeoutStopUSec t=10000000");
    CHECK(parsed("DefaultDependencies", "true") == "DefaultDependencies b=true");
    CHECK(parsed("After", "['crio.service']") == "After as=crio.service");
}

TEST_CASE("unit properties: no container sets what starts programs or is about other units") {
    for (const std::string name : {"ExecStartPre",
                                   "ExecStopPost",
                                   "OnFailure",
                                   "OnSuccess",
                                   "Requires",
                                   "Requisite",
                                   "Wants",
                                   "BindsTo",
                                   "PartOf",
                                   "Upholds",
                                   "Conflicts",
                                   "Before",
                                   "PropagatesStopTo",
                                   "RequiresMountsFor",
                                   "FailureAction",
                                   "SuccessAction",
                                   "JobTimeoutAction",
                                   "RebootArgument",
                                   "KillMode",
                                   "SendSIGKILL",
                                   "FinalKillSignal",
                                   "RefuseManualStop",
                                   "Description",
                                   "Slice",
                                   "PIDs",
                                   "Delegate",
                                   "User",
                                   "MemoryMin",
                                   "CPUWeight",
                                   "BPFProgram",
                                   "NoSuchProperty",
                                   "killsignal",
                                   "KillSignal ",
                                   ""}) {
        INFO(name);
        CHECK_FALSE(translate::is_harmless_property(name));
    }
}

}  // namespace
