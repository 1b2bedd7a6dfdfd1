# The two commands: `make ablate` (the main job) and `make test`. Both do all their own set-up, as do `make bench` and
# `make bench-compare`.
SWIFT ?= swift
BUILD = $(SWIFT) build -c release
ASSAY = .build/release/assay
BACKENDS ?= all
OUT ?= results

.PHONY: all ablate test sanitize bench bench-compare build deps lint format reference fuzz clean

all: build

# The one Debian package: GMP, the oracle of the field tests.
deps:
	@if ! pkg-config --exists gmp 2>/dev/null; then \
		echo "installing libgmp-dev and pkg-config (Debian)"; \
		SUDO=$$([ $$(id -u) -eq 0 ] || echo sudo); \
		$$SUDO apt-get update -q && $$SUDO apt-get install -y -q libgmp-dev pkg-config; \
	fi

build: deps
	$(BUILD) --product assay

# Proves the bundled transformer under every backend and prints the comparison; also $(OUT)/results.json and results.csv.
ablate: build
	$(ASSAY) ablate --backends $(BACKENDS) --out $(OUT)

# Tests are built apart from the command, because they see inside modules.
TEST_FLAGS = -c release --scratch-path .build/tests -Xswiftc -enable-testing

test: deps
	$(SWIFT) build $(TEST_FLAGS) --build-tests
	SWIFT_BACKTRACE=enable=no $(SWIFT) test $(TEST_FLAGS) --skip-build
	@if command -v python3 >/dev/null; then echo "statistics of bench-compare"; python3 -m unittest discover -s Benchmarks; \
	else echo "no python3: the test of bench-compare's statistics is left out"; fi

# Times every kernel beside its target, its portable form and other people's libraries, and the phases of a proof beside what
# unit costs say; the report goes to Benchmarks/results/. Benchmarks/NOTES.md says how to read it.
BENCH = Benchmarks/.build/release/bench
PEERS = Benchmarks/.venv/peers.json
BENCH_FLAGS ?=

bench: build
	$(SWIFT) build -c release --package-path Benchmarks
	@rm -f $(PEERS)
	@if ! python3 -c 'import ensurepip' 2>/dev/null; then \
		echo "installing python3-venv (Debian)"; \
		SUDO=$$([ $$(id -u) -eq 0 ] || echo sudo); \
		$$SUDO apt-get update -q && $$SUDO apt-get install -y -q python3-venv || true; \
	fi
	@python3 -m venv Benchmarks/.venv && Benchmarks/.venv/bin/pip install -q -r Benchmarks/requirements.txt \
		&& Benchmarks/.venv/bin/python Benchmarks/peers.py $(PEERS) \
		|| echo "peers are missing: Python's venv or the package registry cannot be had here"
	@mkdir -p Benchmarks/results
	$(BENCH) --peers $(PEERS) --commitments --assay $(CURDIR)/$(ASSAY) --backends $(BACKENDS) \
		--revision "$$(git describe --always --dirty 2>/dev/null || echo unknown)" --json Benchmarks/results $(BENCH_FLAGS)

# Compares this tree with another revision in one run: make bench-compare BASE=rev. Fails if something became slower.
BASE ?=
COMPARE_FLAGS ?=

bench-compare: deps
	@test -n "$(BASE)" || { echo "usage: make bench-compare BASE=revision"; exit 64; }
	SWIFT=$(SWIFT) python3 Benchmarks/compare.py "$(BASE)" $(COMPARE_FLAGS)

# The tests of the C kernels under AddressSanitizer, and with every undefined operation of C a trap (long: a build of its own).
# Kernel and hash tests go through all CPU levels by themselves. Leaks are not looked for: XCTest's own suites are reported.
SANITIZE_FLAGS = -c release -Xswiftc -enable-testing -Xswiftc -DSANITIZED --scratch-path .build/sanitize \
	--sanitize=address -Xcc -fsanitize=undefined -Xcc -fsanitize-trap=undefined

sanitize: deps
	set -e; $(SWIFT) build $(SANITIZE_FLAGS) --build-tests; \
		export SWIFT_BACKTRACE=enable=no ASAN_OPTIONS=detect_leaks=0; \
		$(SWIFT) test $(SANITIZE_FLAGS) --skip-build --filter '^(FieldsTests|TranscriptsTests|CurvesTests|BlocksTests\.WitnessTests)[./]'; \
		for level in portable avx2 avx512; do \
			CSIMD_LEVEL=$$level $(SWIFT) test $(SANITIZE_FLAGS) --skip-build --filter '^MultilinearsTests\.'; \
		done

# Runs the exported sample graphs through the independent NumPy implementation again, and compares with the goldens.
reference:
	python3 -m venv .venv && .venv/bin/pip install -q -r Experiments/numpy_reference/requirements.txt
	.venv/bin/python Experiments/numpy_reference/make_goldens.py Tests/GraphsTests/Goldens
	git diff --stat --exit-code -- Tests/GraphsTests/Goldens

# 10,000 random changes of real proofs of the bundled model, all rejected (long).
fuzz: deps
	ASSAY_FUZZ=10000 $(SWIFT) test $(TEST_FLAGS) --filter EngineTests.fuzz

lint:
	$(SWIFT) format lint --recursive Sources Tests Benchmarks/Sources Package.swift Benchmarks/Package.swift

format:
	$(SWIFT) format --in-place --recursive Sources Tests Benchmarks/Sources Package.swift Benchmarks/Package.swift
	clang-format -i CSIMD/include/*.h CSIMD/src/*/*.c Benchmarks/Sources/CMachine/*.c

clean:
	rm -rf .build Benchmarks/.build Benchmarks/.venv
