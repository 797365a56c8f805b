#!/bin/bash
# debian.sh make SUITE ROOT PACKAGE...   a Debian of that release in the directory ROOT
# debian.sh enter ROOT COMMAND...        runs a command there, with this machine's kernel and /sys
#
# LXCRI_DEBIAN_MIRROR: a line for sources.list instead of mmdebstrap's own choice. BIND: directories
# of this machine that are to be seen there, at the same place. Needs root.
set -euo pipefail

make_debian() {
    local suite=$1 root=$2
    shift 2
    # The services of these packages have no business here.
    mmdebstrap --quiet --mode=root --variant=minbase --format=directory \
        --aptopt='Acquire::Check-Valid-Until "false"' --aptopt='Acquire::Languages "none"' \
        --dpkgopt=force-unsafe-io --dpkgopt='path-exclude=/usr/share/man/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' \
        --include="$(IFS=, && echo "$*")" \
        "$suite" "$root" ${LXCRI_DEBIAN_MIRROR:+"$LXCRI_DEBIAN_MIRROR"}
}

# With a root of its own, which has to be a mount for pivot_root.
enter_debian() {
    unshare --mount --propagation private bash -ec '
        root=$1
        shift
        mount --bind "$root" "$root"
        for place in run tmp; do mount -t tmpfs tmpfs "$root/$place"; done
        # Before the others: such a directory may contain the root, and would show its /sys once more.
        for place in $BIND; do
            mkdir -p "$root$place"
            mount --rbind "$place" "$root$place"
        done
        for place in proc sys dev; do mount --rbind "/$place" "$root/$place"; done
        cd "$root"
        pivot_root . mnt
        umount -l /mnt
        exec "$@"
    ' enter_debian "$@" </dev/null
}

command=$1
shift
case $command in
    make) make_debian "$@" ;;
    enter) BIND=${BIND:-} enter_debian "$@" ;;
    *) echo "debian.sh: make or enter" >&2 && exit 2 ;;
esac
