#include <linux/bpf.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <span>

#include "base/strings.h"
#include "cgroup/device_program.h"
#include "cgroup/devices.h"
#include "os/check.h"
#include "os/unique_fd.h"

namespace lxcri::cgroup {

namespace {

// By this name an update finds the program that it has to replace.
constexpr std::string_view kName = "lxcri_devices";
static_assert(kName.size() < BPF_OBJ_NAME_LEN);

std::uint64_t address(const void* pointer) {
    return reinterpret_cast<std::uintptr_t>(pointer);
}

int call_bpf(bpf_cmd command, bpf_attr& attributes) {
    return static_cast<int>(::syscall(SYS_bpf, command, &attributes, sizeof attributes));
}

int try_load(const std::vector<bpf_insn>& program, std::span<char> log) {
    bpf_attr attributes{};
    attributes.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
    attributes.insns = address(program.data());
    attributes.insn_cnt = static_cast<unsigned>(program.size());
    attributes.license = address("LGPL");
    std::memcpy(attributes.prog_name, kName.data(), kName.size());
    if (!log.empty()) {
        attributes.log_level = 1;
        attributes.log_buf = address(log.data());
        attributes.log_size = static_cast<unsigned>(log.size());
    }
    return call_bpf(BPF_PROG_LOAD, attributes);
}

os::UniqueFd load(const std::vector<bpf_insn>& program) {
    os::UniqueFd fd(try_load(program, {}));
    if (!fd.valid() && errno == EPERM) {
        // Before Linux 5.11 programs counted against this limit.
        const rlimit unlimited{RLIM_INFINITY, RLIM_INFINITY};
        if (::setrlimit(RLIMIT_MEMLOCK, &unlimited) == 0) fd.reset(try_load(program, {}));
        if (!fd.valid()) errno = EPERM;
    }
    if (fd.valid()) return fd;
    const int error = errno;
    // Once more, for what the verifier has to say.
    std::array<char, 4096> log{};
    if (error != EPERM) fd.reset(try_load(program, log));
    if (fd.valid()) return fd;
    throw SystemError(error, "bpf BPF_PROG_LOAD", log.data());
}

// The ids of the programs of this type that are attached to the cgroup itself.
std::vector<unsigned> attached_ids(int dir_fd) {
    std::array<unsigned, 64> ids{};
    bpf_attr attributes{};
    attributes.query.target_fd = static_cast<unsigned>(dir_fd);
    attributes.query.attach_type = BPF_CGROUP_DEVICE;
    attributes.query.prog_ids = address(ids.data());
    attributes.query.prog_cnt = ids.size();
    os::check(call_bpf(BPF_PROG_QUERY, attributes), "bpf BPF_PROG_QUERY");
    return {ids.begin(), ids.begin() + attributes.query.prog_cnt};
}

bool is_ours(int program_fd) {
    bpf_prog_info info{};
    bpf_attr attributes{};
    attributes.info.bpf_fd = static_cast<unsigned>(program_fd);
    attributes.info.info = address(&info);
    attributes.info.info_len = sizeof info;
    return call_bpf(BPF_OBJ_GET_INFO_BY_FD, attributes) == 0 && kName == info.name;
}

// The program that an earlier call attached; invalid when there is none.
os::UniqueFd find_ours(int dir_fd) {
    for (const unsigned id : attached_ids(dir_fd)) {
        bpf_attr attributes{};
        attributes.prog_id = id;
        os::UniqueFd program(call_bpf(BPF_PROG_GET_FD_BY_ID, attributes));
        if (program.valid() && is_ours(program.get())) return program;
    }
    return {};
}

int try_attach(int dir_fd, int program_fd, unsigned flags, int replaced_fd) {
    bpf_attr attributes{};
    attributes.target_fd = static_cast<unsigned>(dir_fd);
    attributes.attach_bpf_fd = static_cast<unsigned>(program_fd);
    attributes.attach_type = BPF_CGROUP_DEVICE;
    attributes.attach_flags = flags;
    if ((flags & BPF_F_REPLACE) != 0) {
        attributes.replace_bpf_fd = static_cast<unsigned>(replaced_fd);
    }
    return call_bpf(BPF_PROG_ATTACH, attributes);
}

void detach(int dir_fd, int program_fd) {
    bpf_attr attributes{};
    attributes.target_fd = static_cast<unsigned>(dir_fd);
    attributes.attach_bpf_fd = static_cast<unsigned>(program_fd);
    attributes.attach_type = BPF_CGROUP_DEVICE;
    os::check(call_bpf(BPF_PROG_DETACH, attributes), "bpf BPF_PROG_DETACH");
}

}  // namespace

void apply_devices_v2(int dir_fd, const std::vector<EffectiveRule>& rules) {
    const os::UniqueFd old = find_ours(dir_fd);
    if (allows_everything(rules)) {
        if (old.valid()) detach(dir_fd, old.get());
        return;
    }
    const os::UniqueFd program = load(device_program(rules));
    // Others, systemd among them, may have programs at the same cgroup: all of them must agree.
    if (old.valid()) {
        // No moment without a program.
        if (try_attach(dir_fd, program.get(), BPF_F_ALLOW_MULTI | BPF_F_REPLACE, old.get()) == 0) {
            return;
        }
        if (errno != EINVAL) throw SystemError(errno, "bpf BPF_PROG_ATTACH", "BPF_F_REPLACE");
    }
    // Before Linux 5.6: both for a moment, which is stricter than either.
    os::check(try_attach(dir_fd, program.get(), BPF_F_ALLOW_MULTI, -1), "bpf BPF_PROG_ATTACH");
    if (old.valid()) detach(dir_fd, old.get());
}

}  // namespace lxcri::cgroup
