#include "runtime/checkpoint_image.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/error.h"
#include "base/strings.h"
#include "oci/namespaces.h"
#include "os/check.h"
#include "os/directory.h"
#include "os/file.h"
#include "os/mount.h"
#include "os/mountinfo.h"
#include "os/rooted_path.h"

namespace lxcri::runtime {

namespace {

using Json = nlohmann::json;
using handoff::MountAction;
using handoff::MountKind;

constexpr const char* kFile = "lxcri.json";
constexpr int kVersion = 1;
constexpr std::string_view kTerminal = "tty[";

struct Mount {
    std::string id;
    std::string root;
    std::string mount_point;
};

std::vector<Mount> read_mounts(pid_t pid) {
    std::vector<Mount> mounts;
    const std::string text =
        os::read_file_at(AT_FDCWD, concat("/proc/", std::to_string(pid), "/mountinfo"));
    for (const os::MountLine& mount : os::parse_mount_lines(text)) {
        mounts.push_back({std::to_string(mount.id), os::unescape_mount(mount.root),
                          os::unescape_mount(mount.mount_point)});
    }
    return mounts;
}

std::string proc_path(const os::ProcessRef& init, std::string_view rest) {
    return concat("/proc/", std::to_string(init.pid()), "/", rest);
}

// What comes from the container's own root filesystem CRIU finds by itself.
bool is_bind_of_host(const MountAction& mount) {
    return mount.kind == MountKind::bind && !mount.source_inside;
}

// `index`: of the mount in the plan.
std::string staged_name(std::size_t index) {
    return concat("mount", std::to_string(index));
}

// Something of the host that the plan puts into the container.
struct Bind {
    std::string pointer;
    std::string destination;
    std::string source;
    bool recursive = false;
    std::optional<dev_t> made_device;
    std::string staged{};  // restore: what it is called among what is made anew; "": it is not
};

// What CRIU would restore as another mount.
void check_bind(const MountAction& mount) {
    std::string_view what;
    if (mount.destination == "/") what = "a mount on the root";
    if (mount.copy_symlink || mount.source_nofollow || mount.destination_nofollow) {
        what = "a mount of a symbolic link, or on one,";
    }
    if (!what.empty()) throw SpecError(mount.pointer, concat(what, " cannot be dumped"));
}

std::vector<Bind> binds_of(const translate::Plan& plan) {
    std::vector<Bind> binds;
    for (std::size_t i = 0; i < plan.hook.mounts.size(); ++i) {
        const MountAction& mount = plan.hook.mounts[i];
        if (!is_bind_of_host(mount)) continue;
        check_bind(mount);
        binds.push_back(
            {mount.pointer, mount.destination, mount.source, mount.recursive, {}, staged_name(i)});
    }
    for (std::size_t i = 0; i < plan.host.devices.size(); ++i) {
        const auto& device = plan.host.devices[i];
        Bind bind{device.pointer, device.path, device.path, false, {}};
        if (plan.hook.made_devices) {
            bind.staged = std::to_string(i);
            bind.made_device = ::makedev(device.major, device.minor);
        }
        binds.push_back(std::move(bind));
    }
    return binds;
}

// Looks at a running container, which may do its best to deceive: a link or a directory that it has
// exchanged must not make a mount stand for another one.
class Inspection {
  public:
    explicit Inspection(const os::ProcessRef& init)
        : root_(os::open_at(AT_FDCWD, proc_path(init, "root"), O_PATH | O_DIRECTORY)),
          mounts_(read_mounts(init.pid())) {}

    ExternalMount find(const Bind& bind) {
        const auto object = os::RootedDir(root_.get()).find(bind.destination, O_PATH);
        const Mount* mount = object ? mount_at(os::path_of(object->get())) : nullptr;
        if (mount == nullptr) {
            throw Error(
                concat(in_quotes(bind.destination), " is not mounted in the container any more"));
        }
        if (bind.made_device ? !is_device(object->get(), *bind.made_device)
                             : !is_source(object->get(), bind.source)) {
            throw Error(concat(in_quotes(bind.destination), " is not what is at the source ",
                               in_quotes(bind.source), " now"));
        }
        return {checked(mount->mount_point), bind.destination, ""};
    }

    // Returns nullopt if a directory is masked, or nothing is.
    std::optional<ExternalMount> find_masked_file(const std::string& path) {
        const auto object = os::RootedDir(root_.get()).find(path, O_PATH);
        if (!object) return {};
        struct stat status {};
        os::check(::fstat(object->get(), &status), "stat", path);
        if (!S_ISCHR(status.st_mode) || status.st_rdev != ::makedev(1, 3)) return {};
        const Mount* mount = mount_at(os::path_of(object->get()));
        if (mount == nullptr) return {};
        return ExternalMount{checked(mount->mount_point), "", ""};
    }

    // What was mounted in the source of a recursive bind. What is mounted in the container alone is
    // the container's own: CRIU dumps it.
    void add_below(const ExternalMount& top, const std::string& source,
                   std::vector<ExternalMount>& found) const {
        std::vector<ExternalMount> below;
        for (const Mount& mount : mounts_) {
            if (mount.mount_point == top.mount_point ||
                !os::is_same_or_below(mount.mount_point, top.mount_point) ||
                is_known(mount.mount_point, found)) {
                continue;
            }
            const std::string rest = mount.mount_point.substr(top.mount_point.size());
            const auto object = os::RootedDir(root_.get()).find(mount.mount_point, O_PATH);
            if (!object || os::path_of(object->get()) != mount.mount_point ||
                !is_source(object->get(), source + rest)) {
                continue;
            }
            below.push_back({checked(mount.mount_point), top.destination, rest});
        }
        found.insert(found.end(), below.begin(), below.end());
    }

  private:
    // CRIU ends a name at this character.
    static const std::string& checked(const std::string& mount_point) {
        if (mount_point.find(']') == std::string::npos) return mount_point;
        throw Error(
            concat("a mount at ", in_quotes(mount_point), " cannot be dumped: \"]\" in it"));
    }

    static bool is_known(const std::string& mount_point, const std::vector<ExternalMount>& found) {
        return std::any_of(found.begin(), found.end(), [&](const ExternalMount& mount) {
            return mount.mount_point == mount_point;
        });
    }

    const Mount* mount_at(const std::string& path) const {
        const auto is_there = [&](const Mount& mount) { return mount.mount_point == path; };
        const auto count = std::count_if(mounts_.begin(), mounts_.end(), is_there);
        if (count > 1) throw Error(concat("two mounts are at ", in_quotes(path)));
        const auto found = std::find_if(mounts_.begin(), mounts_.end(), is_there);
        return found == mounts_.end() ? nullptr : &*found;
    }

    static bool is_device(int fd, dev_t number) {
        struct stat status {};
        os::check(::fstat(fd, &status), "stat");
        return (S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode)) && status.st_rdev == number;
    }

    static bool is_source(int fd, const std::string& source) {
        struct stat here {};
        struct stat there {};
        os::check(::fstat(fd, &here), "stat", source);
        return ::stat(source.c_str(), &there) == 0 && here.st_dev == there.st_dev &&
               here.st_ino == there.st_ino;
    }

    os::UniqueFd root_;
    std::vector<Mount> mounts_;
};

// The IDs of the container's mounts: what is open on another one is a file of the host.
bool is_mount_of_container(pid_t pid, const std::string& id) {
    const auto mounts = read_mounts(pid);
    return std::any_of(mounts.begin(), mounts.end(),
                       [&](const Mount& mount) { return mount.id == id; });
}

std::string mount_id_of(const os::ProcessRef& init, const std::string& number) {
    const std::string text = os::read_file_at(AT_FDCWD, proc_path(init, concat("fdinfo/", number)));
    constexpr std::string_view kField = "mnt_id:\t";
    for (const std::string& line : split(text, '\n')) {
        if (line.starts_with(kField)) return line.substr(kField.size());
    }
    return {};
}

std::string hex(std::uint64_t number) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string result;
    do {
        result.insert(result.begin(), kDigits[number & 0xfU]);
        number >>= 4U;
    } while (number != 0);
    return result;
}

// Of the host; the numbers are those of the kernel's admin-guide/devices.txt.
bool is_terminal(const struct stat& status) {
    constexpr unsigned int kConsoles = 4;
    constexpr unsigned int kOtherConsoles = 5;
    constexpr unsigned int kFirstPts = 136;
    constexpr unsigned int kLastPts = 143;
    if (!S_ISCHR(status.st_mode)) return false;
    const unsigned int number = ::major(status.st_rdev);
    return number == kConsoles || number == kOtherConsoles ||
           (number >= kFirstPts && number <= kLastPts);
}

// What `restore` has to find for this descriptor; "" where CRIU restores it by itself: it is
// closed, a file of the container, or its terminal.
std::string describe_stream(const os::ProcessRef& init, std::uint32_t number) {
    const std::string name = std::to_string(number);
    const std::string link = proc_path(init, concat("fd/", name));
    std::string target(4096, '\0');
    const auto length = ::readlink(link.c_str(), target.data(), target.size());
    if (length == -1 && errno == ENOENT) return {};
    os::check(length, "readlink", link);
    target.resize(static_cast<std::size_t>(length));
    if (target.starts_with("pipe:[") || target.starts_with("socket:[")) return target;
    const std::string id = mount_id_of(init, name);
    if (is_mount_of_container(init.pid(), id)) return {};
    struct stat status {};
    os::check(::stat(link.c_str(), &status), "stat", link);
    if (is_terminal(status)) {
        return concat(kTerminal, hex(status.st_rdev), ":", hex(status.st_dev), "]");
    }
    const auto mount = parse_integer<std::uint64_t>(id);
    if (!mount || (S_ISCHR(status.st_mode) && ::major(status.st_rdev) != 1)) return {};
    return concat("file[", hex(*mount), ":", hex(status.st_ino), "]");
}

// Returns nullopt if it does not exist.
std::optional<std::uint64_t> file_size(int directory_fd, const std::string& name) {
    struct stat status {};
    if (::fstatat(directory_fd, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == -1) {
        if (errno == ENOENT) return {};
        throw SystemError(errno, "stat", name);
    }
    return static_cast<std::uint64_t>(status.st_size);
}

void check_files(int directory_fd, const std::map<std::string, std::uint64_t>& files) {
    for (const auto& [name, size] : files) {
        const auto found = file_size(directory_fd, name);
        if (found == size) continue;
        throw Error(concat(
            "--image-path: ", in_quotes(name), ": expected ", std::to_string(size), " bytes, ",
            found ? concat("got ", std::to_string(*found)) : std::string("it is missing")));
    }
}

std::string mapping_line(const char* name, const oci::IdMapping& mapping) {
    return concat(name, " ", std::to_string(mapping.container_id), " ",
                  std::to_string(mapping.host_id), " ", std::to_string(mapping.size));
}

std::vector<std::string> shape_of(const translate::Plan& plan) {
    std::vector<std::string> shape;
    for (const MountAction& mount : plan.hook.mounts) {
        if (mount.kind != MountKind::filesystem) continue;
        shape.push_back(concat("mount ", mount.type, " ", mount.destination));
    }
    for (const auto& path : plan.hook.masked_paths) shape.push_back(concat("masked ", path));
    for (const auto& path : plan.hook.readonly_paths) shape.push_back(concat("read-only ", path));
    if (plan.init.process.terminal) shape.emplace_back("terminal");
    for (const auto& entry : plan.host.listed_namespaces) {
        shape.push_back(
            concat(entry.path ? "joined " : "own ", name_of(oci::kNamespaceTypes, entry.type)));
    }
    for (const auto& mapping : plan.host.uid_mappings) {
        shape.push_back(mapping_line("uid", mapping));
    }
    for (const auto& mapping : plan.host.gid_mappings) {
        shape.push_back(mapping_line("gid", mapping));
    }
    std::sort(shape.begin(), shape.end());
    return shape;
}

// The container may have written to the source: no link in there leads anywhere.
void check_below(const Bind& bind, const std::string& below) {
    in_context(bind.pointer, [&] {
        const os::UniqueFd source = os::open_at(AT_FDCWD, bind.source, O_PATH | O_DIRECTORY);
        const auto inside = os::openat2(source.get(), below.substr(1), O_PATH, 0,
                                        RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
        if (os::mount_id(inside.get()) == os::mount_id(source.get())) {
            throw Error(concat("nothing is mounted at ", in_quotes(bind.source + below), " now"));
        }
    });
}

std::string source_of(const ExternalMount& mount, const translate::Plan& plan,
                      const std::string& stage) {
    if (mount.destination.empty()) return "/dev/null";
    for (const Bind& bind : binds_of(plan)) {
        if (bind.destination != mount.destination) continue;
        if (!mount.below.empty()) check_below(bind, mount.below);
        const std::string top = bind.staged.empty() ? bind.source : concat(stage, "/", bind.staged);
        return top + mount.below;
    }
    throw Error(concat("the checkpoint has a mount at ", in_quotes(mount.destination),
                       " that config.json of the bundle does not have"));
}

}  // namespace

std::vector<StagedMount> mounts_to_stage(const translate::Plan& plan) {
    std::vector<StagedMount> staged;
    for (std::size_t i = 0; i < plan.hook.mounts.size(); ++i) {
        const MountAction& mount = plan.hook.mounts[i];
        if (is_bind_of_host(mount)) staged.push_back({staged_name(i), &mount, {}});
        if (mount.kind != MountKind::attributes) continue;
        for (StagedMount& earlier : staged) {
            if (earlier.mount->destination == mount.destination) earlier.changes.push_back(&mount);
        }
    }
    return staged;
}

CheckpointImage describe_container(const os::ProcessRef& init, const translate::Plan& plan) {
    CheckpointImage image;
    image.shape = shape_of(plan);
    Inspection inspection(init);
    const auto binds = binds_of(plan);
    for (const Bind& bind : binds) {
        image.mounts.push_back(in_context(bind.pointer, [&] { return inspection.find(bind); }));
    }
    for (const std::string& path : plan.hook.masked_paths) {
        if (auto masked = inspection.find_masked_file(path)) {
            image.mounts.push_back(std::move(*masked));
        }
    }
    for (std::size_t i = 0; i < binds.size(); ++i) {
        if (!binds[i].recursive) continue;
        inspection.add_below(ExternalMount(image.mounts[i]), binds[i].source, image.mounts);
    }
    constexpr std::uint32_t kStdio = 3;
    for (std::uint32_t number = 0; number < kStdio + plan.init.process.preserved_fds; ++number) {
        image.streams.push_back(describe_stream(init, number));
    }
    return image;
}

void check_bundle(const CheckpointImage& image, const translate::Plan& plan) {
    const auto shape = shape_of(plan);
    std::vector<std::string> difference;
    std::set_symmetric_difference(shape.begin(), shape.end(), image.shape.begin(),
                                  image.shape.end(), std::back_inserter(difference));
    if (!difference.empty()) {
        throw Error(concat("the bundle is not that of the checkpoint: only one of them has ",
                           in_quotes(difference.front())));
    }
    for (const Bind& bind : binds_of(plan)) {
        const bool known = std::any_of(
            image.mounts.begin(), image.mounts.end(),
            [&](const ExternalMount& mount) { return mount.destination == bind.destination; });
        if (!known)
            throw SpecError(bind.pointer, "the container of the checkpoint has no such mount");
    }
    for (const ExternalMount& mount : image.mounts) (void)source_of(mount, plan, "");
}

void remove_image(int directory_fd) {
    if (::unlinkat(directory_fd, kFile, 0) == -1 && errno != ENOENT) {
        throw SystemError(errno, concat("--image-path: unlink"), kFile);
    }
}

void write_image(int directory_fd, CheckpointImage image) {
    for (const std::string& name : os::entry_names(directory_fd)) {
        if (name.ends_with(".img")) image.files[name] = file_size(directory_fd, name).value_or(0);
    }
    Json mounts = Json::array();
    for (const ExternalMount& mount : image.mounts) {
        mounts.push_back({{"mountPoint", mount.mount_point},
                          {"destination", mount.destination},
                          {"below", mount.below}});
    }
    const Json json{{"version", kVersion},
                    {"shape", image.shape},
                    {"files", image.files},
                    {"mounts", mounts},
                    {"streams", image.streams}};
    os::write_atomically_at(directory_fd, kFile, json.dump(2) + "\n", 0600);
}

CheckpointImage read_image(int directory_fd) {
    const auto text = os::find_file_at(directory_fd, kFile);
    if (!text) {
        throw Error(concat("--image-path: ", kFile,
                           " is missing; the directory is not a finished checkpoint of lxcri"));
    }
    try {
        const Json json = Json::parse(*text);
        if (json.at("version") != kVersion) throw Error(concat(kFile, ": unknown version"));
        CheckpointImage image;
        for (const Json& entry : json.at("mounts")) {
            ExternalMount mount;
            entry.at("mountPoint").get_to(mount.mount_point);
            entry.at("destination").get_to(mount.destination);
            entry.at("below").get_to(mount.below);
            image.mounts.push_back(std::move(mount));
        }
        json.at("files").get_to(image.files);
        check_files(directory_fd, image.files);
        json.at("shape").get_to(image.shape);
        json.at("streams").get_to(image.streams);
        return image;
    } catch (const Json::exception& error) {
        throw Error(concat("--image-path: ", kFile, " is damaged: ", error.what()));
    }
}

bool is_caller_terminal(std::string_view stream) {
    return stream.starts_with(kTerminal);
}

std::vector<std::string> external_streams(const CheckpointImage& image) {
    std::vector<std::string> result;
    for (const std::string& name : image.streams) {
        constexpr std::string_view kSocket = "socket:[";
        std::string external;
        if (name.starts_with("file[") || is_caller_terminal(name)) external = name;
        if (name.starts_with(kSocket)) external = concat("unix[", name.substr(kSocket.size()));
        const bool is_new = std::find(result.begin(), result.end(), external) == result.end();
        if (!external.empty() && is_new) result.push_back(std::move(external));
    }
    return result;
}

std::vector<std::string> external_at_dump(const CheckpointImage& image) {
    std::vector<std::string> result;
    for (const ExternalMount& mount : image.mounts) {
        result.push_back(concat("mnt[", mount.mount_point, "]:", mount.mount_point));
    }
    return result;
}

std::vector<std::string> external_at_restore(const CheckpointImage& image,
                                             const translate::Plan& plan,
                                             const std::string& stage) {
    std::vector<std::string> result;
    for (const ExternalMount& mount : image.mounts) {
        result.push_back(concat("mnt[", mount.mount_point, "]:", source_of(mount, plan, stage)));
    }
    return result;
}

}  // namespace lxcri::runtime
