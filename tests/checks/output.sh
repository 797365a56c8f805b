#!/bin/bash
# output.sh SOURCE: one way to stdout and stderr, cmd/output.cpp, which escapes what it writes. Text
# from outside that took another one could steer the terminal of the person who reads it.
set -euo pipefail
cd "$1"

# What writes, or hands out the descriptors with which one could.
writers='\b(puts|fputs|fputc|putc|putchar|printf|fprintf|vprintf|vfprintf|dprintf|vdprintf|fwrite|perror|psignal|syslog|cout|cerr|clog|stdout|stderr|STDOUT_FILENO|STDERR_FILENO|errx|warnx|error_at_line)\b'

# FILE WORD: the exceptions, each with its reason.
allowed=(
    'cmd/output.cpp *'
    'cmd/logging.cpp syslog'                        # what it gets has been through printable()
    'cmd/terminal_style.cpp STDOUT_FILENO'          # asks whether it is a terminal
    'cmd/ps.cpp STDOUT_FILENO'                      # ps(1) writes into our pipe
    'lib/helpers/ask_program.cpp STDOUT_FILENO'     # what a program says is in a file in memory
    'lib/helpers/ask_program.cpp STDERR_FILENO'
    'libexec/criu_main.cpp STDERR_FILENO'           # a file in memory, which lxcri reads
    'lib/attached/terminal_relay.cpp STDOUT_FILENO'  # the container's terminal is the caller's
    'libexec/start_main.cpp puts'                   # the version of liblxc, read by `check`
    'libexec/init_main.cpp STDERR_FILENO'           # why there is no container process; printable()
    'libexec/agent_main.cpp STDERR_FILENO'          # write_line() escapes
    'libexec/agent_main.cpp STDOUT_FILENO'
    'lib/seccomp/make_syscall_table.cpp cerr'       # runs in the build
)

is_allowed() {
    local entry
    for entry in "${allowed[@]}"; do
        [[ $entry != "$1 $2" && $entry != "$1 *" ]] || return 0
    done
    return 1
}

# The code without comments and without what is in quotes.
code_of() { sed -E 's@"([^"\\]|\\.)*"@""@g; s@//.*@@' "$1"; }

failures=0
files=0
while IFS= read -r file; do
    files=$((files + 1))
    while IFS=: read -r line word; do
        is_allowed "$file" "$word" && continue
        echo "$file:$line: '$word' is a way out that does not escape, use cmd/output.h"
        failures=$((failures + 1))
    done < <(code_of "$file" | grep -noE "$writers" || true)
done < <(find cmd lib libexec hooks -name '*.cpp' -o -name '*.h' | sort)

# What is written as it is has to be our own words: help and scripts.
raw=$(grep -rlE '\bprint_own_words\(' cmd --include='*.cpp' |
    grep -vxE 'cmd/(output|main|parse|completion)\.cpp' || true)
if [[ -n $raw ]]; then
    echo "show_own_words() is for help and completion only: $raw"
    failures=$((failures + 1))
fi

# A check that looks at nothing finds nothing.
[[ $failures -eq 0 && $files -gt 100 ]]
