# gonemaster: `make run` and `make test` set up what they need; both can be repeated.
# The distribution's Python is preferred: it is built with optimisation, a Python from pyenv often is not.
PYTHON ?= $(shell for p in /usr/bin/python3 python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$p" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null \
	&& { echo "$$p"; break; }; done)
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# Two for each core, as many tests wait for processes; beyond eight there are only more databases to start.
TEST_WORKERS ?= $(shell cores=$$(nproc 2>/dev/null || echo 2); echo $$((cores < 4 ? 2 * cores : 8)))
TESTS ?= tests
# What shows soonest that another version of Python or of a dependency does not fit.
SOME_TESTS ?= tests/system/test_first_run.py tests/api tests/db tests/tasks/test_transport.py tests/engine/test_run.py \
	--deselect tests/api/test_schemathesis.py
# The oldest Python that is allowed, where this machine has one.
PYTHON311 ?= $(shell for p in python3.11 /usr/local/bin/python3 /usr/bin/python3; do \
	"$$p" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null && { echo "$$p"; break; }; done)
# Twice quiet: errors only, without the build backend's notes on editable installations.
QUIETLY := --quiet --quiet --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help setup run test test-long test-lowest test-newest test-py311 coverage lint format docs demo conformance clean

help: ## show the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

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

test: $(READY) ## all tests but those that take long
	$(BIN)/python -m pytest -n $(TEST_WORKERS) --dist loadgroup -m "not slow" $(TESTS)

test-long: $(READY) ## the tests that take long
	$(BIN)/python -m pytest -n $(TEST_WORKERS) --dist loadgroup -m slow $(TESTS)

coverage: $(READY) ## all tests, and the share of lines that they run; fails below the floor in setup.cfg
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -n $(TEST_WORKERS) --dist loadgroup $(TESTS)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

test-lowest: .venv-lowest/.ready ## some tests on the lowest versions of the dependencies that setup.cfg allows
	.venv-lowest/bin/python -m pytest -n $(TEST_WORKERS) --dist loadgroup $(SOME_TESTS) tests/engine/test_badkeys.py tests/system/test_flower.py

.venv-lowest/.ready: setup.cfg pyproject.toml .ci/lowest_versions.py
	@echo "installing the lowest versions into .venv-lowest"
	@rm -rf .venv-lowest
	@"$(PYTHON)" -m venv .venv-lowest
	@"$(PYTHON)" .ci/lowest_versions.py > .venv-lowest/constraints.txt
	@.venv-lowest/bin/python -m pip install $(QUIETLY) -e '.[test,flower,dnssec-badkeys]' -c .venv-lowest/constraints.txt
	@touch $@

test-newest: .venv-newest/.ready ## tests of the queue on the newest Celery and kombu, whatever setup.cfg allows; for a nightly job
	.venv-newest/bin/python -m pip install $(QUIETLY) --upgrade celery kombu
	.venv-newest/bin/python -m pip list | grep -iE '^(celery|kombu|redis|celery-redbeat) '
	.venv-newest/bin/python -m pytest -n $(TEST_WORKERS) --dist loadgroup tests/tasks

.venv-newest/.ready: setup.cfg pyproject.toml
	@echo "installing into .venv-newest"
	@rm -rf .venv-newest
	@"$(PYTHON)" -m venv .venv-newest
	@.venv-newest/bin/python -m pip install $(QUIETLY) -e '.[test,flower]'
	@touch $@

ifeq ($(PYTHON311),)
test-py311:
	@echo "make: NOT RUN: no Python 3.11 with the venv module on this machine; PYTHON311=/path/to/python names one"
else
test-py311: .venv-py311/.ready ## some tests and mypy on Python 3.11, where the machine has it
	.venv-py311/bin/python -m compileall -q gonemaster_engine gonemaster_db gonemaster_tasks gonemaster_api
	.venv-py311/bin/mypy
	.venv-py311/bin/python -m pytest -n $(TEST_WORKERS) --dist loadgroup -k "not postgres" $(SOME_TESTS)

.venv-py311/.ready: setup.cfg pyproject.toml
	@echo "installing for $(PYTHON311) into .venv-py311"
	@rm -rf .venv-py311
	@"$(PYTHON311)" -m venv .venv-py311
	@.venv-py311/bin/python -m pip install $(QUIETLY) -e '.[test,lint,flower]'
	@touch $@
endif

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
	rm -rf $(VENV) .venv-lowest .venv-py311 .coverage .coverage.* data build *.egg-info .mypy_cache .ruff_cache .import_linter_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
