#!/bin/bash
# notes.sh SOURCE: every note that a comment cites, such as P26, is in docs/liblxc.md, and no other.
set -euo pipefail
cd "$1"
cited=$(grep -rhowE --include='*.cpp' --include='*.h' 'P[0-9]{1,2}' cmd lib libexec hooks | sort -u)
known=$(grep -oE '^\| P[0-9]{1,2} \|' docs/liblxc.md | grep -oE 'P[0-9]+')
[[ -n $cited && -n $known ]]

failures=0
twice=$(sort <<<"$known" | uniq -d)
if [[ -n $twice ]]; then
    echo "docs/liblxc.md has them twice: $twice"
    failures=1
fi
for note in $cited; do
    if ! grep -qx "$note" <<<"$known"; then
        echo "docs/liblxc.md has no $note:" "$(grep -rlw --include='*.cpp' --include='*.h' "$note" cmd lib libexec hooks)"
        failures=1
    fi
done
[[ $failures -eq 0 ]]
