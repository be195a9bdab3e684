# Every target is one line that calls a Python tool; `make help` lists them.

SHELL := /bin/bash
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
PYTEST := $(BIN)/python -m pytest
WORKERS ?= 2

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## (.*)/  \1\t\2/' | expand -t 16

.PHONY: setup
setup: $(STAMP) ## Make .venv with everything locked in requirements.lock; nothing to do when up to date

$(STAMP): requirements.lock pyproject.toml hack/setup.sh hack/kubectl.sh hack/nodeclient.sh
	@PYTHON=$(PYTHON) hack/setup.sh
	@hack/kubectl.sh
	@hack/nodeclient.sh
	@touch $(STAMP)

.PHONY: fmt
fmt: setup ## Format the code and sort its imports
	$(BIN)/ruff check --select I --fix --quiet .
	$(BIN)/ruff format --quiet .

.PHONY: lint
lint: setup layers tidy ## Check style, formatting, layers and sizes
	$(BIN)/ruff check --quiet .
	$(BIN)/ruff format --check --quiet .

.PHONY: layers
layers: setup ## Check who may import whom (.importlinter)
	@$(BIN)/lint-imports --no-logo >.lint-imports.log || { cat .lint-imports.log; exit 1; }

.PHONY: tidy
tidy: setup ## Check sizes of files and functions, docstrings and banned names
	$(BIN)/python hack/tidy.py

.PHONY: types
types: setup ## Check types, strictly
	$(BIN)/mypy src/headwater hack

.PHONY: unit
unit: setup ## Run the unit tests
	$(PYTEST) -n $(WORKERS) tests/unit $(ARGS)

.PHONY: integration
integration: setup ## Run the tests that start a server in-process
	$(PYTEST) -n $(WORKERS) --dist loadfile tests/conformance tests/integration $(ARGS)

.PHONY: e2e
e2e: setup ## Run the tests with real processes and the real kubectl
	$(PYTEST) tests/e2e $(ARGS)

.PHONY: faults
faults: setup ## Play random rounds of faults with real processes; ROUNDS=300 for many, SEED=7 for the same again
	HEADWATER_FAULT_ROUNDS=$(or $(ROUNDS),20) HEADWATER_FAULT_SEED=$(or $(SEED),0) \
	  $(PYTEST) -s tests/e2e/faults/test_rounds.py $(ARGS)

.PHONY: kubernetes
kubernetes: setup ## Run a syncer against a real Kubernetes API server, which is built first (ten minutes)
	hack/kubernetes.sh
	HEADWATER_KUBERNETES=$(CURDIR)/.kubernetes/bin $(PYTEST) tests/e2e/kubernetes $(ARGS)

.PHONY: cover
cover: setup ## Run all tests and require branch coverage of 85 %
	$(BIN)/coverage erase
	$(PYTEST) -n $(WORKERS) --dist loadfile --cov --cov-report=term:skip-covered --cov-report=xml tests $(ARGS)

.PHONY: test
test: setup ## Everything that CI requires
	@$(MAKE) -j $(WORKERS) --output-sync=target lint types verify docs
	@$(MAKE) cover

.PHONY: gen
gen: setup ## Write the generated files again
	$(BIN)/python hack/gen_crds.py
	$(BIN)/python hack/docs_gen.py

.PHONY: verify
verify: setup ## Check that generated files are what `make gen` writes
	$(BIN)/python hack/gen_crds.py --check
	$(BIN)/python hack/docs_gen.py --check

.PHONY: lock
lock: setup ## Resolve requirements.lock again from pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate --no-emit-index-url \
	  --no-emit-find-links --group dev pyproject.toml --output-file requirements.lock

.PHONY: docs
docs: setup ## Build the documentation, strictly
	$(BIN)/mkdocs build --strict --quiet

.PHONY: bench
bench: setup ## Measure, and print JSON with ratios to the floors of the same run
	$(BIN)/python -m benchmarks $(ARGS)

.PHONY: demo
demo: setup ## Show an application on two simulated pclusters; KEEP=1 leaves it running
	$(BIN)/headwater demo $(if $(filter-out 0,$(KEEP)),--keep) $(ARGS)

.PHONY: clean
clean: ## Remove what builds and tests leave behind; .venv stays
	rm -rf .coverage .coverage.* coverage.xml .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis \
	  .lint-imports.log site dist .demo
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
