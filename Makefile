# gonemaster: `make run` and `make test` set up what they need; both can be repeated.
# The distribution's Python is preferred: it is built with optimisation, a Python from pyenv often is not.
PYTHON ?= $(shell for p in /usr/bin/python3 python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$p" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null \
	&& { echo "$$p"; break; }; done)
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
TEST_WORKERS ?= 2
TESTS ?= tests
# Twice quiet: errors only, without the build backend's notes on editable installations.
QUIETLY := --quiet --quiet --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help setup run test lint format docs demo conformance clean

help: ## show the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

$(READY): setup.cfg pyproject.toml
	@test -n "$(PYTHON)" || { echo "make: no Python 3.11 to 3.14 with the venv module found;" \
		"on Debian: apt-get install python3 python3-venv" >&2; exit 1; }
	@test -x $(BIN)/python || "$(PYTHON)" -m venv $(VENV)
	@echo "installing into $(VENV), once; this takes some seconds to a minute"
	@$(BIN)/python -m pip install $(QUIETLY) --upgrade pip
	@$(BIN)/python -m pip install $(QUIETLY) -e '.[test,lint,flower]'
	@touch $(READY)

setup: $(READY) ## make the virtual environment and install everything

run: $(READY) ## the whole service on an embedded default: http://127.0.0.1:8080
	@GONEMASTER_DATA_DIR="$${GONEMASTER_DATA_DIR:-data}" $(BIN)/gonemaster-server

test: $(READY) ## all tests
	$(BIN)/python -m pytest -n $(TEST_WORKERS) --dist loadgroup $(TESTS)

lint: $(READY) ## ruff, mypy --strict, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(READY) ## let ruff format and mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(READY) ## write the reference pages that come from the registry
	$(BIN)/python docs/generate.py

demo: $(READY) ## the service against a bundled world of test domains, without Internet
	@$(BIN)/python deploy/demo/demo.py

conformance: $(READY) ## the official scenarios: make conformance TESTBED=DIR [ONLY=basic01,...]
	@$(BIN)/python tests/conformance.py "$(TESTBED)" $(if $(ONLY),--only $(ONLY))

clean: ## remove the virtual environment, caches and ./data
	rm -rf $(VENV) data build *.egg-info .mypy_cache .ruff_cache .import_linter_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
