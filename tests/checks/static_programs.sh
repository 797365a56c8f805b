#!/bin/bash
# static_programs.sh SOURCE BUILD: what each program is linked with. lxcri-init and lxcri-exec run in
# any root filesystem and so need no loader; only lxcri-start knows liblxc.
set -euo pipefail
build=$2

failures=0

find_program() {
    find "$build" -type f -name "$1" -perm -100 ! -path '*/stage/*' | head -n 1
}

interpreter_of() { readelf -lW "$1" | grep INTERP || true; }
libraries_of() { readelf -dW "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\].*/\1/p'; }

must_be_static() {
    local program
    program=$(find_program "$1")
    if [[ -z $program ]]; then
        echo "$1 is not built"
        exit 77
    fi
    if [[ -n $(interpreter_of "$program") ]]; then
        echo "$program needs a loader"
        failures=$((failures + 1))
    fi
}

must_not_link() {
    local program
    program=$(find_program "$1")
    [[ -n $program ]] || return 0
    if libraries_of "$program" | grep -E "$2"; then
        echo "$program links what it must not"
        failures=$((failures + 1))
    fi
}

# Sanitizers turn the static programs into dynamic ones.
if grep -q '^LXCRI_SANITIZE:[A-Z]*=..*' "$build/CMakeCache.txt"; then
    exit 77
fi
must_be_static lxcri-init
must_be_static lxcri-exec
if ! grep -q '^LXCRI_STATIC:BOOL=OFF' "$build/CMakeCache.txt"; then
    must_be_static lxcri
    must_be_static lxcri-hook
    must_be_static lxcri-agent
fi
must_not_link lxcri 'liblxc|libsystemd'
must_not_link lxcri-start 'libspdlog|libfmt|libsystemd'
must_not_link lxcri-systemd 'liblxc'

[[ $failures -eq 0 ]]
