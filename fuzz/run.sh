#!/usr/bin/env bash
# Fuzzes every target, or those named, and says what came of it:
#   fuzz/run.sh [SECONDS [TARGET...]]
# It exits with 1 if a target has a finding. What is new goes to work/, never to
# the committed corpus (minimise.sh does that); findings go to artifacts/.
#
# CARGO_FUZZ: the cargo-fuzz binary.  TOOLCHAIN: a nightly, for AddressSanitizer;
# with SANITIZER=none a stable one will do.
set -euo pipefail
cd "$(dirname "$0")"
# shellcheck source=settings.sh
. ./settings.sh
seconds=${1:-60}
shift || true
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=("${all_targets[@]}")

# Prints one figure of a log: the last number after a word.
figure() { grep -aoE "$1 *[0-9]+" "$2" | tail -1 | grep -oE '[0-9]+$' || echo '?'; }

failed=0
for target in "${targets[@]}"; do
    mkdir -p "work/$target"
    log="work/$target.log"
    verdict="no finding"
    fuzz "$target" "work/$target" "corpus/$target" -- "${options[@]}" \
        -max_total_time="$seconds" >"$log" 2>&1 || {
        verdict="FAILED, see fuzz/$log"
        failed=1
        tail -n 40 "$log"
    }
    echo "fuzz $target: $(figure '^#' "$log") executions in $seconds s," \
        "$(figure 'cov:' "$log") edges, $(figure 'ft:' "$log") features, $verdict"
done
exit $failed
