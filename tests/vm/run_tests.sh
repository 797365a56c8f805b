#!/bin/bash
# run_tests.sh IMAGE BUILD [ARGUMENT...]: the container tests of a build inside a virtual machine of the
# image, and one unit test. The last line that they print is added to the file $LXCRI_TEST_SUMMARY.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
image=$1 build=$2
shift 2

share=$(mktemp -d /tmp/lxcri-vm-share.XXXXXX)
trap 'rm -rf "$share"' EXIT

cp -a "$build/stage" "$share/stage"
# The emulated machine reads them page by page: no more of them than is executed.
for program in container_tests unit_tests probe; do
    strip -o "$share/$program" "$build/tests/$program"
done
: >"$share/summary"

cat >"$share/command" <<COMMAND
# Onto its own disk: a program that is executed from the share starts five times slower, and the
# emulator sometimes jumps to a wrong place in it.
mkdir /opt/lxcri
mkdir /etc/lxcri # the tests mount what they need there
cp -a /share/stage /share/container_tests /share/unit_tests /share/probe /opt/lxcri/
export LXCRI_RUNTIME=/opt/lxcri/stage/bin/lxcri
export LXCRI_TEST_PROBE=/opt/lxcri/probe
export LXCRI_TEST_SUMMARY=/share/summary
export LXCRI_TEST_VM=1
export LXCRI_MUST_RUN=${LXCRI_MUST_RUN:-0}
# Not every kernel outside has the system calls of x86.
/opt/lxcri/unit_tests "seccomp: system calls of x86 on x86_64"
exec /opt/lxcri/container_tests $(printf '%q ' "$@")
COMMAND

status=0
"$here/vm.py" run "$image" "$share" || status=$?
[[ -z ${LXCRI_TEST_SUMMARY:-} ]] || cat "$share/summary" >>"$LXCRI_TEST_SUMMARY"
exit "$status"
