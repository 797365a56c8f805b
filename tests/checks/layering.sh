#!/bin/bash
# layering.sh SOURCE: who may include what. The folders are those of docs/architecture.md; a lower
# one never includes a higher one, and what is heavy or touches the kernel stays where it belongs.
set -euo pipefail
cd "$1"

failures=0

complain() {
    echo "$1"
    failures=$((failures + 1))
}

# forbid WHAT-REGEX WHY FOLDER...: no file there may include it.
forbid() {
    local what=$1 why=$2 found folders=()
    shift 2
    local folder
    for folder in "$@"; do [[ -d $folder ]] && folders+=("$folder"); done
    [[ ${#folders[@]} -gt 0 ]] || return 0
    found=$(grep -rnE --include='*.h' --include='*.cpp' "^ *# *include *$what" "${folders[@]}" || true)
    [[ -z $found ]] || complain "$why:"$'\n'"$found"
}

check_order() {
    local order=(base os oci handoff seccomp cgroup settings agent translate helpers host attached runtime) i j
    for ((i = 0; i < ${#order[@]}; i++)); do
        for ((j = i + 1; j < ${#order[@]}; j++)); do
            forbid "\"${order[j]}/" "lib/${order[i]} may not include lib/${order[j]}" \
                "lib/${order[i]}"
        done
    done
}

check_order
# Headers with nothing but constants of the kernel are welcome: <sys/mount.h>, "base/kernel_mount.h".
forbid '<(unistd\.h|fcntl\.h|spawn\.h|dirent\.h|sys/(stat|wait|socket|syscall|ioctl|prctl|mman)\.h)' \
    'pure code makes no system calls' lib/base lib/oci lib/translate
forbid '"os/' 'pure code makes no system calls' lib/base lib/oci lib/translate
forbid '<linux/mount\.h>' 'base/kernel_mount.h includes it in the order that old headers need' \
    cmd hooks lib/agent lib/attached lib/os lib/translate libexec tests
forbid '<lxc/' 'only libexec/ uses liblxc' cmd lib hooks
forbid '<spdlog/' 'only cmd/ logs' \
    lib libexec hooks
forbid '<CLI/' 'only cmd/ reads the command line' lib libexec hooks
found=$(grep -rnE --include='*.h' --include='*.cpp' '^ *# *include *<CLI/' cmd | grep -v '^cmd/parse.cpp:' || true)
[[ -z $found ]] || complain "only cmd/parse.cpp includes CLI11, which makes objects at each start:"$'\n'"$found"

# syscall(2) belongs into lib/os, which gives each call an owner and an error. The files elsewhere that may use it:
raw_calls=(
    hooks/mount_hook.cpp           # pidfd_open
    lib/agent/path.cpp             # faccessat2
    lib/cgroup/devices_v2.cpp      # bpf
    lib/cgroup/process_watch.cpp   # pidfd_open
    lib/cgroup/remove.cpp          # pidfd_send_signal
    lib/cgroup/signals.cpp         # pidfd_send_signal
    lib/host/check_kernel.cpp      # asks which calls there are
    lib/runtime/exec.cpp           # sched_setaffinity
    lib/runtime/process_limits.cpp # sched_setattr, ioprio_set
    lib/seccomp/load.cpp           # seccomp
    libexec/init_container.cpp     # pivot_root
    libexec/liblxc_calls.cpp       # defines the functions of the C library anew
    libexec/liblxc_cgroups.cpp     # so does this
    libexec/process_session.cpp    # keyctl, set_mempolicy, sched_setaffinity
    libexec/process_user.cpp       # getcwd
    libexec/start_main.cpp         # liblxc_calls.cpp has replaced the functions
)
others=$(grep -rlE --include='*.h' --include='*.cpp' '::syscall\(' cmd lib libexec hooks |
    grep -v '^lib/os/' | grep -vxF -f <(printf '%s\n' "${raw_calls[@]}") || true)
[[ -z $others ]] || complain "syscall(2) belongs into lib/os:"$'\n'"$others"

json_in_headers=$(grep -rlE --include='*.h' '<nlohmann/json\.hpp>' cmd lib libexec hooks || true)
[[ -z $json_in_headers ]] || complain "headers use json_fwd.hpp: $json_in_headers"

[[ $failures -eq 0 ]]
