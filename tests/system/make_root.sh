#!/bin/bash
# make_root.sh DIRECTORY: a Debian with systemd, Podman and Docker, for the tests of system containers. Its IDs begin
# at 100000, as a user namespace has them. Needs root.
#
# LXCRI_DEBIAN_MIRROR: a line for sources.list instead of mmdebstrap's own choice.
set -euo pipefail
root=$1

packages=(
    systemd systemd-sysv dbus libpam-systemd login # a machine
    util-linux procps
    liblxc1t64 libstdc++6                          # what lxcri-start is linked with
    podman crun runc                               # containers inside
    docker.io docker-cli docker-buildx iptables
    fuse2fs                                        # what lxcri-agent starts for a mount
)

mmdebstrap --quiet --mode=root --variant=minbase --format=directory \
    --aptopt='Acquire::Check-Valid-Until "false"' --aptopt='Acquire::Languages "none"' \
    --dpkgopt=force-unsafe-io --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    --include="$(IFS=, && echo "${packages[*]}")" \
    --customize-hook='chroot "$1" systemctl --quiet disable docker.service docker.socket containerd.service' \
    trixie "$root" ${LXCRI_DEBIAN_MIRROR:+"$LXCRI_DEBIAN_MIRROR"}

# Changed owners take set-user-ID bits away. Access control lists name groups, of which no number is
# mapped later.
python3 - "$root" <<'PYTHON'
import os
import stat
import sys

device = os.lstat(sys.argv[1]).st_dev
for directory, _, files in os.walk(sys.argv[1]):
    links = [name for name in os.listdir(directory) if os.path.islink(os.path.join(directory, name))]
    for path in [directory, *(os.path.join(directory, name) for name in {*files, *links})]:
        status = os.lstat(path)
        if status.st_uid >= 100000:  # another name of what is done
            continue
        if status.st_dev != device:  # should something of the host be mounted there
            continue
        os.lchown(path, status.st_uid + 100000, status.st_gid + 100000)
        if not stat.S_ISLNK(status.st_mode):
            os.chmod(path, stat.S_IMODE(status.st_mode))
        for name in os.listxattr(path, follow_symlinks=False):
            if name.startswith("system.posix_acl"):
                os.removexattr(path, name, follow_symlinks=False)
PYTHON
