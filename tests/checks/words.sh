#!/bin/bash
# words.sh SOURCE: codespell knows no better spelling, and the texts that strangers read are plain
# English: CONTRIBUTING.md, "Words", says what for.
set -euo pipefail
cd "$1"
failures=0

# Words that are meant: what tests misspell on purpose, and surnames.
meant=craete,moniter,rouge,sate,strat,debians
mapfile -t files < <(git ls-files --cached --others --exclude-standard |
    grep -vE '^LICENSE$|/corpus/|^tests/(specs|golden)/')
[[ ${#files[@]} -gt 300 ]]
codespell --quiet-level=2 --ignore-words-list="$meant" "${files[@]}" || failures=1

# What is between backticks is the name of something.
read_by_strangers=(*.md docs/*.md docs/*.[1-8] tests/README.md)
found=$(for file in "${read_by_strangers[@]}"; do
    [[ $file != docs/conformance.md ]] || continue # it quotes the specification
    sed -E 's/`[^`]*`//g' "$file" |
        grep -niwE 'whoever|somebody|nobody|shall|for want of|has otherwise' | sed "s|^|$file:|" || true
done)
if [[ -n $found ]]; then
    echo "say who does what to what, in the present tense:"
    echo "$found"
    failures=1
fi
[[ $failures -eq 0 ]]
