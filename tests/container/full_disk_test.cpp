// Where nothing can be written any more: the directory of containers, the log, the pid file,
// stdout.
#include <fcntl.h>
#include <sys/mount.h>

#include <cstdint>
#include <filesystem>
#include <fstream>

#include "support/catch.h"
#include "support/environment.h"
#include "support/runtime.h"

using namespace lxcri::test;
namespace fs = std::filesystem;

namespace {

constexpr std::uintmax_t kPage = 4096;

// A tmpfs in which so many pages are free, and none after fill().
class SmallDisk {
  public:
    SmallDisk(fs::path path, unsigned free_pages) : path_(std::move(path)) {
        fs::create_directories(path_);
        REQUIRE(::mount("full", path_.c_str(), "tmpfs", 0, "size=256k,mode=0711") == 0);
        fill("fill");
        fs::resize_file(path_ / "fill", fs::file_size(path_ / "fill") - free_pages * kPage);
    }
    SmallDisk(const SmallDisk&) = delete;
    SmallDisk& operator=(const SmallDisk&) = delete;
    ~SmallDisk() { ::umount2(path_.c_str(), MNT_DETACH); }

    void fill(const char* name) const {
        std::ofstream file(path_ / name, std::ios::binary);
        const std::string page(kPage, 'x');
        while (file.write(page.data(), static_cast<std::streamsize>(page.size())).flush()) {
        }
    }
    // What is there but the files that fill it.
    Strings names() const {
        Strings names = names_in(path_);
        std::erase_if(names, [](const std::string& name) { return name.starts_with("fill"); });
        return names;
    }

  private:
    fs::path path_;
};

}  // namespace

TEST_CASE("full disk: create fails and leaves nothing, or all commands work",
          "[full-disk][lxcri]") {
    NEEDS(need_runtime());
    const auto free_pages = GENERATE(0U, 1U, 2U, 3U, 4U, 5U, 6U, 8U);
    CAPTURE(free_pages);
    Box box;
    const SmallDisk disk(box.root(), free_pages);
    box.bundle.args({"sleep"});
    CreateOptions options;
    options.quiet = true;
    Container container = box.try_create(options);
    if (container.created.code() != 0) {
        CHECK(container.created.code() == 1);
        CHECK(disk.names() == Strings{});
        return;
    }
    disk.fill("fill-the-rest");
    const std::string& id = container.id();
    for (const Strings& command :
         {Strings{"start", id}, Strings{"state", id}, Strings{"pause", id}, Strings{"resume", id},
          Strings{"exec", id, "/probe", "true"}, Strings{"update", "--pids-limit", "50", id},
          Strings{"ps", "--format", "json", id}, Strings{"list"}, Strings{"kill", id, "KILL"},
          Strings{"delete", "--force", id}}) {
        CAPTURE(command);
        if (command.front() == "update" && !has_controller("pids")) continue;
        const Finished finished = box.call(command);
        CAPTURE(finished.err);
        CHECK(finished.code() == 0);
    }
    CHECK(disk.names() == Strings{});
}

TEST_CASE("full disk: a pid file that cannot be written is an error, and nothing stays",
          "[full-disk][lxcri]") {
    NEEDS(need_runtime());
    const TempDir directory;
    const SmallDisk disk(directory / "disk", 0);
    Box box;
    box.bundle.write();
    const Finished finished = box.call({"create", "--bundle", box.bundle.path(), "--pid-file",
                                        directory / "disk/pid", box.new_id()});
    CHECK(finished.code() == 1);
    CHECK(contains(finished.err, "--pid-file"));
    CHECK(contains(finished.err, "no space left on device"));
    CHECK(box.leftovers() == Strings{});
    CHECK(disk.names() == Strings{});
}

TEST_CASE("full disk: a log that cannot be written changes nothing", "[full-disk][log][lxcri]") {
    NEEDS(need_runtime());
    const TempDir directory;
    const SmallDisk disk(directory / "disk", 0);
    Box box;
    const bool is_device = GENERATE(true, false);
    const std::string log = is_device ? "/dev/full" : (directory / "disk/log").string();
    CreateOptions options;
    options.global = {"--log", log, "--log-level", "debug"};
    CHECK(box.life({"exit", "7"}, options).code == 7);
    const Finished finished = box.call({"--log", log, "state", "nobody"});
    CHECK(finished.code() == 1);
    CHECK(lines_of(finished.err).size() == 1);
}

TEST_CASE("full disk: no command takes what it could not write for success", "[full-disk][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    const Container container = box.sleeper();
    const std::string& id = container.id();
    const UniqueFd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
    CommandOptions options;
    options.fds = {{full.get(), 1}};
    const std::string bundle = box.bundle.path();
    fs::create_directories(box / "other");
    box.bundle.config["hostname"] = "other";
    write_file(box / "other/config.json", box.bundle.config.dump());
    fs::create_directory_symlink(box.bundle.rootfs(), box / "other/rootfs");
    for (const Strings& command :
         {Strings{"list"},
          Strings{"list", "-q"},
          Strings{"list", "--format", "json"},
          Strings{"state", id},
          Strings{"ps", id},
          Strings{"ps", "--format", "json", id},
          Strings{"events", "--stats", id},
          Strings{"events", id},
          Strings{"inspect", id},
          Strings{"features"},
          Strings{"check"},
          Strings{"check", "--format", "json"},
          Strings{"config"},
          Strings{"config", "--format", "json"},
          Strings{"translate", "--bundle", bundle},
          Strings{"translate", "--bundle", bundle, "--format", "json"},
          Strings{"translate", "--bundle", bundle, "--diff", box / "other"},
          Strings{"--version"},
          Strings{"--help"},
          Strings{"help", "create"},
          Strings{"create", "--help"},
          Strings{"completion", "bash"}}) {
        CAPTURE(command);
        const Finished finished = box.call(command, options);
        CHECK(finished.code() == 1);
        CHECK(finished.err == "lxcri: write \"stdout\": no space left on device\n");
    }
}
