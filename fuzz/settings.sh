# What run.sh and minimise.sh share: the targets, the tools, libFuzzer's options.

all_targets=(policy_text policy_field policy_model requests operations)

cargo_fuzz=${CARGO_FUZZ:-cargo-fuzz}
toolchain=${TOOLCHAIN:-nightly}

# The operations run through code without `unsafe`, of engine and reference, and
# without the sanitizer six times as many of them. Their inputs are small numbers,
# which need no tracing of compares: twice as many again.
instrumentation() {
    case $1 in
    operations) echo --sanitizer "${SANITIZER:-none}" --no-trace-compares ;;
    *) echo --sanitizer "${SANITIZER:-address}" ;;
    esac
}

# cargo-fuzz sets RUSTFLAGS, which hides .cargo/config.toml.
export RUSTFLAGS='--cfg getrandom_backend="custom"'
export RUSTUP_TOOLCHAIN=$toolchain

# fuzz TARGET FOLDER... -- OPTION...
fuzz() {
    local target=$1 dictionary=dictionaries/$1.dict
    shift
    local with=()
    [ ! -e "$dictionary" ] || with=(-dict="$dictionary")
    # shellcheck disable=SC2046
    "$cargo_fuzz" fuzz run --fuzz-dir . --features libfuzzer $(instrumentation "$target") \
        "$target" "$@" "${with[@]}"
}

# No input takes ten seconds or 2 GiB: a hostile policy file must not stop anyone.
options=(-max_len=4096 -timeout=10 -rss_limit_mb=2048 -malloc_limit_mb=1024)
