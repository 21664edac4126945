# The commands of developers and CI. `make help` lists them.
SHELL := /bin/sh
PYTHON ?= python3
STACK ?= local
VENV := .venv
BIN := $(VENV)/bin

export PULUMI_SKIP_UPDATE_CHECK ?= true
# Refresh and destroy run the program, so that they use the configured credential and not the one in state.
export PULUMI_RUN_PROGRAM = true

.PHONY: help setup compiled up preview refresh down env test test-long test-kill test-dag test-fleet test-install test-versions lint bench bench-full mutants dist sbom clean pulumi-path adobe-openapi lock

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

# Tests start thousands of processes that may not write bytecode; without it each compiles the package anew.
compiled: setup
	@$(BIN)/python -m compileall -q aep_provider

test: compiled lint ## Run lint, type checks and tests
	@$(BIN)/python -m pytest -n 2 --dist worksteal -q -m "not long and not kill and not fleet"

test-long: compiled ## The whole fault matrix
	@$(BIN)/python -m pytest -n 2 --dist worksteal -q -m long

test-kill: compiled ## Kill the plugin and the CLI at every request boundary
	@$(BIN)/python -m pytest -n 2 --dist worksteal -q -m kill

test-dag: setup $(VENV)/airflow/.ready ## Run the example DAG on four sandboxes, in one process of Airflow
	@AEP_FLEET_VENV=$(VENV)/airflow $(BIN)/python -m pytest -q -m fleet tests/fleet/test_dag.py

test-fleet: setup $(VENV)/airflow/.ready ## Run it with Celery workers on SANDBOXES=60 sandboxes; needs PostgreSQL and Redis
	@AEP_FLEET_VENV=$(VENV)/airflow $(BIN)/python -m pytest -q -s -m fleet tests/fleet

# Airflow wants another protobuf than Pulumi does, so it has an environment of its own. Its Celery provider 3.26 does
# not load with Celery 5.7.
$(VENV)/airflow/.ready: $(VENV)/.ready
	@echo "Installing Airflow into $(VENV)/airflow…" >&2
	@$(BIN)/python -m venv $(VENV)/airflow
	@$(VENV)/airflow/bin/python -m pip install --quiet --disable-pip-version-check uv
	@$(VENV)/airflow/bin/uv pip install --quiet --python $(VENV)/airflow/bin/python \
	  "apache-airflow[celery,postgres]==3.3.*" apache-airflow-providers-standard "redis>=5" "celery<5.7"
	@touch $@

test-install: $(VENV)/.ready ## Build the package twice, and install it with pip, uv and pipx, each extra
	@$(BIN)/python -m pytest -q -m "long or not long" tests/release

test-versions: setup ## Unit and plugin tests under each supported Python that is here, with the oldest and newest Pulumi SDK
	@$(BIN)/python tools/versions.py

dist: $(VENV)/.ready ## Build wheel and sdist of the present commit into dist, the same bytes each time
	@$(BIN)/python tools/dist.py

sbom: $(VENV)/sbom/.ready ## Write what the wheel in dist brings in, as CycloneDX, beside it
	@$(VENV)/sbom/bin/python tools/sbom.py

$(VENV)/sbom/.ready: $(VENV)/.ready
	@$(BIN)/python -m venv $(VENV)/sbom
	@$(VENV)/sbom/bin/python -m pip install --quiet --disable-pip-version-check "cyclonedx-bom==7.5.*"
	@touch $@

lint: $(VENV)/.ready
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy
	@for folder in tests/conftest.py tests/*/; do $(BIN)/mypy "$$folder" || exit 1; done
	@$(BIN)/lint-imports

bench: setup $(VENV)/moto/.ready ## Measure what people wait for, and write the figures to docs/performance.md (a quarter of an hour)
	@$(BIN)/python tools/bench/imports.py
	@$(BIN)/python tools/bench/chain.py --write
	@$(BIN)/python tools/bench/emulator.py --moto $(VENV)/moto/bin/moto_server
	@$(BIN)/python tools/bench/run.py --write

bench-full: setup ## Measure everything that docs/performance.md claims (an hour)
	@$(BIN)/python tools/bench/commands.py
	@$(BIN)/python tools/bench/run.py --full --write

$(VENV)/moto/.ready: $(VENV)/.ready
	@$(BIN)/python -m venv $(VENV)/moto
	@$(VENV)/moto/bin/python -m pip install --quiet --disable-pip-version-check "moto[server]>=5,<6"
	@touch $@

mutants: $(VENV)/mutants/.ready ## Break N=200 places of the code in turn, and see whether unit and plugin tests notice (half an hour)
	@$(VENV)/mutants/bin/python tools/mutants.py $(or $(N),200)

# An environment of its own, which sees the packages of the other one, but not this checkout: a copy of it is mutated.
$(VENV)/mutants/.ready: $(VENV)/.ready
	@$(BIN)/python -m venv $(VENV)/mutants
	@$(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))' \
	  >"$$($(VENV)/mutants/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/outer.pth"
	@$(VENV)/mutants/bin/python -m pip install --quiet --disable-pip-version-check "cosmic-ray==8.7.*" "pytest-cov==7.*"
	@touch $@

pulumi-path: $(VENV)/.ready ## Print the path of the pulumi that is used
	@$(BIN)/python tools/get_pulumi.py

adobe-openapi: $(VENV)/.ready ## Download Adobe's API descriptions, which `make test` compares the emulator with
	@$(BIN)/python tools/adobe_openapi.py

lock: $(VENV)/.ready ## Renew requirements.lock from pyproject.toml
	@$(PYTHON) -m uv --version >/dev/null 2>&1 || { echo "Install uv first: pip install uv"; exit 1; }
	@$(PYTHON) -m uv pip compile pyproject.toml --extra emulator --group dev --universal --python-version 3.10 \
	  --generate-hashes --no-header --quiet --upgrade -o requirements.lock

clean: ## Remove what make made (not the cached Pulumi)
	@test ! -x $(BIN)/python || $(BIN)/python tools/stack.py stop-emulator
	@rm -rf $(VENV) .aep .adobe-openapi dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
