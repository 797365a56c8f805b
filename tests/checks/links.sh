#!/bin/bash
# links.sh SOURCE: what a document names is there: files of the sources, other documents, their sections.
set -euo pipefail
cd "$1"
failures=0
complain() {
    echo "$1"
    failures=$((failures + 1))
}

# The sections of a document, as links name them.
anchors_of() {
    sed -n 's/^##* //p' "$1" | tr '[:upper:]' '[:lower:]' | sed 's/[^a-z0-9 _-]//g; s/ /-/g'
}

mapfile -t documents < <(git ls-files --cached --others --exclude-standard '*.md' | grep -vE "^tests/specs/|^docs/conformance.md")
for document in "${documents[@]}"; do
    folder=$(dirname "$document")
    while IFS= read -r path; do
        # libexec/lxcri/ is below the prefix of an installation.
        [[ -e $path || -e $folder/$path || $path == libexec/lxcri/* ]] || complain "$document: there is no $path"
    done < <(grep -oE '`(lib|libexec|hooks|cmd|tests|cmake|docs)/[A-Za-z0-9_./-]+`' "$document" | tr -d '`' | sort -u)
    while IFS= read -r link; do
        [[ $link != *:* ]] || continue
        file=${link%%#*} anchor=${link#"${link%%#*}"}
        target=$document
        [[ -z $file ]] || target=$folder/$file
        if [[ ! -e $target ]]; then
            complain "$document: there is no $file"
        elif [[ -n $anchor ]] && ! anchors_of "$target" | grep -qx -e "${anchor#\#}"; then
            complain "$document: $target has no section $anchor"
        fi
    done < <(grep -oE '\]\([^) ]+\)' "$document" | sed 's/^](//; s/)$//' | sort -u)
done
[[ $failures -eq 0 && ${#documents[@]} -gt 10 ]]
