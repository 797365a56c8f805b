#!/bin/bash
# tidy.sh SOURCE [--all]: clang-tidy on the C++ files that are new or changed, see commits.sh; or on all.
# LXCRI_TIDY_MOST: how many of the changed ones; in CI a big change must not take all the time.
set -euo pipefail
cd "$1"
build=build/lint
if [[ ${2:-} == --all ]]; then
    mapfile -t files < <(git ls-files "*.cpp")
else
    source tests/checks/new_since.sh
    base=$(new_since)
    [[ -n $base ]] || { echo "no commit to compare with"; exit 0; }
    mapfile -t files < <({
        git diff --name-only --diff-filter=d "$base" -- '*.cpp'
        git ls-files --others --exclude-standard '*.cpp'
    } | sort -u)
fi
mapfile -t files < <(printf '%s\n' "${files[@]}" | grep -E '^(cmd|lib|libexec|hooks|tests)/' || true)
[[ ${#files[@]} -gt 0 ]] || { echo "no C++ file has changed"; exit 0; }
if [[ ${2:-} != --all && ${#files[@]} -gt ${LXCRI_TIDY_MOST:-9999} ]]; then
    echo "${#files[@]} files have changed, looking at $LXCRI_TIDY_MOST of them"
    files=("${files[@]:0:$LXCRI_TIDY_MOST}")
fi

# One command for each file, and what the build generates.
cmake --preset dev -B "$build" -DLXCRI_JOIN_SOURCES=OFF >/dev/null
cmake --build "$build" --target lib/seccomp/syscall_table.inc libexec/criu_rpc.pb.h >/dev/null
tidy=$(command -v clang-tidy || command -v clang-tidy-14)
printf '%s\0' "${files[@]}" | xargs -0 -n 1 -P "$(nproc)" "$tidy" --quiet -p "$build"
