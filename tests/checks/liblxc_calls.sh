#!/bin/bash
# liblxc_calls.sh SOURCE BUILD [LIBRARY]: every function of the C library that lxcri-start answers
# itself (libexec/liblxc_calls.cpp) is one that liblxc calls: the one it is linked with, or LIBRARY.
set -euo pipefail
start=$2/libexec/lxcri-start
library=${3:-$(ldd "$start" | awk '$1 ~ /^liblxc/ { print $3 }')}

# Some versions call these, others not.
optional=' openat2 '

failures=0
calls=$(nm -D --undefined-only "$library" | awk '{ sub(/@.*/, "", $2); print $2 }')
answers=$(nm -D --defined-only "$start" | awk '$2 == "T" { sub(/@.*/, "", $3); print $3 }')
[[ -n $calls && -n $answers ]]
for name in $answers; do
    if ! grep -qx "$name" <<<"$calls" && [[ $optional != *" $name "* ]]; then
        echo "$library does not call $name: what lxcri-start does in its place is not done"
        failures=$((failures + 1))
    fi
    # Compiled with _FORTIFY_SOURCE a call can have another name.
    if grep -qx "__${name}_chk" <<<"$calls"; then
        echo "$library calls __${name}_chk, which lxcri-start does not answer"
        failures=$((failures + 1))
    fi
done
[[ $failures -eq 0 ]]
