#!/bin/bash
# format.sh SOURCE: the C++ files look as .clang-format says. `./dev fmt` makes them so.
set -euo pipefail
cd "$1"
mapfile -t files < <(git ls-files --cached --others --exclude-standard '*.cpp' '*.h')
[[ ${#files[@]} -gt 100 ]] # a check that looks at nothing finds nothing
clang-format --dry-run -Werror "${files[@]}"
