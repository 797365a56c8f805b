#!/bin/bash
# run.sh CHECKOUT RUNTIME [PROGRAM...]: the validation suite of opencontainers/runtime-tools with a
# runtime. CHECKOUT has been built: `make runtimetest validation-executables`. One line for each program:
#
#     pass NAME                    all of its tests passed
#     fail NAME: the first reason
#
# Nothing stays: the runtime root, the bundles and the mounts are those of a private mount namespace.
set -euo pipefail

if [[ ${LXCRI_CONFORMANCE_INSIDE:-} != 1 ]]; then
    LXCRI_CONFORMANCE_INSIDE=1 exec unshare --mount --propagation private "$0" "$@"
fi

# Some programs work relative to the checkout.
cd "$1"
export RUNTIME=$2
shift 2
programs=("$@")
[[ $# -gt 0 ]] || mapfile -t programs < <(find validation -mindepth 2 -name '*.t' -printf '%f\n' | sed 's/\.t$//' | sort)

mount -t tmpfs none /run
# It knows cgroup version 1; crun wants no version 2 with controllers beside it.
! mountpoint -q /sys/fs/cgroup/unified || umount /sys/fs/cgroup/unified
TMPDIR=$(mktemp -d /tmp/lxcri-conformance.XXXXXX)
chmod 0711 "$TMPDIR" # root of a user namespace passes it
export TMPDIR
clean_up() {
    # What a program has left mounted is in this mount namespace alone, and ends with it.
    rm -rf --one-file-system "$TMPDIR" 2>/dev/null || true
}
trap clean_up EXIT

# Some programs leave their containers when they fail, and then processes and cgroups with them.
remove_containers() {
    local id
    for id in $("$RUNTIME" list -q 2>/dev/null); do
        "$RUNTIME" delete --force "$id" 2>/dev/null || true
    done
}

# The output is TAP. A program that dies has not said all that it was to say.
judge() {
    local name=$1 output=$2 status=$3 reason planned
    if grep -qE '^not ok' "$output"; then
        reason=$(grep -m 1 -E '^not ok' "$output")
    elif [[ $status -ne 0 ]]; then
        reason="exit status $status: $(grep -vE '^(ok|not ok|TAP|1\.\.|#|[[:space:]])' "$output" | tail -1)"
    elif ! grep -qE "^1\.\.[1-9]" "$output" && ! grep -qE "^ok" "$output"; then
        # Some programs count nothing: without an error they are content.
        reason=$(grep -m 1 '"error": "[^"]' "$output" || true)
        if [[ -z $reason ]]; then
            echo "pass $name"
            return
        fi
    elif ! grep -qE '^ok' "$output"; then
        reason="no test was run"
    elif ! grep -qE '^ok( [^#]*)?$' "$output"; then
        echo "skip $name: $(grep -m 1 -E '^ok' "$output")"
        return
    else
        planned=$(sed -n 's/^1\.\.\([0-9]*\)$/\1/p' "$output" | tail -1)
        if [[ -n $planned && $planned -gt $(grep -cE '^ok' "$output") ]]; then
            reason="only $(grep -cE '^ok' "$output") of $planned tests were run"
        else
            echo "pass $name"
            return
        fi
    fi
    echo "fail $name: $reason"
}

for name in "${programs[@]}"; do
    status=0
    timeout --kill-after=5 60 "validation/$name/$name.t" >"$TMPDIR/output" 2>&1 </dev/null || status=$?
    remove_containers
    judge "$name" "$TMPDIR/output" "$status"
    [[ -z ${KEEP_OUTPUT:-} ]] || cp "$TMPDIR/output" "$KEEP_OUTPUT/$name"
done
