# The two commands: `make ablate` (the main job) and `make test`. Both do all their own set-up.
SWIFT ?= swift
BUILD = $(SWIFT) build -c release
ASSAY = .build/release/assay
BACKENDS ?= all
OUT ?= results

.PHONY: all ablate test sanitize build deps lint format reference fuzz clean

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

# The tests of the C kernels under AddressSanitizer, and with every undefined operation of C a trap (long: two builds).
# Kernel and hash tests go through all CPU levels by themselves.
SANITIZE_FLAGS = -c release -Xswiftc -enable-testing -Xswiftc -DSANITIZED
ASAN_FLAGS = $(SANITIZE_FLAGS) --scratch-path .build/asan --sanitize=address
UBSAN_FLAGS = $(SANITIZE_FLAGS) --scratch-path .build/ubsan -Xcc -fsanitize=undefined -Xcc -fsanitize-trap=undefined

sanitize: deps
	set -e; for flags in "$(ASAN_FLAGS)" "$(UBSAN_FLAGS)"; do \
		$(SWIFT) build $$flags --build-tests; \
		export SWIFT_BACKTRACE=enable=no; \
		$(SWIFT) test $$flags --skip-build --filter '^(FieldsTests|TranscriptsTests)\.'; \
		for level in portable avx2 avx512; do \
			CSIMD_LEVEL=$$level $(SWIFT) test $$flags --skip-build --filter '^MultilinearsTests\.'; \
		done; \
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
	$(SWIFT) format lint --recursive Sources Tests Package.swift

format:
	$(SWIFT) format --in-place --recursive Sources Tests Package.swift
	clang-format -i CSIMD/include/*.h CSIMD/src/*/*.c

clean:
	rm -rf .build
