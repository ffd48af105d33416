# The commands of the house; `make help` lists them. PYTHON says which Python makes the environment.
PYTHON ?= python3
VENV ?= .venv
ARGS ?=
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip -qq --disable-pip-version-check install

export PYTHONDONTWRITEBYTECODE :=  # where it is set, each of the tests' hundreds of processes compiles everything anew

.DEFAULT_GOAL := help
.PHONY: help run test check tables bench soak compat screenshots

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(VENV)/run.stamp ## Poolhouse on the demo's data, or on DATABASE_URL; prints a sign-in link (HOST, PORT)
	@exec $(BIN)/python -m gunicorn wsgi:app

test: $(VENV)/dev.stamp ## fetches what the tests need, then runs all of them (ARGS="-k words" for some)
	@$(BIN)/python -m tests.parts
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder $(ARGS)

check: $(VENV)/dev.stamp ## ruff, mypy --strict on dashboard/, import-linter
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

tables: $(VENV)/dev.stamp ## writes README's tables of settings and metrics again
	@$(BIN)/python -m tests.tables

bench: $(VENV)/dev.stamp .tools/bench/made.stamp ## the cost of watching, and the time of each page, as tables for BENCHMARKS.md
	@$(BIN)/python -m tests.benchmarks.overhead bare noop poolhouse otel
	@THREADS=8 $(BIN)/python -m tests.benchmarks.overhead bare noop poolhouse
	@$(BIN)/python -m tests.benchmarks.exhausted
	@$(BIN)/python -m tests.benchmarks.scrape
	@$(BIN)/python -m tests.benchmarks.own_pages
	@$(BIN)/python -m tests.benchmarks.pages
	@$(BIN)/python -m tests.benchmarks.browser
	@$(BIN)/python -m tests.benchmarks.viewers
	@$(BIN)/python -m tests.benchmarks.workspaces
	@$(BIN)/python -m tests.benchmarks.commits
	@$(BIN)/python -m tests.benchmarks.workers

screenshots: $(VENV)/dev.stamp ## every page in both themes and widths, and the journeys, as pictures in screenshots/
	@$(BIN)/python -m tests.parts
	SCREENSHOTS=$(CURDIR)/screenshots $(BIN)/python -m pytest -m screenshots $(ARGS)

soak: $(VENV)/dev.stamp .tools/scan/made.stamp ## the long trials, whole (make test has them in a short form)
	SOAK=1 $(BIN)/python -m pytest -m soak $(ARGS)

compat: $(VENV)/dev.stamp ## SQLAlchemy's own tests while it is watched; ours on SQLAlchemy 2.0 and another Python
	@$(BIN)/python -m tests.compat

$(VENV)/made.stamp:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Poolhouse needs Python 3.11 or newer; name one with: make PYTHON=python3.12 ..." >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
	  { echo "$(PYTHON) cannot make an environment; on Debian or Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@touch $@

$(VENV)/run.stamp: $(VENV)/made.stamp requirements.txt
	@echo "Installing requirements.txt into $(VENV)"
	@$(PIP) -r requirements.txt
	@touch $@

$(VENV)/dev.stamp: $(VENV)/made.stamp requirements.txt requirements-dev.txt
	@echo "Installing requirements-dev.txt into $(VENV)"
	@$(PIP) -r requirements-dev.txt
	@touch $@ $(VENV)/run.stamp

.tools/scan/made.stamp: tests/journeys/scanners.txt
	@echo "Installing tests/journeys/scanners.txt into .tools/scan"
	@$(PYTHON) -m venv .tools/scan
	@.tools/scan/bin/python -m pip -qq --disable-pip-version-check install -r tests/journeys/scanners.txt
	@touch $@

.tools/bench/made.stamp: tests/benchmarks/requirements.txt
	@echo "Installing tests/benchmarks/requirements.txt into .tools/bench"
	@$(PYTHON) -m venv .tools/bench
	@.tools/bench/bin/python -m pip -qq --disable-pip-version-check install -r tests/benchmarks/requirements.txt
	@touch $@
