# The C and C++ side: headers, tests, vectors, examples. For inclusion by a
# Makefile at the root, or alone: make -f tests/native.mk native-test
#
#   native-headers   each header alone and twice in a program, in every standard
#   native-test      all there is, with the libraries in LIBDIR
#   native-embed     the programs of examples/embed, in BUILD
#
# LIBDIR has libslidegate.so and libslidegate.a:
#   cargo build --release -p slidegate-capi

LIBDIR ?= target/release
BUILD ?= build/native
PYTHON ?= python3
ifeq ($(origin CXX),default)
CXX := c++
endif

NATIVE_WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror
NATIVE_CFLAGS := -g -O1 $(NATIVE_WARNINGS) -Iinclude
NATIVE_C := $(CC) -std=c11 $(NATIVE_CFLAGS)
NATIVE_CXX := $(CXX) -std=c++17 $(NATIVE_CFLAGS)
NATIVE_LIBDIR := $(abspath $(LIBDIR))
NATIVE_SO := $(NATIVE_LIBDIR)/libslidegate.so
NATIVE_A := $(NATIVE_LIBDIR)/libslidegate.a
NATIVE_SHARED := -L$(NATIVE_LIBDIR) -lslidegate -Wl,-rpath,$(NATIVE_LIBDIR)
NATIVE_C_TESTS := tests/c/test_api.c tests/c/test_errors.c tests/c/test_refused.c \
    tests/c/test_sharing.c
NATIVE_C_DEPS := include/slidegate.h tests/c/expect.h tests/c/fixture.h
NATIVE_CXX_HEADERS := include/slidegate.hpp include/slidegate_values.hpp
NATIVE_CXX_DEPS := include/slidegate.h $(NATIVE_CXX_HEADERS) tests/c/expect.h
NATIVE_REPLAY := $(PYTHON) tests/conformance/replay.py

# What a static link needs beside the library, as rustc says for this machine.
NATIVE_STATIC_LIBS = $(shell mkdir -p $(BUILD) && echo | rustc --crate-type staticlib \
    --print native-static-libs -o $(BUILD)/probe.a - 2>&1 | sed -n 's/^note: native-static-libs: //p')

# Sanitizers, where a program built with them links and runs. They see the
# library's memory too: its allocations go through malloc.
NATIVE_SAN_FLAGS := -fsanitize=address,undefined -fno-sanitize-recover=all
NATIVE_SAN = $(shell mkdir -p $(BUILD) && echo 'int main(void) { return 0; }' > $(BUILD)/probe.c \
    && $(CC) $(NATIVE_SAN_FLAGS) $(BUILD)/probe.c -o $(BUILD)/probe 2>$(BUILD)/probe.log \
    && $(BUILD)/probe 2>>$(BUILD)/probe.log && echo $(NATIVE_SAN_FLAGS))

.PHONY: native-headers native-test native-embed
.PHONY: native-lib native-api native-static native-replay native-symbols

$(BUILD):
	mkdir -p $@

native-lib:
	@test -f $(NATIVE_SO) -a -f $(NATIVE_A) || { \
	    echo "no libslidegate.so and .a in $(LIBDIR): cargo build --release -p slidegate-capi"; \
	    exit 1; }

# Programs remember where their library is, so another LIBDIR builds them anew.
NATIVE_LIB := $(BUILD)/libdir
$(NATIVE_LIB): native-lib | $(BUILD)
	@echo $(NATIVE_LIBDIR) | cmp -s - $@ || echo $(NATIVE_LIBDIR) > $@

# A header that is all of the source shows that it includes what it needs.
native-headers: | $(BUILD)
	@set -e; for std in c99 c11; do \
	    $(CC) -std=$$std $(NATIVE_WARNINGS) -fsyntax-only -x c include/slidegate.h; \
	    $(CC) -std=$$std $(NATIVE_CFLAGS) tests/c/headers/a.c tests/c/headers/b.c \
	        -o $(BUILD)/headers-$$std; \
	    $(BUILD)/headers-$$std; \
	done
	@set -e; for std in c++17 c++20; do \
	    for header in include/slidegate.h $(NATIVE_CXX_HEADERS); do \
	        $(CXX) -std=$$std $(NATIVE_WARNINGS) -fsyntax-only -x c++ $$header; \
	    done; \
	    $(CXX) -std=$$std $(NATIVE_CFLAGS) tests/cpp/headers/a.cpp tests/cpp/headers/b.cpp \
	        -o $(BUILD)/headers-$$std; \
	    $(BUILD)/headers-$$std; \
	done
	@echo "headers: alone and twice in C99, C11, C++17, C++20"

$(BUILD)/test_api_c: $(NATIVE_C_TESTS) $(NATIVE_C_DEPS) $(NATIVE_LIB)
	$(NATIVE_C) $(NATIVE_SAN) $(NATIVE_C_TESTS) $(NATIVE_SHARED) -pthread -o $@

$(BUILD)/test_api_cxx17: tests/cpp/test_api.cpp $(NATIVE_CXX_DEPS) $(NATIVE_LIB)
	$(NATIVE_CXX) $(NATIVE_SAN) $< $(NATIVE_SHARED) -o $@

$(BUILD)/test_api_cxx20: tests/cpp/test_api.cpp $(NATIVE_CXX_DEPS) $(NATIVE_LIB)
	$(NATIVE_CXX) -std=c++20 $(NATIVE_SAN) $< $(NATIVE_SHARED) -o $@

$(BUILD)/test_api_static: $(NATIVE_C_TESTS) $(NATIVE_C_DEPS) $(wildcard $(NATIVE_A)) $(NATIVE_LIB)
	$(NATIVE_C) $(NATIVE_C_TESTS) $(NATIVE_A) $(NATIVE_STATIC_LIBS) -pthread -o $@

$(BUILD)/replay_c: tests/c/replay.c include/slidegate.h $(NATIVE_LIB)
	$(NATIVE_C) $< $(NATIVE_SHARED) -o $@

$(BUILD)/replay_cxx: tests/cpp/replay.cpp $(NATIVE_CXX_DEPS) $(NATIVE_LIB)
	$(NATIVE_CXX) $< $(NATIVE_SHARED) -o $@

$(BUILD)/embed_c: examples/embed/embed.c include/slidegate.h $(NATIVE_LIB)
	$(NATIVE_C) $< $(NATIVE_SHARED) -o $@

$(BUILD)/embed_cpp: examples/embed/embed.cpp $(NATIVE_CXX_DEPS) $(NATIVE_LIB)
	$(NATIVE_CXX) $< $(NATIVE_SHARED) -o $@

native-api: $(BUILD)/test_api_c $(BUILD)/test_api_cxx17 $(BUILD)/test_api_cxx20
	$(BUILD)/test_api_c
	$(BUILD)/test_api_cxx17
	$(BUILD)/test_api_cxx20

native-static: $(BUILD)/test_api_static
	$(BUILD)/test_api_static

native-replay: $(BUILD)/replay_c $(BUILD)/replay_cxx
	$(NATIVE_REPLAY) $(BUILD)/replay_c
	$(NATIVE_REPLAY) $(BUILD)/replay_cxx

# Everything that the library exports, not only what begins with slg_.
native-symbols: | $(BUILD) native-lib
	nm -D --defined-only $(NATIVE_SO) | awk '{ print $$3 }' | LC_ALL=C sort > $(BUILD)/symbols.txt
	diff -u tests/c/symbols.txt $(BUILD)/symbols.txt

native-embed: $(BUILD)/embed_c $(BUILD)/embed_cpp

native-test: native-headers native-symbols native-api native-static native-replay native-embed
	$(BUILD)/embed_c policies/endpoint-limits.toml
	$(BUILD)/embed_cpp policies/endpoint-limits.toml
	@echo "native-test: passed"
