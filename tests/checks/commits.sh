#!/bin/bash
# commits.sh SOURCE [BASE]: the subjects of new commits. New is what BASE does not have; without BASE
# what origin/main does not have, or the last commit.
set -euo pipefail
cd "$1"
git rev-parse HEAD >/dev/null 2>&1 || { echo "not a git checkout"; exit 77; }
source tests/checks/new_since.sh
base=$(new_since "${2:-}")
# Commits that are older than this check did not know its rule.
first=$(git log --diff-filter=A --format=%H -- tests/checks/commits.sh | tail -1)
if [[ -n $base && -n $first ]] && git merge-base --is-ancestor "$base" "$first"; then base=$first; fi

failures=0
complain() {
    echo "\"$1\": $2"
    failures=$((failures + 1))
}

# What begins like this names a thing or tells what was; a subject says what the commit does: "Add ...".
not_imperative='^(an?|the|this|these|some|no|not|only|now|what|how|when|where|more|many|it|we|i)$'

while IFS= read -r subject; do
    [[ ${#subject} -le 72 ]] || complain "$subject" "longer than 72 characters"
    [[ ! $subject =~ ^(fixup|squash|amend)! && ! $subject =~ ^(wip|WIP|fixup)($|[^a-zA-Z]) ]] ||
        complain "$subject" "not finished"
    [[ $subject != *. ]] || complain "$subject" "ends with a full stop"
    # "area: Add ..." and "Add ..."
    text=$subject
    [[ ! $subject =~ ^[A-Za-z0-9_,./\ -]{1,40}:\ (.*) ]] || text=${BASH_REMATCH[1]}
    word=${text%%[^A-Za-z-]*}
    word=${word,,}
    if [[ -z $word || $word =~ $not_imperative || $word =~ (ed|ing)$ || $word =~ [^s]s$ ]]; then
        case $word in
            need | feed | speed | embed | shed | bring | string | focus | canvas | alias | bias) ;;
            *) complain "$subject" "begins with \"$word\", not with a verb such as \"add\"" ;;
        esac
    fi
done < <(if [[ -n $base ]]; then git log --no-merges --format=%s "$base..HEAD"; else git log -1 --format=%s; fi)
[[ $failures -eq 0 ]]
