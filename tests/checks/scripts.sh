#!/bin/bash
# scripts.sh SOURCE: shellcheck finds nothing in the shell scripts, whatever their names end with.
set -euo pipefail
cd "$1"
scripts=()
while IFS= read -r file; do
    read -r first <"$file" || true
    [[ ! $first =~ ^#!.*/(ba|da)?sh ]] || scripts+=("$file")
done < <(git ls-files --cached --others --exclude-standard | grep -vE '/(corpus|cases)/')
[[ ${#scripts[@]} -gt 10 ]]
shellcheck --severity=warning "${scripts[@]}"
