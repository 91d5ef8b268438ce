# twistedcam: 'make run' and 'make test' are all that a fresh clone needs.

PYTHON ?= python3
VENV ?= .venv
# Options for the server: make run ARGS='--camera webcam:0'
ARGS ?=
# What to test: make test TESTS=tests/wire
TESTS ?= tests

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: help run test lint check bench soak fuzz audit clean

help:  ## say what can be made
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 10

run: $(VENV)/.run  ## start the server (ARGS='--camera webcam:0')
	@exec $(BIN)/twistedcam serve $(ARGS)

test: lint check  ## style, types, import contracts, and all tests

check: $(VENV)/.test
	$(BIN)/python -m pytest $(TESTS)

lint: $(VENV)/.test  ## style, types and import contracts alone
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

bench: $(VENV)/.bench  ## this server beside its peers: table, JSON and plots (ARGS='--repeats 5')
	$(BIN)/python -m benchmarks $(ARGS)

clean:  ## forget the virtual environment and all caches
	rm -rf $(VENV) .cache .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis build *.egg-info

$(VENV)/bin/python:
	@$(PYTHON) tools/preflight.py run
	@echo "making a virtual environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.run: pyproject.toml setup.py tools/preflight.py | $(VENV)/bin/python
	@$(PYTHON) tools/preflight.py run
	@echo "installing twistedcam and what it needs"
	@$(PIP) --editable .
	@touch $@

$(VENV)/.test: pyproject.toml setup.py tools/preflight.py | $(VENV)/bin/python
	@$(PYTHON) tools/preflight.py test
	@echo "installing what the tests need"
	@$(PIP) --editable '.[test]'
	@$(PIP) --editable '.[tray]' || echo "no PyGObject: tests of the tray on a real panel are left out"
	@touch $(VENV)/.run $@

$(VENV)/.bench: $(VENV)/.run
	@$(PIP) --editable '.[bench]'
	@command -v ustreamer >/dev/null || echo "no peer to compare with: apt-get install ustreamer"
	@touch $@
