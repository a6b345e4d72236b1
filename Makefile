# gonemaster: each target installs what it needs into one virtual environment, once; all of them can be repeated, in any order.
# The distribution's Python is preferred: it is built with optimisation, a Python from pyenv often is not.
PYTHON ?= $(shell for p in /usr/bin/python3 python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$p" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null \
	&& { echo "$$p"; break; }; done)
VENV ?= .venv
BIN := $(VENV)/bin
# What is installed: the service alone, with the tests, and with the linters.
SERVICE := $(VENV)/.service
READY := $(VENV)/.tests
LINTERS := $(VENV)/.linters
# Two for each core, as many tests wait for processes; beyond eight there are only more databases to start.
TEST_WORKERS ?= $(shell cores=$$(nproc 2>/dev/null || echo 2); echo $$((cores < 4 ? 2 * cores : 8)))
TESTS ?= tests
# What CI adds to `make test`: whole services, workers, browsers (make test THOROUGH=1).
MARKED := not slow and not twin$(if $(THOROUGH),, and not thorough)
RUN ?= $(BIN)/python
# What shows soonest that another version of Python or of a dependency does not fit: the whole service once, and what
# leans most on SQLAlchemy, Alembic, Flask, flask-smorest, marshmallow, Celery, kombu, redis and dnspython.
SOME_TESTS ?= tests/system/test_first_run.py tests/engine/run/test_run.py tests/tasks/worker/test_transport.py tests/tasks/recurrence/test_recurrence.py \
	tests/db/core/test_session.py tests/db/migrations/test_migrations.py tests/db/runs/test_graduation.py tests/db/runs/test_lists.py \
	tests/api/web/test_errors.py tests/api/v1/test_jobs.py tests/api/v1/test_batches.py tests/api/web/test_openapi.py tests/api/v1/test_settings.py \
	tests/api/v1/test_system.py tests/api/web/test_authentication.py tests/api/v1/test_metrics.py tests/api/analysis/test_kept_responses.py
# The oldest Python that is allowed, where this machine has one.
PYTHON311 ?= $(shell for p in python3.11 /usr/local/bin/python3 /usr/bin/python3; do \
	"$$p" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null && { echo "$$p"; break; }; done)
COMMA := ,
# Twice quiet: errors only, without the build backend's notes on editable installations.
QUIETLY := --quiet --quiet --disable-pip-version-check

# Where the environment forbids Python to keep what it compiled, each process of the service and of the tests compiles all
# of it anew: 0.1 s of CPU for a command, a quarter of a second for a worker, half a second for the API.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup screenshots run test test-long test-lowest test-newest test-py311 coverage lab lint format docs messages demo conformance memory deploy-check image audit sbom dist dist-check clean

help: ## show the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

# $(call install,DESCRIPTION,EXTRAS)
define install
	@echo "installing $(1) into $(VENV), once; this takes some seconds to a minute"
	@start=$$(date +%s); $(BIN)/python -m pip install $(QUIETLY) -e '.$(2)' \
		&& $(BIN)/python -m compileall -q gonemaster_engine gonemaster_db gonemaster_tasks gonemaster_api \
		&& echo "installed $(1) in $$(($$(date +%s) - start)) s; $(VENV) has $$(du -sm $(VENV) | cut -f 1) MB"
	@touch $@
endef

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "make: no Python 3.11 to 3.14 with the venv module found;" \
		"on Debian: apt-get install python3 python3-venv" >&2; exit 1; }
	@"$(PYTHON)" -m venv $(VENV)

$(SERVICE): setup.cfg pyproject.toml | $(BIN)/python
	$(call install,the service)

$(READY): setup.cfg pyproject.toml | $(SERVICE)
	$(call install,what the tests need,[test$(COMMA)flower$(COMMA)otel])

$(LINTERS): setup.cfg pyproject.toml | $(READY)
	$(call install,the linters,[lint])

setup: $(LINTERS) ## make the virtual environment and install everything

run: $(SERVICE) ## the whole service on an embedded default: http://127.0.0.1:8080
	@GONEMASTER_DATA_DIR="$${GONEMASTER_DATA_DIR:-data}" $(BIN)/gonemaster-server

test: $(READY) ## all tests but those that take long
	$(RUN) -m pytest -n $(TEST_WORKERS) --dist loadgroup -m "$(MARKED)" $(TESTS)

test-long: $(READY) ## what make test leaves out, and all examples of the properties
	GONEMASTER_EXAMPLES=all $(BIN)/python -m pytest -n $(TEST_WORKERS) --dist loadgroup -m "slow or thorough or twin or hypothesis" $(TESTS)

coverage: $(READY) ## make test with what CI adds, and the share of lines that it runs; fails below the floor in setup.cfg
	$(BIN)/coverage erase
	$(MAKE) test THOROUGH=1 RUN="$(BIN)/coverage run"
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

lab: $(READY) ## faults of hosts, networks and disks, as root: make lab [ONLY=Redis] [WRITE=1]; prints the table of benchmarks/RESULTS.md
	$(BIN)/python -m tests.distributed.lab --only "$(ONLY)" $(if $(WRITE),--write)

test-lowest: .venv-lowest/.ready ## some tests on the lowest versions of the dependencies that setup.cfg allows
	.venv-lowest/bin/python -m pytest -n $(TEST_WORKERS) --dist loadgroup -m "not twin" $(SOME_TESTS) tests/engine/dnssec/test_badkeys.py tests/system/test_flower.py tests/system/test_tracing.py

.venv-lowest/.ready: setup.cfg pyproject.toml .ci/lowest_versions.py
	@echo "installing the lowest versions into .venv-lowest"
	@rm -rf .venv-lowest
	@"$(PYTHON)" -m venv .venv-lowest
	@"$(PYTHON)" .ci/lowest_versions.py > .venv-lowest/constraints.txt
	@.venv-lowest/bin/python -m pip install $(QUIETLY) -e '.[test,flower,otel,dnssec-badkeys]' -c .venv-lowest/constraints.txt
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
test-py311: .venv-py311/.ready ## some tests on Python 3.11, where the machine has it; mypy takes each file as of 3.11 anyway
	.venv-py311/bin/python -m compileall -q gonemaster_engine gonemaster_db gonemaster_tasks gonemaster_api
	.venv-py311/bin/python -m pytest -n $(TEST_WORKERS) --dist loadgroup -m "not twin" -k "not postgres" $(SOME_TESTS)

.venv-py311/.ready: setup.cfg pyproject.toml
	@echo "installing for $(PYTHON311) into .venv-py311"
	@rm -rf .venv-py311
	@"$(PYTHON311)" -m venv .venv-py311
	@.venv-py311/bin/python -m pip install $(QUIETLY) -e '.[test,flower,otel]'
	@touch $@
endif

lint: $(LINTERS) ## ruff, djlint, mypy --strict, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/djlint --quiet --check --lint gonemaster_api/templates
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(LINTERS) ## format code and templates
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/djlint --quiet --warn --reformat gonemaster_api/templates

docs: $(SERVICE) ## write the reference pages that come from the registry
	$(BIN)/python docs/generate.py

messages: $(SERVICE) ## bring the catalogues of translations up to date with the texts: make messages [ADD=de]
	$(BIN)/python .ci/messages.py $(if $(ADD),--add "$(ADD)")

screenshots: $(READY) ## take the pictures of docs/guide, in Chromium: make screenshots [ONLY=queue,domains]
	@ONLY="$(ONLY)" $(BIN)/python docs/screenshots.py

demo: $(SERVICE) ## the service against a bundled world of test domains, without Internet
	@$(BIN)/python deploy/demo/demo.py

conformance: $(READY) ## the official scenarios: make conformance TESTBED=DIR [ONLY=basic01,...]
	@$(BIN)/python tests/conformance.py "$(TESTBED)" $(if $(ONLY),--only $(ONLY))

memory: $(READY) ## whether a worker's memory is level over 20,000 runs: make memory [RUNS=2000] [WORLD=DIR] [TRACE=1]
	@$(BIN)/python -m benchmarks.memory --runs "$(or $(RUNS),20000)" $(if $(WORLD),--world "$(WORLD)") $(if $(TRACE),--trace)

.venv-tools/.ready: .ci/tools.txt
	@echo "installing the tools of deploy-check, audit, sbom and dist into .venv-tools"
	@test -x .venv-tools/bin/python || "$(PYTHON)" -m venv .venv-tools
	@.venv-tools/bin/python -m pip install $(QUIETLY) -r .ci/tools.txt
	@touch $@

# What a user gets: the package and its dependencies at their newest allowed versions, without the tests' tools.
.venv-runtime/.ready: setup.cfg pyproject.toml
	@echo "installing the package alone into .venv-runtime"
	@rm -rf .venv-runtime
	@"$(PYTHON)" -m venv .venv-runtime
	@rm -rf build/lib build/bdist.*
	@.venv-runtime/bin/python -m pip install $(QUIETLY) '.[flower]'
	@.venv-runtime/bin/python -m pip uninstall --quiet --yes pip
	@touch $@

deploy-check: .venv-tools/.ready ## let systemd, nginx, Caddy, Compose, Helm and others read what is in deploy/
	@.venv-tools/bin/python deploy/check.py || { status=$$?; test $$status -eq 3; }

image: ## the container image, with docker, podman or buildah: make image [TAG=gonemaster:latest] [BASE=...]
	@deploy/image/build "$(or $(TAG),gonemaster:latest)" $(if $(BASE),--build-arg BASE="$(BASE)")

audit: .venv-tools/.ready .venv-runtime/.ready ## look the dependencies up among known vulnerabilities
	@.venv-tools/bin/python .ci/audit.py .venv-runtime

sbom: .venv-tools/.ready .venv-runtime/.ready ## the bill of materials in CycloneDX: build/sbom.cdx.json
	@.venv-tools/bin/python .ci/sbom.py .venv-runtime build/sbom.cdx.json

dist: .venv-tools/.ready ## wheel and sdist, in dist/
	@rm -rf dist build/lib build/bdist.*
	@SOURCE_DATE_EPOCH="$$(git log -1 --format=%ct 2>/dev/null || echo 315532800)" \
		.venv-tools/bin/python -m build --no-isolation --outdir dist . > dist.log 2>&1 || { cat dist.log; exit 1; }
	@rm -f dist.log; ls dist

dist-check: dist ## install the wheel into an empty environment and run what it ships
	@rm -rf .venv-dist && "$(PYTHON)" -m venv .venv-dist
	@.venv-dist/bin/python -m pip install $(QUIETLY) dist/*.whl
	@cd / && "$(CURDIR)/.venv-dist/bin/python" "$(CURDIR)/.ci/check_installed.py"

clean: ## remove the virtual environment, caches and ./data
	rm -rf $(VENV) .venv-lowest .venv-py311 .venv-tools .venv-runtime .venv-dist dist .coverage .coverage.* data build *.egg-info .mypy_cache .ruff_cache .import_linter_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
