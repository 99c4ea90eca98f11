# tidemill: `make help` lists the targets. Set-up happens by itself; run as root or with sudo at hand.
.DEFAULT_GOAL := help
SHELL := /bin/sh
PORT ?= 8787
FEED ?=

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## build the program at build/release/tidemill
	@tools/setup.sh build
	@tools/build.sh release tidemill

.PHONY: demo
demo: ## make a podcast site out of real speech and serve it (FEED=URL for a real feed, PORT=8787)
	@tools/setup.sh demo
	@tools/build.sh release tidemill
	@FEED='$(FEED)' PORT='$(PORT)' tools/demo.sh

.PHONY: test
test: ## build with sanitizers and run every test
	@tools/setup.sh test
	@tools/test.sh

.PHONY: bench
bench: ## run the benchmarks beside their peers
	@tools/setup.sh bench
	@tools/bench.sh

.PHONY: conformance
conformance: ## run the recordings of AWS Step Functions, moto's server beside it; writes docs/conformance.md
	@tools/setup.sh test
	@tools/build.sh release tidemill
	@tools/python/setup.sh >/dev/null
	@TIDEMILL=build/release/tidemill python3 tests/conformance/run.py --peer --docs docs/conformance.md

.PHONY: lint
lint: ## formatting, clang-tidy, cppcheck, layers
	@tools/setup.sh test
	@tools/lint.sh

.PHONY: format
format: ## format the C sources in place
	@tools/setup.sh test
	@git ls-files '*.c' '*.h' | xargs clang-format -i

.PHONY: fuzz
fuzz: ## run every fuzz target for SECONDS (60)
	@tools/setup.sh test
	@tools/fuzz.sh

.PHONY: coverage
coverage: ## run the unit tests with coverage and print it by room
	@tools/setup.sh test
	@tools/coverage.sh

.PHONY: clean
clean: ## remove what was built (not the cache)
	@rm -rf build
