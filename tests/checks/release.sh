#!/bin/bash
# release.sh SOURCE BUILD: the files of a release that need no build: the same commit gives the same
# bytes, the archive has what a build needs, the places for the version are filled, and lxcri.spec lists
# what is installed.
set -euo pipefail
build=$(readlink -f "$2")
cd "$1"
git rev-parse HEAD >/dev/null 2>&1 || { echo "not a git checkout"; exit 77; }
work=$(mktemp -d /tmp/lxcri-release.XXXXXX)
trap 'rm -rf "$work"' EXIT

# A checkout of its own: what is not committed has no part in it.
git clone -q --no-hardlinks . "$work/clone"
for run in one two; do "$work/clone/dev" release --sources "$work/$run"; done
diff -r "$work/one" "$work/two"

version=$(sed -n 's/^project(lxcri VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)
cd "$work/one"
tar -tzf "lxcri-$version.tar.gz" >list
for file in CMakeLists.txt dev LICENSE cmake/source_id lib/base/error.cpp; do
    grep -qx "lxcri-$version/$file" list
done
tar -xzOf "lxcri-$version.tar.gz" "lxcri-$version/cmake/source_id" | grep -qE '^[0-9a-f]{7,} [0-9]+$'
grep -q "^Version: *$version\$" lxcri.spec
grep -q "^pkgver=$version\$" APKBUILD
if grep -E '@[A-Z0-9_]+@' lxcri.spec APKBUILD; then exit 1; fi
sh -n APKBUILD
python3 -c 'import json, sys
packages = json.load(open(sys.argv[1]))["packages"]
assert any(package["name"].startswith("libstdc++") for package in packages)' "lxcri-$version.spdx.json"
rm list
sha256sum --quiet -c SHA256SUMS

# lxcri.spec lists every file that is installed, but those that it removes.
DESTDIR=$work/root cmake --install "$build" --prefix /usr >/dev/null
sed -n '/^%files/,/^%changelog/p' lxcri.spec |
    sed -nE 's/^(%attr\([^)]*\) )?(%\{_.*)/\2/p' |
    sed -e 's|%{_prefix}|/usr|; s|%{_bindir}|/usr/bin|; s|%{_datadir}|/usr/share|; s|%{_mandir}|/usr/share/man|' \
        -e 's|/site-functions/|/vendor-completions/|' >patterns
unlisted=0
while IFS= read -r file; do
    while IFS= read -r pattern; do
        # shellcheck disable=SC2053 # it is a pattern
        [[ $file != $pattern && $file != "$pattern"/* ]] || continue 2
    done <patterns
    echo "lxcri.spec does not list $file"
    unlisted=1
done < <(cd "$work/root" && find . -type f -printf '/%P\n' |
    grep -vE '^/usr/share/(lintian/|doc/lxcri/(changelog.Debian.gz|copyright)$)')
[[ $unlisted -eq 0 ]]
