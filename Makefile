# The commands of developers and CI. `make help` lists them.
SHELL := /bin/sh
PYTHON ?= python3
STACK ?= local
VENV := .venv
BIN := $(VENV)/bin

export PULUMI_SKIP_UPDATE_CHECK ?= true
# Refresh and destroy run the program, so that they use the configured credential and not the one in state.
export PULUMI_RUN_PROGRAM = true

.PHONY: help setup up preview refresh down env test test-long test-kill lint bench mutants clean pulumi-path adobe-openapi lock

help: ## List the commands
	@sed -n 's/^\([a-z-]*\):.*## /\1|/p' Makefile | while IFS='|' read -r name text; do printf '  make %-13s %s\n' "$$name" "$$text"; done

setup: $(VENV)/.ready ## Install everything, run nothing
	@$(BIN)/python tools/get_pulumi.py >/dev/null

$(VENV)/.ready: requirements.lock pyproject.toml
	@echo "Installing into $(VENV)…" >&2
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

up: setup ## Create and change what the stack declares (STACK=local: against the emulator)
	@$(BIN)/python tools/stack.py up $(STACK)

preview: setup ## Show what `make up` would do
	@$(BIN)/python tools/stack.py preview $(STACK)

refresh: setup ## Read what AEP holds into the state
	@$(BIN)/python tools/stack.py refresh $(STACK)

down: setup ## Destroy the stack's resources and stop the emulator
	@$(BIN)/python tools/stack.py down $(STACK)

env: setup ## Print the exports for stack local, so that `pulumi` and `aep-provider` work here
	@$(BIN)/python tools/stack.py env $(STACK)

test: setup lint ## Run lint, type checks and tests
	@$(BIN)/python -m pytest -n 2 --dist worksteal -q -m "not long and not kill"

test-long: setup ## The whole fault matrix
	@$(BIN)/python -m pytest -n 2 --dist worksteal -q -m long

test-kill: setup ## Kill the plugin and the CLI at every request boundary
	@$(BIN)/python -m pytest -n 2 --dist worksteal -q -m kill

lint: $(VENV)/.ready
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy
	@for folder in tests/conftest.py tests/*/; do $(BIN)/mypy "$$folder" || exit 1; done
	@$(BIN)/lint-imports

bench: setup ## Measure what docs/performance.md claims, and write the figures there (half an hour)
	@$(BIN)/python tools/bench/imports.py
	@$(BIN)/python tools/bench/emulator.py
	@$(BIN)/python tools/bench/run.py --write

mutants: $(VENV)/mutants/.ready ## Break N=200 places of the code in turn, and see whether unit and plugin tests notice (an hour)
	@$(VENV)/mutants/bin/python tools/mutants.py $(or $(N),200)

# An environment of its own, which sees the packages of the other one, but not this checkout: a copy of it is mutated.
$(VENV)/mutants/.ready: $(VENV)/.ready
	@$(BIN)/python -m venv $(VENV)/mutants
	@$(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))' \
	  >"$$($(VENV)/mutants/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/outer.pth"
	@$(VENV)/mutants/bin/python -m pip install --quiet --disable-pip-version-check "cosmic-ray==8.7.*" "pytest-cov==7.*"
	@touch $@

pulumi-path: $(VENV)/.ready ## Print the path of the pulumi that is used
	@$(BIN)/python tools/get_pulumi.py 2>/dev/null

adobe-openapi: $(VENV)/.ready ## Download Adobe's API descriptions, which `make test` compares the emulator with
	@$(BIN)/python tools/adobe_openapi.py

lock: $(VENV)/.ready ## Renew requirements.lock from pyproject.toml
	@$(PYTHON) -m uv --version >/dev/null 2>&1 || { echo "Install uv first: pip install uv"; exit 1; }
	@$(PYTHON) -m uv pip compile pyproject.toml --extra emulator --group dev --universal --python-version 3.10 \
	  --generate-hashes --no-header --quiet --upgrade -o requirements.lock

clean: ## Remove what make made (not the cached Pulumi)
	@test ! -x $(BIN)/python || $(BIN)/python tools/stack.py stop-emulator
	@rm -rf $(VENV) .aep .adobe-openapi dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
