# The commands that people and CI share. Each one sets up what it needs in .venv; a fresh machine
# has to bring Python 3.10 or newer, make and g++ only (cmake and ninja come from PyPI).
#
#   make test ARGS="-k rows"        make demo PYTHON=python3.12

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules

PYTHON ?= python3
ARGS ?=
FUZZ_SECONDS ?= 60
FAULTS_SECONDS ?= 3600
NIGHTLY_FUZZ_SECONDS ?= 1800
NIGHTLY_EXAMPLES ?= 20

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq
export PIP_NO_INPUT := 1

SOURCES := CMakeLists.txt README.md LICENSE \
  $(shell find src cpp -type f -not -name '*.so' -not -name '*.pyc' 2>/dev/null)
CXX_SOURCES := $(wildcard cpp/*/*.cpp)
CXX_FILES := $(CXX_SOURCES) $(wildcard cpp/*/*.hpp)
# Those that a build compiles and that are ours alone: the bindings are mostly nanobind's templates.
CXX_TIDIED := $(filter-out cpp/bindings/% cpp/fuzz/% cpp/tests/%,$(CXX_SOURCES))
# Each instantiates an epoch per kind, rule and length: following every path of them takes the analyser
# longer than all other files together, so of clang-tidy they get the rest of the checks.
CXX_EPOCHS := cpp/gradient/train_rows.cpp cpp/gradient/train_pairs.cpp

.PHONY: help demo paper test lint format generate sanitize fuzz faults bench nightly docs build clean

help: ## list these commands
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/make \1\t\2/' | expand -t 16

demo: $(VENV)/installed ## train and compare models on generated click data
	$(BIN)/fieldfare demo $(ARGS)

# The data sets may not be redistributed; ARGS="--data FOLDER" says where they are.
paper: $(VENV)/installed $(VENV)/test ## draw the figures of Rendle's papers again, into docs/assets/paper
	for figure in sparse_ratings tag_recommendation runtime learners; do \
	  $(BIN)/python examples/paper/$$figure.py $(ARGS); \
	done

test: $(VENV)/installed $(VENV)/test ## run the tests on the installed package
	$(BIN)/python -m pytest -n 2 $(ARGS)

# ---- set-up: one stamp per step, renewed when what it read has changed ------------------------

# A virtual environment whose pip knows dependency groups (25.1), with the tools that build the core.
$(VENV)/build: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) install --upgrade "pip>=25.1"
	$(PIP) install --group build
	touch $@

# Built without isolation, so that a second build compiles only what has changed.
$(VENV)/installed: $(VENV)/build $(SOURCES)
	$(PIP) install --no-build-isolation --force-reinstall --no-deps .
	$(PIP) install --no-build-isolation ".[all]"
	touch $@

$(VENV)/test $(VENV)/lint $(VENV)/docs: $(VENV)/%: $(VENV)/build
	$(PIP) install --group $*
	touch $@

# ---- checks of the sources ------------------------------------------------------------------

lint: $(VENV)/installed $(VENV)/test $(VENV)/lint build/tidy/compile_commands.json ## check style, types, layers and C++
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	PYTHONPATH=src $(BIN)/lint-imports
	$(BIN)/clang-format --dry-run --Werror $(CXX_FILES)
	$(BIN)/python -m tools.check_kernels $(wildcard build/cp*)
	printf '%s\n' $(filter-out $(CXX_EPOCHS),$(CXX_TIDIED)) \
	  | xargs -P 2 -n 1 $(BIN)/clang-tidy -p build/tidy --quiet --warnings-as-errors='*'
	printf '%s\n' $(CXX_EPOCHS) | xargs -P 2 -n 1 $(BIN)/clang-tidy -p build/tidy --quiet \
	  --warnings-as-errors='*' --checks='-clang-analyzer-*'

format: $(VENV)/lint ## rewrite the sources in the house style
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .
	$(BIN)/clang-format -i $(CXX_FILES)

generate: $(VENV)/installed ## write the estimator classes and the page of parameters from config.py
	PYTHONPATH=src $(BIN)/python -m tools.generate

build/tidy/compile_commands.json: $(VENV)/build CMakeLists.txt
	$(BIN)/cmake -S . -B build/tidy -G Ninja -DCMAKE_MAKE_PROGRAM=$(abspath $(BIN))/ninja \
	  -DPython_EXECUTABLE=$(abspath $(BIN))/python > /dev/null
	touch $@

# ---- the suite against a core with AddressSanitizer and UBSan -------------------------------

SANITIZED := build/sanitize
OVERLAY := $(SANITIZED)/overlay
# What exercises native code; the rest would run the same Python a second time.
# Servers, browsers and forked workers do not start, or never end, with ASan preloaded; what they call
# of the core is called by the other tests.
SANITIZE_TESTS ?= $(wildcard tests/kernels tests/hostile tests/property tests/unit) \
  --ignore=tests/unit/serving
# libstdc++ comes along because ASan must find __cxa_throw when it starts, before any module loads.
# Leaks are not looked for (the interpreter never frees everything), and the mixed allocators and
# double definitions are those of other people's wheels.
SANITIZE_ENV = PYTHONPATH=$(abspath $(OVERLAY)) \
  LD_PRELOAD="$$(gcc -print-file-name=libasan.so) $$(gcc -print-file-name=libstdc++.so)" \
  ASAN_OPTIONS=detect_leaks=0:alloc_dealloc_mismatch=0:detect_odr_violation=0:allocator_may_return_null=1 \
  UBSAN_OPTIONS=print_stacktrace=1

sanitize: $(OVERLAY)/stamp $(VENV)/installed $(VENV)/test ## run the suite and the fuzzers under ASan and UBSan
	$(SANITIZE_ENV) $(BIN)/python -m pytest -n 2 $(SANITIZE_TESTS) $(ARGS)
	$(MAKE) fuzz

$(OVERLAY)/stamp: $(VENV)/build $(SOURCES)
	$(BIN)/cmake -S . -B $(SANITIZED) -G Ninja -DCMAKE_MAKE_PROGRAM=$(abspath $(BIN))/ninja \
	  -DPython_EXECUTABLE=$(abspath $(BIN))/python -DFIELDFARE_SANITIZE=ON > /dev/null
	$(BIN)/cmake --build $(SANITIZED) -j 2
	rm -rf $(OVERLAY)
	mkdir -p $(OVERLAY)
	cp -r src/fieldfare $(OVERLAY)/
	rm -f $(OVERLAY)/fieldfare/_core*.so
	cp $(SANITIZED)/_core*.so $(OVERLAY)/fieldfare/
	touch $@

fuzz: $(SANITIZED)/fuzz_text $(OVERLAY)/stamp $(VENV)/installed $(VENV)/test ## feed the readers of text and of every file of ours hostile bytes
	$(SANITIZED)/fuzz_text $(FUZZ_SECONDS)
	$(SANITIZE_ENV) $(BIN)/python -W ignore -m tests.faults.fuzzing --seconds $(FUZZ_SECONDS)

$(SANITIZED)/fuzz_text: $(wildcard cpp/fuzz/*.cpp cpp/common/*.hpp cpp/text/*)
	mkdir -p $(@D)
	$(CXX) -std=c++20 -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined \
	  -fno-omit-frame-pointer -DFIELDFARE_FUZZ_MAIN -Icpp -pthread \
	  cpp/fuzz/fuzz_text.cpp cpp/text/text.cpp -o $@

faults: $(VENV)/installed $(VENV)/test ## kills, full disks, mutated files, shared files and bad values, and what they break
	$(BIN)/python -W ignore -m tests.faults --seconds $(FAULTS_SECONDS)

# ---- the rest -------------------------------------------------------------------------------

# The peers get an environment of their own, build/peers; what does not install is reported as such.
bench: $(VENV)/installed $(VENV)/test ## measure speed and memory, against the peers that can be had
	$(BIN)/python -m benchmarks.peers.install
	$(BIN)/python -m benchmarks peers/compare $(ARGS)
	$(BIN)/python -m benchmarks speed/kernels
	$(BIN)/python -m benchmarks speed/growth

# Hours on two cores. The reports go to build/nightly, beside those that are checked in.
nightly: $(VENV)/installed $(VENV)/test ## what takes long: more fuzzing and examples, speed, quality on ../shared/data
	$(MAKE) fuzz FUZZ_SECONDS=$(NIGHTLY_FUZZ_SECONDS)
	FIELDFARE_EXAMPLES=$(NIGHTLY_EXAMPLES) $(BIN)/python -m pytest -n 2 tests/property tests/kernels tests/unit $(ARGS)
	$(BIN)/python -m benchmarks speed --results build/nightly
	if [ -d ../shared/data ]; then $(BIN)/python -m benchmarks quality --results build/nightly; \
	else echo "Quality is not measured: there is no folder ../shared/data."; fi

docs: $(VENV)/installed $(VENV)/docs ## build the site into site/, any warning being an error
	$(BIN)/mkdocs build --strict --quiet

build: $(VENV)/build ## build the wheel and the source archive into dist/
	$(PIP) install build
	$(BIN)/python -m build --outdir dist .

clean: ## remove everything that was built, and .venv
	rm -rf $(VENV) build dist site .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find src -name '_core*.so' -delete
