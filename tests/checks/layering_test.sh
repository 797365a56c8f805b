#!/bin/bash
# layering_test.sh SOURCE: layering.sh finds a violation of each of its rules. The rules are read from it:
# for each folder that a rule protects a file is added that includes what the rule forbids.
set -euo pipefail
cd "$1"
work=$(mktemp -d /tmp/lxcri-layering.XXXXXX)
trap 'rm -rf "$work"' EXIT

failures=0
planted=0
expected=()

# plant FOLDER INCLUDE WHY: two files of their own with that include.
plant() {
    local folder=$1 include=$2 why=$3 file
    planted=$((planted + 1))
    for file in "$folder/planted$planted.cpp" "$folder/planted$planted.h"; do
        echo "#include $include" >"$work/tree/$file"
        expected+=("$why $file")
    done
}

mkdir -p "$work/tree"/{cmd,libexec,hooks,tests}
for folder in lib/*/; do mkdir -p "$work/tree/$folder"; done
if ! tests/checks/layering.sh "$work/tree"; then
    echo "layering.sh complains about empty folders"
    failures=$((failures + 1))
fi

# forbid() of layering.sh, called by its own rules, tells what they are.
rules=$work/rules
bash -c '
    forbid() { printf "%s\n" "$@" ""; }
    complain() { :; }
    source /dev/stdin
' <<<"$(sed -e '/^forbid()/,/^}/d' -e '/^complain()/,/^}/d' -e 's/^cd .*//' tests/checks/layering.sh)" >"$rules" || true

# example PATTERN: an include that it matches.
example() {
    case $1 in
        '<(unistd'*) echo '<unistd.h>' ;;
        '<linux/mount'*) echo '<linux/mount.h>' ;;
        '<'*) echo "${1}example.h>" ;;
        *) echo "${1}example.h\"" ;;
    esac
}

while IFS= read -r pattern && IFS= read -r why; do
    while IFS= read -r folder && [[ -n $folder ]]; do
        plant "$folder" "$(example "$pattern")" "$why"
    done
done <"$rules"
# A rule that forbids too little, or is gone, plants nothing: what each is about, in words.
plant lib/oci '<sys/socket.h>' 'pure code makes no system calls'
plant lib/translate '"os/file.h"' 'pure code makes no system calls'
plant hooks '<lxc/lxccontainer.h>' 'only libexec/ uses liblxc'
plant lib/runtime '<spdlog/spdlog.h>' 'only cmd/ logs'
plant libexec '<CLI/CLI.hpp>' 'only cmd/ reads the command line'
plant cmd '<CLI/CLI.hpp>' 'only cmd/parse.cpp includes CLI11, which makes objects at each start'
plant lib/os '"runtime/create.h"' 'lib/os may not include lib/runtime'
plant lib/oci '<nlohmann/json.hpp>' 'headers use json_fwd.hpp'
unset "expected[-2]" # in sources it is welcome
for folder in cmd lib/runtime hooks libexec; do
    planted=$((planted + 1))
    echo 'long one = ::syscall(1);' >"$work/tree/$folder/planted$planted.cpp"
    expected+=("syscall(2) belongs into lib/os $folder/planted$planted.cpp")
done

# "WHY FILE" for each complaint.
tests/checks/layering.sh "$work/tree" | awk '
    /^headers use/ { n = split($0, part, /: /); print part[1], part[2]; next }
    /^[^ ]*planted/ { sub(/:.*/, ""); print why, $0; next }
    { sub(/:$/, ""); why = $0 }' >"$work/complaints" || true
for complaint in "${expected[@]}"; do
    if ! grep -qxF "$complaint" "$work/complaints"; then
        echo "layering.sh does not complain: $complaint"
        failures=$((failures + 1))
    fi
done

# Every folder has its place in the order.
for folder in lib/*/; do
    name=$(basename "$folder")
    if ! grep -qE "^lib/$name$|may not include lib/$name$" "$rules"; then
        echo "layering.sh says nothing about $folder"
        failures=$((failures + 1))
    fi
done
[[ $failures -eq 0 && $planted -gt 50 ]]
