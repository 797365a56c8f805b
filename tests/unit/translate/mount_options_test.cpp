// The table of runtime-spec config.md "Linux mount options". What each option becomes is in the
// golden cases of the section mounts.

#include "translate/mount_options.h"

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/kernel_mount.h"
#include "os/mount.h"
#include "support/catch.h"
#include "unit/os/needs.h"

using namespace lxcri;
using namespace lxcri::test;

namespace {

// As listed there, in its order.
constexpr std::array kOptionsOfTheSpec{
    "async",
    "atime",
    "bind",
    "defaults",
    "dev",
    "diratime",
    "dirsync",
    "exec",
    "iversion",
    "lazytime",
    "loud",
    "mand",
    "noatime",
    "nodev",
    "nodiratime",
    "noexec",
    "noiversion",
    "nolazytime",
    "nomand",
    "norelatime",
    "nostrictatime",
    "nosuid",
    "nosymfollow",
    "private",
    "ratime",
    "rbind",
    "rdev",
    "rdiratime",
    "relatime",
    "remount",
    "rexec",
    "rnoatime",
    "rnodev",
    "rnodiratime",
    "rnoexec",
    "rnorelatime",
    "rnostrictatime",
    "rnosuid",
    "rnosymfollow",
    "ro",
    "rprivate",
    "rrelatime",
    "rro",
    "rrw",
    "rshared",
    "rslave",
    "rstrictatime",
    "rsuid",
    "rsymfollow",
    "runbindable",
    "rw",
    "shared",
    "silent",
    "slave",
    "strictatime",
    "suid",
    "symfollow",
    "sync",
    "tmpcopyup",
    "unbindable",
    "idmap",
    "ridmap",
};

handoff::MountAction sorted(const std::vector<std::string>& options, handoff::MountKind kind) {
    handoff::MountAction action;
    action.kind = kind;
    std::vector<std::string> warnings;
    translate::sort_mount_options(options, "/mounts/0", action, warnings);
    for (const auto& warning : warnings) CHECK_THAT(warning, Catch::Contains(" has no effect on "));
    return action;
}

}  // namespace

TEST_CASE("no option of the specification is taken for data or for a mistake") {
    for (const std::string option : kOptionsOfTheSpec) {
        for (const auto kind : {handoff::MountKind::filesystem, handoff::MountKind::bind}) {
            INFO(option);
            try {
                const auto action = sorted({option}, kind);
                CHECK(action.data.empty());
            } catch (const SpecError& error) {
                CHECK(error.pointer() == "/mounts/0/options/0");
                CHECK_THAT(error.what(),
                           Catch::Contains("not supported yet") || Catch::Contains("remount"));
            }
        }
    }
}

TEST_CASE("an option that has no effect is a warning that names its place") {
    const auto warnings_for = [](const std::string& option, handoff::MountKind kind) {
        handoff::MountAction action;
        action.kind = kind;
        action.type = kind == handoff::MountKind::filesystem ? "tmpfs" : "";
        std::vector<std::string> warnings;
        translate::sort_mount_options({"nodev", option}, "/mounts/3", action, warnings);
        return warnings;
    };
    for (const std::string option :
         {"sync", "dirsync", "lazytime", "mand", "iversion", "tmpcopyup", "mode=700"}) {
        INFO(option);
        CHECK(warnings_for(option, handoff::MountKind::filesystem).empty());
        const auto warnings = warnings_for(option, handoff::MountKind::bind);
        REQUIRE(warnings.size() == 1);
        CHECK_THAT(warnings.front(),
                   Catch::StartsWith("/mounts/3/options/1: \"" + option + "\" has no effect on "));
    }
    for (const std::string option : {"async", "defaults", "silent", "nolazytime", "nomand"}) {
        INFO(option);
        CHECK(warnings_for(option, handoff::MountKind::bind).empty());
    }
}

TEST_CASE("the kernel knows each flag of a filesystem that we give it", "[root]") {
    UNIT_NEEDS(is_root(), "fsopen needs root");
    for (const std::string option : kOptionsOfTheSpec) {
        INFO(option);
        handoff::MountAction action;
        try {
            action = sorted({option}, handoff::MountKind::filesystem);
        } catch (const SpecError&) {
            continue;
        }
        for (const auto& flag : action.flags) {
            if (flag == "iversion") continue;  // not one of tmpfs
            os::NewFilesystem tmpfs("tmpfs");
            CHECK_NOTHROW(tmpfs.set_flag(flag));
        }
    }
}

TEST_CASE("the kernel takes each combination of attributes that options make", "[root]") {
    UNIT_NEEDS(is_root(), "fsopen needs root");
    const auto apply = [](const handoff::MountAction& action) {
        const auto mount = os::NewFilesystem("tmpfs").mount(0);
        for (const bool recursive : {false, true}) {
            mount_attr attributes{};
            attributes.attr_set = recursive ? action.recursive_set : action.set;
            attributes.attr_clr = recursive ? action.recursive_clear : action.clear;
            if (attributes.attr_set == 0 && attributes.attr_clr == 0) continue;
            os::set_mount_attributes(mount.get(), os::reach(recursive), attributes, "mount");
        }
    };
    for (const std::string first : kOptionsOfTheSpec) {
        for (const std::string second : kOptionsOfTheSpec) {
            INFO(first << "," << second);
            handoff::MountAction action;
            try {
                action = sorted({first, second}, handoff::MountKind::filesystem);
            } catch (const SpecError&) {
                continue;
            }
            CHECK_NOTHROW(apply(action));
        }
    }
}

TEST_CASE("bind and rbind are found among the options, whole words only") {
    CHECK(translate::is_bind({"ro", "bind"}));
    CHECK(translate::is_bind({"rbind"}));
    CHECK_FALSE(translate::is_bind({}));
    CHECK_FALSE(translate::is_bind({"ro", "binds", "Bind", ""}));
}
