#!/bin/bash
# words.sh SOURCE: codespell knows no better spelling, and the texts that strangers read are plain
# English: CONTRIBUTING.md, "Words", says what for.
set -euo pipefail
cd "$1"
failures=0

# Words that are meant: what tests misspell on purpose, surnames, packages.
meant=passt,craete,moniter,rouge,sate,strat,debians
mapfile -t files < <(git ls-files --cached --others --exclude-standard |
    grep -vE '^LICENSE$|/corpus/|^tests/(specs|golden)/')
[[ ${#files[@]} -gt 300 ]]
codespell --quiet-level=2 --ignore-words-list="$meant" "${files[@]}" || failures=1

unplain='(\b(whoever|somebody|anybody|everybody|nobody|shall|for want of|has otherwise'
unplain+='|accepted (is|are)|otherwise (null|nullopt|nothing))\b|[.;:/] nothing when\b)'

files_named() { git ls-files --cached --others --exclude-standard -- "$@"; }
in_documents() { # what is between backticks is the name of something
    local file
    for file in *.md docs/*.md docs/*.[1-8] tests/README.md; do
        [[ $file != docs/conformance.md ]] || continue # it quotes the specification
        sed -E 's/`[^`]*`//g' "$file" | grep -niE "$unplain" | sed "s|^|$file:|" || true
    done
}
# Comments and messages of the programs and scripts. Of a test only the comments: its name and the
# data in it are no messages.
in_code() {
    files_named cmd lib libexec hooks | xargs grep -niE "$unplain" || true
    files_named 'tests/*.cpp' 'tests/*.h' | xargs grep -niE "//.*$unplain|// nothing when\b" || true
    files_named dev '*.sh' '*.py' '*.cmake' '*CMakeLists.txt' | grep -vFx tests/checks/words.sh |
        xargs grep -niE "$unplain" || true
}
found=$(in_documents && in_code)
if [[ -n $found ]]; then
    echo "say who does what to what, in the present tense:"
    echo "$found"
    failures=1
fi
[[ $failures -eq 0 ]]
