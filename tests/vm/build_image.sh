#!/bin/bash
# build_image.sh DIRECTORY: makes DIRECTORY/{disk.ext4,vmlinux,initrd.cpio}, a Debian like the one
# this runs on, from the package archives that this machine's apt knows. Needs root.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")

packages=(
    systemd systemd-sysv udev dbus dbus-user-session libpam-systemd # a real pid 1, a user's too
    kmod iproute2 procps
    apparmor
    uidmap                 # an ordinary user's containers
    lxc libstdc++6         # what the programs under test are linked with, and lxc-info
    crun runc              # the same container by another runtime
    podman conmon          # callers, with systemd as their cgroup manager
    containerd docker.io
    criu iptables          # checkpoints; it locks the network with iptables
    busybox-static
)

# Since Debian 13 no other package brings them.
if [[ $(. /etc/os-release && echo "${VERSION_ID:-}") != 12 ]]; then
    packages+=(docker-cli tini python3-minimal)
fi

# What costs time in every boot and says nothing about containers.
unwanted_units=(
    apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer
    e2scrub_reap.service fstrim.timer systemd-tmpfiles-clean.timer
    getty.target serial-getty@ttyS0.service lxc.service lxc-net.service lxc-monitord.service
    containerd.service docker.service docker.socket # the tests start their own
    systemd-update-utmp.service systemd-udev-trigger.service systemd-pstore.service
    systemd-random-seed.service systemd-journal-flush.service modprobe@drm.service
    modprobe@dm_mod.service modprobe@configfs.service modprobe@efi_pstore.service
)

virtio_modules=(
    virtio/virtio_ring virtio/virtio virtio/virtio_pci_legacy_dev virtio/virtio_pci_modern_dev
    virtio/virtio_pci block/virtio_blk
)

codename=$(. /etc/os-release && echo "$VERSION_CODENAME")

# The files that name this release; those of other vendors are of no use here.
apt_sources() {
    grep -lsE "^(deb .* |Suites:(.* )?)$codename( |$)" \
        /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources
}

kernel_package() {
    apt-cache depends linux-image-cloud-amd64 | awk '/Depends: linux-image/ { print $2; exit }'
}

# Says what the image depends on: it is kept as long as this stays the same.
if [[ $1 == --key ]]; then
    {
        cat "$here/build_image.sh" "$here/extract_vmlinux.py"
        find "$here/guest" -type f | sort | xargs cat
        apt-cache policy "${packages[@]}" "$(kernel_package)" | grep -E '^[^ ]|Candidate'
    } | sha256sum | cut -c1-16
    exit
fi

out=$1
mkdir -p "$out"
work=$(mktemp -d "$out/work.XXXXXX")
trap 'rm -rf "$work"' EXIT
root=$work/root

# Only unpacked: nothing in it has to be configured.
unpack_kernel() {
    mkdir -p "$work/kernel"
    cd "$work"
    # Not as the user _apt, who may not write here.
    apt-get -qq -o APT::Sandbox::User=root download "$(kernel_package)"
    dpkg -x linux-image-*.deb kernel
    rm linux-image-*.deb
}

make_root() {
    local sources
    mapfile -t sources < <(apt_sources)
    mmdebstrap --quiet --mode=root --variant=minbase --format=directory \
        --include="$(IFS=, && echo "${packages[*]}")" \
        --dpkgopt=force-unsafe-io \
        --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/info/*' \
        --aptopt='Acquire::Languages "none"' \
        "$codename" "$root" "${sources[@]}"
}

configure_root() {
    cp "$here/guest/agent" "$root/usr/local/sbin/test-agent"
    cp "$here/guest/test-agent.service" "$root/etc/systemd/system/"
    mkdir -p "$root/etc/systemd/system/multi-user.target.wants"
    ln -s ../test-agent.service "$root/etc/systemd/system/multi-user.target.wants/"
    echo guest >"$root/etc/hostname"
    printf '127.0.0.1 localhost guest\n' >"$root/etc/hosts"
    : >"$root/etc/fstab"
    chroot "$root" systemd-machine-id-setup >/dev/null 2>&1
    ln -sf /lib/systemd/system/multi-user.target "$root/etc/systemd/system/default.target"
    local unit
    for unit in "${unwanted_units[@]}"; do
        ln -sf /dev/null "$root/etc/systemd/system/$unit"
    done

    # An ordinary user with subordinate ids, and a manager of her own that may use every controller.
    chroot "$root" useradd --create-home --uid 1000 --shell /bin/bash ci
    grep -q ^ci: "$root/etc/subuid" || echo ci:100000:65536 >>"$root/etc/subuid"
    grep -q ^ci: "$root/etc/subgid" || echo ci:100000:65536 >>"$root/etc/subgid"
    mkdir -p "$root/var/lib/systemd/linger" "$root/etc/systemd/system/user@.service.d"
    touch "$root/var/lib/systemd/linger/ci"
    printf '[Service]\nDelegate=cpu cpuset io memory pids\n' \
        >"$root/etc/systemd/system/user@.service.d/delegate.conf"
}

# Compressed since Debian 13.
copy_module() {
    if [[ -e $1 ]]; then
        cp "$1" "$2"
    elif [[ -e $1.xz ]]; then
        xz -dc "$1.xz" >"$2"
    else
        zstd -dcq "$1.zst" >"$2"
    fi
}

# Busybox and the drivers of the disk; no udev, no scripts. Since Debian 13 most of them are part of
# the kernel.
make_initrd() {
    local version=$1 directory=$work/initrd module modules=()
    mkdir -p "$directory"/{bin,dev,modules,root}
    cp "$root/bin/busybox" "$directory/bin/"
    for module in "${virtio_modules[@]}"; do
        grep -qx "kernel/drivers/$module.ko" "$root/lib/modules/$version/modules.builtin" ||
            modules+=("$module")
    done
    for module in "${modules[@]}"; do
        copy_module "$root/lib/modules/$version/kernel/drivers/$module.ko" \
            "$directory/modules/$(basename "$module").ko"
    done
    {
        echo '#!/bin/busybox sh'
        for module in "${modules[@]}"; do
            echo "/bin/busybox insmod /modules/$(basename "$module").ko"
        done
        cat "$here/guest/initrd_init"
    } >"$directory/init"
    chmod +x "$directory/init"
    (cd "$directory" && find . | cpio --quiet -o -H newc) >"$out/initrd.cpio"
}

unpack_kernel &
kernel=$!
make_root
wait "$kernel"
drivers=$work/kernel/lib/modules
[[ -e $drivers ]] || drivers=$work/kernel/usr/lib/modules # since Debian 13
version=$(ls "$drivers")
mkdir -p "$root/lib/modules"
mv "$drivers/$version" "$root/lib/modules/"
chroot "$root" depmod "$version"
configure_root
make_initrd "$version"
# Unpacking itself is what an emulated kernel would spend most of its boot with.
python3 "$here/extract_vmlinux.py" "$work/kernel/boot/vmlinuz-$version" "$out/vmlinux"
rm -f "$out/disk.ext4"
mke2fs -q -t ext4 -O ^has_journal -E lazy_itable_init=1 -m 0 -d "$root" "$out/disk.ext4" 2G \
    >/dev/null
