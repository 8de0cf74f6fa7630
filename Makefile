# Every target is a line or two; what needs more is a script beside what it serves.
SWIFT ?= swift

.PHONY: help setup demo run test check lint build testssl bench plain tsan asan fuzz kernel-tls clean

help: ## List the targets.
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

setup: ## Check what the machine needs, and say how to get what it lacks.
	@sh Tests/Checks/setup.sh

demo: setup ## Build, serve, fetch two one-second answers concurrently, and say what happened.
	@sh Tests/Checks/demo.sh "$(SWIFT)"

run: demo

build: ## Build everything in release mode.
	$(SWIFT) build -c release

test: setup ## Run all tests.
	$(SWIFT) test

check: lint test ## What CI runs: lint, tests, examples (built with the tests), links, the release tools.
	sh Tests/Checks/layers.sh
	sh Tests/Checks/links.sh "$(SWIFT)"
	sh Tests/Checks/optimised.sh "$(SWIFT)"

lint: ## Formatting, strictly.
	$(SWIFT) format lint --strict --recursive --parallel Package.swift Sources Tests Examples \
	    Benchmarks/Package.swift Benchmarks/Sources

plain: setup ## All tests in a build without TLS.
	$(SWIFT) test --disable-default-traits --scratch-path .build-plain

tsan: setup ## All tests under the thread sanitizer.
	$(SWIFT) test --sanitize=thread --no-parallel --scratch-path .build-tsan

asan: setup ## All tests under the address sanitizer (without its leak check; leaks are soak's matter).
	ASAN_OPTIONS=detect_leaks=0 $(SWIFT) test --sanitize=address --no-parallel --scratch-path .build-asan

soak: setup ## Races, ten thousand times each (REPEAT=n, FILTER=text, SECONDS=n, SANITIZE=thread or address).
	@sh Tests/Checks/soak.sh "$(SWIFT)" $(or $(SECONDS),10)

testssl: setup ## What testssl.sh finds of coro-serve: nothing worse than LOW (one to three minutes).
	@sh Tests/Checks/testssl.sh "$(SWIFT)"

bench: setup ## Operations beside SwiftNIO and asyncio, in turns, and the design's aims as ratios (ROUNDS=n).
	python3 Benchmarks/compare.py --swift "$(SWIFT)" --rounds $(or $(ROUNDS),3)

fuzz: setup ## The wire module under the fuzzer, for a minute (SECONDS=600 for ten).
	sh Tests/Fuzz/run.sh $(or $(SECONDS),60)

kernel-tls: setup ## TLS in the kernel, in a machine of its own under qemu (KERNEL=bzImage, MODULES=folder).
	@sh Tests/Checks/kernel-tls.sh "$(SWIFT)" $(KERNEL) $(MODULES)

clean: ## Remove what was built.
	rm -rf .build .build-plain .build-tsan .build-asan Benchmarks/.build
