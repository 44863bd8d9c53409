#!/usr/bin/env bash
# Writes corpus/ anew: from what is there and what run.sh found, the smallest
# inputs that together reach every edge of the code.
#   fuzz/minimise.sh [TARGET...]
# Inputs with a name of their own, not a hash, stay.
set -euo pipefail
cd "$(dirname "$0")"
# shellcheck source=settings.sh
. ./settings.sh
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=("${all_targets[@]}")

for target in "${targets[@]}"; do
    mkdir -p "work/$target"
    merged="work/$target.merged"
    rm -rf "$merged"
    mkdir "$merged"
    # Edges only: counting how often each is passed keeps ten times the inputs.
    fuzz "$target" "$merged" "corpus/$target" "work/$target" -- "${options[@]}" \
        -merge=1 -use_counters=0 >"work/$target.merge.log" 2>&1
    hash='[0-9a-f]\{40\}'
    find "corpus/$target" -type f ! -regex ".*/$hash" -exec cp -n {} "$merged" \;
    rm -rf "corpus/$target"
    mv "$merged" "corpus/$target"
    echo "corpus $target: $(find "corpus/$target" -type f | wc -l) inputs," \
        "$(du -sb "corpus/$target" | cut -f1) bytes"
done
