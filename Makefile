# Each target sets up what it needs: a virtual environment with pinned versions.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
ROOT ?= .
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.DEFAULT_GOAL := help
.PHONY: help demo test test-fast test-long coverage corpus kill lint docs lane-guard promote-analyze promote-dry promote-apply \
	differential bench bench-check bench-moves bench-growth guard clean

help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 18

# The stamps stand for what is installed; they are older than what they were made from if it changed.
$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) --editable .
	@touch $@

$(VENV)/.installed-test: $(VENV)/.installed
	$(INSTALL) --editable '.[test,distributed]'
	@touch $@

$(VENV)/.installed-bench: $(VENV)/.installed
	$(INSTALL) --editable '.[bench]'
	@touch $@

# The fixture's gates run pytest.
$(VENV)/.installed-demo: $(VENV)/.installed
	$(INSTALL) pytest
	@touch $@

demo: $(VENV)/.installed-demo ## Build the fixture, check it, plan it, and promote a module in it
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python -m fixtures.demo build/demo

test: $(VENV)/.installed-test ## The test suite, but for what takes long
	$(BIN)/python -m pytest --numprocesses auto -m 'not long and not corpus'

test-long: $(VENV)/.installed-test ## The rest of it: browsers, clusters, kills, full disks, other linters, docs
	$(BIN)/python -m pytest --numprocesses auto -m long

coverage: $(VENV)/.installed-test ## Both with coverage
	$(BIN)/python -m pytest --numprocesses auto --cov --cov-report=term:skip-covered -m 'not corpus'

test-fast: $(VENV)/.installed-test ## The tests that take no more than a few seconds each
	$(BIN)/python -m pytest -m 'not slow and not long and not corpus'

corpus: $(VENV)/.installed-test ## Compare with whole-module parsing and grimp on large packages
	$(BIN)/python -m tests.corpus.install build/corpus
	$(BIN)/python -m pytest -m corpus

kill: $(VENV)/.installed-test ## Kill runs of twenty steps at every boundary, and go on (hours)
	$(BIN)/python -m tests.executor.kill_driver --random 70

differential: $(VENV)/.installed-test ## Edit the fixture 500 times; all ways to its graph have to agree (an hour)
	$(BIN)/python -m tests.scan.differential --edits 500

lint: $(VENV)/.installed-test ## Style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: $(VENV)/.installed ## Write docs/reference from the code
	$(BIN)/python -m tools.reference

lane-guard: $(VENV)/.installed ## Hold the repository at ROOT to its own lanes
	$(BIN)/lane-planner check --root $(ROOT) --cycles

promote-analyze: $(VENV)/.installed ## Analyse the promotion of MODULE to TARGET in ROOT
	$(BIN)/lane-planner promote '$(MODULE)' '$(TARGET)' --root '$(ROOT)' --analyze-only

promote-dry: $(VENV)/.installed ## Show what promoting MODULE to TARGET in ROOT would change
	$(BIN)/lane-planner promote '$(MODULE)' '$(TARGET)' --root '$(ROOT)'

promote-apply: $(VENV)/.installed ## Promote MODULE to TARGET in ROOT, on a branch of its own
	$(BIN)/lane-planner promote '$(MODULE)' '$(TARGET)' --root '$(ROOT)' --apply

bench: bench-check bench-moves bench-growth ## All that is timed beside other tools and larger fixtures (an hour, 2 GB)

bench-check: $(VENV)/.installed-bench ## Time check and plan as whole processes, check beside its peers (ten minutes)
	$(BIN)/python -m benchmarks.run build/bench

bench-growth: $(VENV)/.installed-bench ## Time check and plan on up to 100,000 files (half an hour, 2 GB)
	$(BIN)/python -m benchmarks.growth build/bench

bench-moves: $(VENV)/.installed-bench ## Time one package's move beside rope's (some minutes)
	$(BIN)/python -m benchmarks.moves build/bench

guard: $(VENV)/.installed ## Fail if it takes 15 % more instructions than the commit BASE, by default the one before
	$(BIN)/python -m benchmarks.guard build/guard $(if $(BASE),--base '$(BASE)')

clean: ## Remove what the targets made
	rm -rf $(VENV) build
