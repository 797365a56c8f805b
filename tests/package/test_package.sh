#!/bin/bash
# test_package.sh BUILD: makes the Debian package of a build, installs it with apt in a Debian that
# has nothing else, and runs a container there. Needs root and the package archives that this
# machine's apt knows. The last line is "N passed, N failed, 0 skipped".
set -euo pipefail
build=$(readlink -f "$1")

work=$(mktemp -d /tmp/lxcri-package.XXXXXX)
trap 'rm -rf "$work"' EXIT
root=$work/root
passed=0
failed=0

# check WHAT COMMAND...
check() {
    local what=$1 output
    shift
    if output=$("$@" 2>&1); then
        echo "package: $what: passed"
        passed=$((passed + 1))
    else
        echo "package: $what: FAILED"
        sed 's/^/    /' <<<"$output"
        failed=$((failed + 1))
    fi
}

make_package() {
    (cd "$build" && cpack -B "$work/package") || return
    cp "$work"/package/lxcri_*.deb "$work/lxcri.deb"
}

# Not as root, as lintian says.
lint() {
    chmod 755 "$work"
    setpriv --reuid=65534 --regid=65534 --clear-groups \
        lintian --fail-on error,warning --tag-display-limit 0 "$work/lxcri.deb"
}

install_in_new_debian() {
    local codename sources
    codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
    mapfile -t sources < <(grep -lsE "^(deb .* |Suites:(.* )?)$codename( |$)" \
        /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources)
    mmdebstrap --quiet --mode=root --variant=apt --format=directory \
        --dpkgopt=force-unsafe-io --aptopt='Acquire::Languages "none"' \
        --dpkgopt='path-exclude=/usr/share/locale/*' \
        --hook-dir=/usr/share/mmdebstrap/hooks/file-mirror-automount \
        --include="$work/lxcri.deb" --include=busybox-static "$codename" "$root" "${sources[@]}"
}

# in_debian COMMAND...: with that Debian as the root, which has to be a mount for pivot_root.
in_debian() {
    unshare --mount --propagation private bash -ec '
        root=$1
        shift
        mount --bind "$root" "$root"
        for place in proc sys dev; do mount --rbind "/$place" "$root/$place"; done
        mount -t tmpfs tmpfs "$root/run"
        cd "$root"
        pivot_root . mnt
        busybox umount -l /mnt
        exec "$@"
    ' in_debian "$root" "$@" </dev/null
}

shows_version() { in_debian lxcri --version | grep -q '^lxcri version '; }

# Its exit status is about this machine.
finds_liblxc() { { in_debian lxcri check || true; } | grep -E '^ +ok +liblxc +[0-9]'; }

runs_container() {
    local said
    in_debian bash -ec '
        mkdir -p /bundle/rootfs/bin /bundle/rootfs/proc /bundle/rootfs/dev
        cp /bin/busybox /bundle/rootfs/bin/sh
        cat >/bundle/config.json <<JSON
{ "ociVersion": "1.0.2", "root": { "path": "rootfs" },
  "process": { "user": { "uid": 0, "gid": 0 }, "cwd": "/",
               "args": ["/bin/sh", "-c", "echo from the package, pid \$\$"] },
  "mounts": [ { "destination": "/proc", "type": "proc", "source": "proc" },
              { "destination": "/dev", "type": "tmpfs", "source": "tmpfs" } ],
  "linux": { "cgroupsPath": "/lxcri-package-test",
             "namespaces": [ { "type": "pid" }, { "type": "mount" }, { "type": "network" } ] } }
JSON'
    said=$(in_debian lxcri run --bundle /bundle one)
    echo "$said"
    [[ $said == "from the package, pid 1" ]]
}

# The same files as a later version.
make_next_version() {
    dpkg-deb --raw-extract "$work/lxcri.deb" "$work/next"
    sed -i 's/^Version: .*/Version: 999-1/' "$work/next/DEBIAN/control"
    dpkg-deb --root-owner-group --build "$work/next" "$root/next.deb"
    cp "$work/lxcri.deb" "$root/lxcri.deb"
}

# What is done to the package is nothing to a container that runs, and it can be ended afterwards.
spares_container() {
    local left
    make_next_version >/dev/null
    in_debian bash -ec '
        sed "s|\"args\": .*|\"args\": [\"/bin/sleep\", \"1000\"] },|" -i /bundle/config.json
        ln -sf sh /bundle/rootfs/bin/sleep
        # Not the pipe that this output is read from: the container would hold it.
        lxcri run --detach --bundle /bundle two </dev/null >/dev/null 2>&1
        runs() { lxcri state two | grep -q "\"status\": \"running\""; }
        runs
        pid=$(lxcri state two | sed -n "s/.*\"pid\": \([0-9]*\).*/\1/p")
        echo "upgrade"
        dpkg --install /next.deb
        runs
        [[ $(lxcri exec two /bin/sh -c "echo inside") == inside ]]
        echo "remove"
        dpkg --remove lxcri
        kill -0 "$pid"
        echo "purge"
        dpkg --purge lxcri
        kill -0 "$pid"
        echo "install again"
        dpkg --install /lxcri.deb
        runs
        lxcri delete --force two
        ! lxcri state two 2>/dev/null'
    left=$(find /sys/fs/cgroup -type d -name 'lxcri-package-test*')
    echo "$left"
    [[ -z $left ]]
}

# dpkg-shlibdeps, and what is added by hand, name a library once.
depends_once() {
    local twice
    twice=$(dpkg-deb --field "$work/lxcri.deb" Depends | tr ',' '\n' | sed 's/^ *//; s/ .*//' | sort | uniq -d)
    echo "$twice"
    [[ -z $twice ]]
}

has_manual() { in_debian bash -ec 'zcat /usr/share/man/man8/lxcri.8.gz | grep -q "^.SH NAME"
    zcat /usr/share/man/man5/lxcri.json.5.gz | grep -q "^.SH SETTINGS"'; }

bash_completes() {
    in_debian bash -ec 'source /usr/share/bash-completion/completions/lxcri
        COMP_WORDS=(lxcri cre) COMP_CWORD=1
        _lxcri
        [[ ${COMPREPLY[*]} == create ]]'
}

# The shells of this machine, with what is installed there, where they look for it by themselves.
zsh_completes() {
    local folder=/usr/share/zsh/vendor-completions
    zsh -f -c 'print -l $fpath' | grep -qx "$folder" &&
        zsh -f -c 'fpath=($1 $fpath); autoload -U compinit; compinit -u -D
            [[ $_comps[lxcri] == _lxcri ]] && autoload +X _lxcri' zsh "$root$folder"
}

fish_completes() {
    local folder=/usr/share/fish/vendor_completions.d
    # fish completes what it can find.
    export HOME=$work XDG_DATA_DIRS=/usr/share PATH=$root/usr/bin:$PATH
    fish -c 'printf "%s\n" $__fish_vendor_completionsdirs' | grep -qx "$folder" &&
        fish -c 'set fish_complete_path $argv; complete -C "lxcri cre"' "$root$folder" |
        grep -q $'^create\t'
}

# Read as the engines read them, as far as a parser is at hand.
examples_are_readable() {
    local examples=$root/usr/share/doc/lxcri/examples
    python3 - "$examples" <<'PYTHON'
import json, sys, tomllib
directory = sys.argv[1]
assert json.load(open(directory + "/docker.json"))["runtimes"]["lxcri"]["path"] == "/usr/bin/lxcri"
for name in ("podman.conf", "crio.conf", "containerd.toml"):
    assert "/usr/bin/lxcri" in str(tomllib.load(open(directory + "/" + name, "rb"))), name
PYTHON
}

leaves_nothing() {
    in_debian dpkg --purge lxcri
    rm -f "$root/lxcri.deb" # the test's own
    local left
    left=$(find "$root" -xdev -name '*lxcri*' -not -path '*/var/*' -not -path '*/bundle/*')
    echo "$left"
    [[ -z $left ]]
}

check "is made" make_package
check "each dependency is named once" depends_once
check "lintian has no errors and no warnings" lint
check "apt installs it in a Debian without anything else" install_in_new_debian
if [[ -e $root/usr/bin/lxcri ]]; then
    check "lxcri --version" shows_version
    check "lxcri check finds liblxc" finds_liblxc
    check "a container runs" runs_container
    check "a container goes on through upgrade, remove and purge" spares_container
    check "manual pages" has_manual
    check "bash completes" bash_completes
    check "zsh completes" zsh_completes
    check "fish completes" fish_completes
    check "examples for the engines" examples_are_readable
    check "dpkg --purge leaves nothing" leaves_nothing
fi

summary="$passed passed, $failed failed, 0 skipped"
[[ -z ${LXCRI_TEST_SUMMARY:-} ]] || echo "$summary" >>"$LXCRI_TEST_SUMMARY"
echo "$summary"
[[ $failed -eq 0 ]]
