#!/bin/bash
# check_limits.sh IMAGE: a boot that takes too long ends with a message and exit status 124; a limit
# that is no number is an error.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
work=$(mktemp -d /tmp/lxcri-vm-limits.XXXXXX)
trap 'rm -rf "$work"' EXIT
for file in vmlinux initrd.cpio disk.ext4; do ln -s "$(readlink -f "$1/$file")" "$work/$file"; done

status=0
LXCRI_VM_BOOT_TIMEOUT=0.5 "$here/vm.py" snapshot "$work" >"$work/out" 2>&1 || status=$?
cat "$work/out"
[[ $status == 124 && ! -e $work/snapshot/key ]]
grep -q 'vm.py: the machine is not ready after 0.5 seconds; LXCRI_VM_BOOT_TIMEOUT' "$work/out"

status=0
LXCRI_VM_BOOT_TIMEOUT=soon "$here/vm.py" snapshot "$work" >"$work/out" 2>&1 || status=$?
[[ $status == 1 ]]
grep -q 'vm.py: LXCRI_VM_BOOT_TIMEOUT: expected a number of seconds, got .soon.' "$work/out"
