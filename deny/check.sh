#!/usr/bin/env bash
# Licences, sources and advisories: deny/check.sh CARGO_DENY PYTHON WORK_DIR
# Of the workspace, and of the benchmark's peers, which have one of their own.
# The advisories come from the live database, else from the facts kept here.
set -euo pipefail
deny=$1
python=$2
work=$3

check() {
    "$deny" --all-features --config deny/deny.toml check "$@"
    "$deny" --all-features --config deny/peers.toml --manifest-path benches/peers/Cargo.toml check "$@"
}

check licenses bans sources
mkdir -p "$work"
if timeout 20 git ls-remote -q https://github.com/RustSec/advisory-db HEAD >/dev/null 2>&1; then
    check advisories
    exit
fi
echo "the live advisory database cannot be reached; checking against the facts in deny/"
rm -rf "$work/facts" "$work/database"
mkdir -p "$work/facts"
"$python" deny/advisories.py repository "$work/facts"
export GIT_CONFIG_COUNT=1
export GIT_CONFIG_KEY_0="url.file://$(realpath "$work")/facts.insteadOf"
export GIT_CONFIG_VALUE_0=https://github.com/RustSec/advisory-db
check advisories
