#!/bin/bash
# checkpoint.sh PROBE RUNTIME...: how long checkpoint and restore take, and how large the images are,
# for a process with 10 MB, 100 MB and 1 GB of memory. As root, on a machine whose kernel CRIU knows.
# The runtimes take turns, five times; what is printed is the median, as a row of a Markdown table.
# PRE_DUMP=1: with a --pre-dump first, on a machine whose kernel tracks changes of memory.
set -euo pipefail

probe=$1
shift
rounds=${ROUNDS:-5}
# Flags of both commands, for machines where CRIU needs some.
read -ra flags <<<"${FLAGS:-}"
work=$(mktemp -d /tmp/lxcri-checkpoint.XXXXXX)
id=checkpoint-bench-$$
columns=(checkpoint size restore)
[[ -z ${PRE_DUMP:-} ]] || columns=(pre-dump pre-dump-size "${columns[@]}")

clean_up() {
    local runtime
    for runtime in "${runtimes[@]}"; do "$runtime" delete --force "$id" >/dev/null 2>&1 || true; done
    rm -rf "$work"
}
runtimes=("$@")
trap clean_up EXIT

make_bundle() {
    mkdir -p "$work/bundle/rootfs"/{proc,dev,sys}
    cp "$probe" "$work/bundle/rootfs/probe"
    cat >"$work/bundle/config.json" <<JSON
{ "ociVersion": "1.0.2",
  "process": { "user": { "uid": 0, "gid": 0 }, "args": ["/probe", "hold", "$1"], "cwd": "/" },
  "root": { "path": "rootfs" },
  "mounts": [
    { "destination": "/proc", "type": "proc", "source": "proc" },
    { "destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["mode=755"] } ],
  "linux": { "namespaces": [
    { "type": "pid" }, { "type": "ipc" }, { "type": "uts" }, { "type": "mount" } ] } }
JSON
}

now() { date +%s%3N; }
median() { sort -n "$1" | sed -n "$(((rounds + 1) / 2))p"; }

# add_time RUNTIME COLUMN COMMAND...
add_time() {
    local file=$work/$1.$2 begin
    shift 2
    begin=$(now)
    "$@" >/dev/null
    echo $(($(now) - begin)) >>"$file"
}
add_size() { du -sm "$3" | cut -f1 >>"$work/$1.$2"; }

# one_round RUNTIME: each of its figures goes to the end of a file.
one_round() {
    local runtime=$1 name images=$work/images begin parent=()
    name=$(basename "$runtime")
    rm -rf "$images" "$work/before"
    # A pipe without a name: not every runtime can dump a file or a FIFO of the caller.
    : >"$work/out"
    exec 8> >(exec cat >"$work/out")
    "$runtime" run --detach --bundle "$work/bundle" "$id" </dev/null >&8 2>&1
    until grep -q ok "$work/out"; do sleep 0.05; done
    if [[ -n ${PRE_DUMP:-} ]]; then
        add_time "$name" pre-dump "$runtime" checkpoint "${flags[@]}" --pre-dump \
            --image-path "$work/before" "$id"
        add_size "$name" pre-dump-size "$work/before"
        parent=(--parent-path ../before)
    fi
    add_time "$name" checkpoint "$runtime" checkpoint "${flags[@]}" "${parent[@]}" \
        --image-path "$images" "$id"
    add_size "$name" size "$images"
    "$runtime" delete --force "$id" 2>/dev/null || true
    begin=$(now)
    "$runtime" restore --detach "${flags[@]}" --image-path "$images" --bundle "$work/bundle" "$id" \
        </dev/null >&8 2>&1 || { cat "$work/out" >&2; return 1; }
    echo $(($(now) - begin)) >>"$work/$name.restore"
    "$runtime" delete --force "$id"
    exec 8>&-
}

# row WORD...
row() { printf '| %s ' "$@" && echo "|"; }

titles=()
lines=()
for column in "${columns[@]}"; do
    case $column in
        *size) titles+=("images, MB") ;;
        *) titles+=("$column, ms") ;;
    esac
    lines+=(---)
done
row memory runtime "${titles[@]}"
row --- --- "${lines[@]}"
for megabytes in ${SIZES:-10 100 1000}; do
    make_bundle $((megabytes * 1000000))
    for column in "${columns[@]}"; do rm -f "$work"/*."$column"; done
    for ((round = 0; round < rounds; round++)); do
        for runtime in "${runtimes[@]}"; do one_round "$runtime"; done
    done
    for runtime in "${runtimes[@]}"; do
        name=$(basename "$runtime")
        medians=()
        for column in "${columns[@]}"; do medians+=("$(median "$work/$name.$column")"); done
        row "$megabytes MB" "$name" "${medians[@]}"
    done
done
