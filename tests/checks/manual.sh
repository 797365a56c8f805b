#!/bin/bash
# manual.sh SOURCE: mandoc finds nothing wrong in the manual pages. They have no date: the version says
# what they are about.
set -euo pipefail
cd "$1"
failures=0
for page in docs/*.[1-8]; do
    found=$(mandoc -T lint -W warning "$page" | grep -v ': missing date, using ""' || true)
    [[ -z $found ]] || { echo "$found"; failures=1; }
done
[[ $failures -eq 0 ]]
