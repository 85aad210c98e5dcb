# Every target makes the environment it needs first, once. `make` alone lists the targets.
.DEFAULT_GOAL := help
.PHONY: reads help setup demo test oldest browser check docs dist format workflows bench late lock clean cluster
MAKEFLAGS += --no-print-directory

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
ARGS ?=
TESTS ?= -n auto --dist worksteal
# Tests write tens of thousands of small files, and wait for the disk to have them: in memory, where there is room.
IN_MEMORY ?= $(shell test -w /dev/shm && test "$$(df -kP /dev/shm | awk 'END { print $$4 }')" -gt 4000000 \
	&& ! grep -qE '^[^ ]+ /dev/shm .*noexec' /proc/mounts && echo /dev/shm)

# The first of these that is new enough and can make a virtual environment; `make PYTHON=… setup` overrides it.
PYTHON ?= $(shell for python in python3.11 python3.12 python3.13 python3 python; do \
	$$python -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$python; break; }; done)

help: ## List the targets
	@echo "Usage: make TARGET"; echo
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "%-10s %s\n", $$1, $$2 }'

setup: $(READY) ## Install everything into .venv, in the versions of requirements/lock.txt

$(READY): requirements/lock.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "error: found no Python 3.11 or newer with the venv module;" \
		"install one (on Debian: python3 and python3-venv), or name it: make PYTHON=/path/to/python setup" >&2; exit 1; }
	@echo "==> Making a virtual environment in $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv --clear $(VENV)
	@echo "==> Installing $$(grep -c '==' requirements/lock.txt) pinned packages from requirements/lock.txt (a minute or two)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/lock.txt
	@echo "==> Installing jetstream-argo itself, editable"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@
	@echo "==> Ready: $(BIN)/jetstream-argo --help"

demo: $(READY) ## Make synthetic telemetry and analyse an experiment on it; again: only what is missing
	@echo "==> Running the demo experiment on this machine: telemetry, plan, every node, results"
	@$(BIN)/jetstream-argo demo $(ARGS)

test: $(READY) ## Run the tests; `make test ARGS='-k windows'` runs some
	@echo "==> Running the tests"
	@$(if $(IN_MEMORY),TMPDIR=$(IN_MEMORY)) $(BIN)/pytest $(TESTS) $(ARGS)

# The oldest Python that is promised is 3.11.0; Debian 12 has 3.11.2. It reads the packages of .venv, which are for any 3.11.
OLDEST ?= $(shell for python in /usr/bin/python3.11 /usr/bin/python3 /usr/local/bin/python3.11 $$(command -v python3.11); do \
	$$python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 11, 4))' 2>/dev/null && { echo $$python; break; }; done)

oldest: $(READY) ## Run the tests of doors on Python 3.11.0 to 3.11.3, if there is one
	@if [ -z "$(OLDEST)" ]; then \
		echo "==> No Python 3.11.0 to 3.11.3 here (Debian 12 has one): the tests of doors were NOT run on it"; \
	elif ! [ -d $(VENV)/lib/python3.11 ]; then \
		echo "==> $(VENV) is of another Python than 3.11: the tests of doors were NOT run on $(OLDEST)"; \
	else \
		echo "==> Running the tests of doors on $$($(OLDEST) --version)"; \
		PYTHONPATH="$(CURDIR):$(CURDIR)/$(VENV)/lib/python3.11/site-packages" $(OLDEST) -m pytest -q -p no:cacheprovider tests/doors $(ARGS); \
	fi

CHROMIUM ?= chromium
browser: $(READY) ## Look at result pages in Chromium: the tests of the page, and pictures in build/pages
	@JETSTREAM_TEST_BROWSER=$(CHROMIUM) $(BIN)/pytest -q tests/report/page/test_in_browser.py
	@JETSTREAM_TEST_BROWSER=$(CHROMIUM) $(BIN)/python -m tests.report.page.screenshots build/pages $(ARGS)

check: $(READY) ## Check style, formatting, types and which room imports which
	@echo "==> ruff check"; $(BIN)/ruff check .
	@echo "==> ruff format --check"; $(BIN)/ruff format --check .
	@echo "==> mypy --strict"; $(BIN)/mypy
	@echo "==> import contracts"; $(BIN)/lint-imports

docs: $(READY) ## Build the documentation into site/; a dead link is an error
	@echo "==> mkdocs build --strict"; NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet --strict
	@echo "==> Built site/index.html"

dist: $(READY) ## Build wheel and sdist into dist/, install the wheel into nothing, and run the demo from it
	@echo "==> hatchling build"; rm -rf dist; $(BIN)/python -m hatchling build
	@echo "==> Checking what is in dist/"; $(BIN)/python -m tests.distribution.check dist

format: $(READY) ## Format the code and fix what can be fixed by itself
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

workflows: $(READY) ## Emit the examples in workflows/ anew, after a change of planning
	@$(BIN)/python workflows/regenerate.py

signatures: $(READY) ## Ask ZetaSQL anew about the embedded engine's signatures, and print their list into docs/
	@$(BIN)/python -m tests.warehouse.signatures.ask $(ARGS)
	@$(BIN)/python -m jetstream_argo.warehouse.duckdb.signatures.listing > docs/signatures.md

bench: $(READY) ## Measure partition-days and time against direct window queries
	@echo "==> Running benchmarks/scan.py"
	@$(BIN)/python benchmarks/scan.py $(ARGS)

reads: $(READY) ## Count how often each statement of the real configurations reads each table
	@$(BIN)/python -m benchmarks.reads $(ARGS)

late: $(READY) ## Try late telemetry, lost tables and kills: random schedules, and the rules by themselves
	@echo "==> Running benchmarks/late.py"
	@$(BIN)/python -m benchmarks.late $(ARGS)

# Not part of .ci/run: Kubernetes and Argo are built from their Go modules, a quarter of an hour without a cache.
CLUSTER ?= /tmp/jetstream-cluster
cluster: $(READY) ## Try Workflows on Argo's own controller (needs Go, etcd, openssl and root; builds for 15 minutes, once)
	@for tool in go etcd openssl; do command -v $$tool > /dev/null || { echo "error: make cluster needs $$tool" >&2; exit 1; }; done
	@echo "==> Running the tests marked cluster on a control plane in $(CLUSTER)"
	@tests/argo/cluster/run.sh $(CLUSTER) $(ARGS)

# The build backend (and editables, which it asks for late) is pinned along with the rest: installing the package itself
# must not fetch anything unpinned.
COMPILE = printf 'hatchling\neditables\n' | $(BIN)/uv pip compile pyproject.toml - --universal --python-version 3.11 --generate-hashes \
	--no-header --no-annotate --no-emit-index-url --quiet
lock: $(READY) ## Resolve the dependencies anew into requirements/*.txt (`ARGS=--upgrade` for newer ones)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@echo "==> requirements/lock.txt: everything, for work on the project"
	@$(COMPILE) --all-extras --group dev $(ARGS) --output-file requirements/lock.txt
	@echo "==> requirements/runtime.txt: what pods need"
	@$(COMPILE) --extra argo --extra bigquery $(ARGS) --output-file requirements/runtime.txt

clean: ## Remove the environment, caches and the demo's data
	@echo "==> Removing .venv, caches, build/, dist/, site/ and .jetstream/"
	@rm -rf $(VENV) .jetstream build dist site .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
