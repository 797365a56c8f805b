#!/bin/bash
# checkpoint.sh PROBE RUNTIME...: how long checkpoint and restore take, and how large the images are,
# for a process with 10 MB, 100 MB and 1 GB of memory. As root, on a machine whose kernel CRIU knows.
# The runtimes take turns, five times; what is printed is the median, as a row of a Markdown table.
set -euo pipefail

probe=$1
shift
rounds=${ROUNDS:-5}
# Flags of both commands, for machines where CRIU needs some.
read -ra flags <<<"${FLAGS:-}"
work=$(mktemp -d /tmp/lxcri-checkpoint.XXXXXX)
id=checkpoint-bench-$$

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

# one_round RUNTIME: its three figures go to the end of three files.
one_round() {
    local runtime=$1 name images=$work/images begin
    name=$(basename "$runtime")
    rm -rf "$images"
    # A pipe without a name: not every runtime can dump a file or a FIFO of the caller.
    : >"$work/out"
    exec 8> >(exec cat >"$work/out")
    "$runtime" run --detach --bundle "$work/bundle" "$id" </dev/null >&8 2>&1
    until grep -q ok "$work/out"; do sleep 0.05; done
    begin=$(now)
    "$runtime" checkpoint "${flags[@]}" --image-path "$images" "$id" >/dev/null
    echo $(($(now) - begin)) >>"$work/$name.checkpoint"
    du -sm "$images" | cut -f1 >>"$work/$name.size"
    "$runtime" delete --force "$id" 2>/dev/null || true
    begin=$(now)
    "$runtime" restore --detach "${flags[@]}" --image-path "$images" --bundle "$work/bundle" "$id" \
        </dev/null >&8 2>&1 || { cat "$work/out" >&2; return 1; }
    echo $(($(now) - begin)) >>"$work/$name.restore"
    "$runtime" delete --force "$id"
    exec 8>&-
}

echo "| memory | runtime | checkpoint, ms | images, MB | restore, ms |"
echo "| --- | --- | --- | --- | --- |"
for megabytes in ${SIZES:-10 100 1000}; do
    make_bundle $((megabytes * 1000000))
    rm -f "$work"/*.checkpoint "$work"/*.restore "$work"/*.size
    for ((round = 0; round < rounds; round++)); do
        for runtime in "${runtimes[@]}"; do one_round "$runtime"; done
    done
    for runtime in "${runtimes[@]}"; do
        name=$work/$(basename "$runtime")
        echo "| $megabytes MB | $(basename "$runtime") | $(median "$name.checkpoint") |" \
            "$(median "$name.size") | $(median "$name.restore") |"
    done
done
