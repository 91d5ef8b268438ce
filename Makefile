# twistedcam: a fresh clone needs only 'make run' and 'make test'.

PYTHON ?= python3
VENV ?= .venv
# Options for the server: make run ARGS='--camera webcam:0'
ARGS ?=
# The tests to run: make test TESTS=tests/wire
TESTS ?= tests
# The number of processes that run tests in parallel: make test JOBS=4
JOBS ?= 4
SOAK_SECONDS ?= 3600
FUZZ_SECONDS ?= 60
FUZZ_CASES ?= 2000
FUZZED := tests/fuzz tests/wire tests/rtsp tests/servers/control/test_line_format.py tests/servers/control/test_telnet.py tests/media/test_jpeg.py \
  tests/sources/test_multipart.py tests/clients/frames/test_session.py tests/servers/rtsp

# The versions that tests run with: make test LOCK=requirements/lowest.txt, or newest.txt
LOCK ?= requirements/test.txt
# When another file of versions was used before, the packages are installed again.
TESTED := $(VENV)/.test-$(basename $(notdir $(LOCK)))
# Interpreters for make smoke; those that are not installed are skipped
PYTHONS ?= 3.11 3.12 3.13

BIN := $(VENV)/bin
PYTEST := pytest --numprocesses $(JOBS) --dist worksteal
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: help run test lint check smoke coverage docs bench soak fuzz kernel-test audit lock release deb deb-test clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 13

run: $(VENV)/.run  ## start the server (ARGS='--camera webcam:0')
	@exec $(BIN)/twistedcam serve $(ARGS)

# Style and types are checked with one set of tools and packages only.
test: $(if $(filter %/test.txt,$(LOCK)),lint) check  ## style, types, import contracts, and all tests (TESTS=tests/wire JOBS=4)

check: $(TESTED)
	$(BIN)/python -m $(PYTEST) $(TESTS)

smoke:  ## a short test with each installed Python, with the newest and the lowest versions of packages (PYTHONS=3.13)
	@$(PYTHON) tools/smoke.py $(PYTHONS)

coverage: $(TESTED)  ## run all tests, and list the lines and branches that no test reaches
	$(BIN)/coverage erase
	$(BIN)/coverage run -m $(PYTEST) $(TESTS)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report --skip-covered --show-missing

lint: $(TESTED)  ## only style, types, import contracts, and words of the documents
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m tools.prose

docs: $(VENV)/.docs  ## build the documentation as a web site in site/, and check that it loads nothing from other sites
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict
	$(BIN)/python -m tools.docs_site check site

bench: $(VENV)/.bench  ## compare this server with others: table, JSON and plots (ARGS='--repeats 5')
	$(BIN)/python -m benchmarks $(ARGS)

soak: $(TESTED)  ## an hour of changing viewers, an hour of lost servers, then a check of memory and other resources (SOAK_SECONDS=60)
	$(BIN)/python -m tests.soak --seconds $(SOAK_SECONDS) $(ARGS)
	$(BIN)/python -m tests.soak.viewers --seconds $(SOAK_SECONDS)

fuzz: $(VENV)/.fuzz  ## fuzz codecs and parsers, guided by coverage and by hypothesis (FUZZ_SECONDS=60)
	for each in frames pictures headers commands rtsp; do $(BIN)/python -m tests.fuzz $$each --seconds $(FUZZ_SECONDS) || exit; done
	FUZZ_CASES=$(FUZZ_CASES) $(BIN)/python -m $(PYTEST) $(FUZZED)

kernel-test: $(TESTED)  ## test the webcam code with the test driver of the Linux kernel, in a virtual machine
	$(BIN)/python -m tests.kernel $(ARGS)

audit: $(VENV)/.run  ## search installed packages for known vulnerabilities with pip-audit (uses the network)
	@$(PYTHON) tools/audit.py $(VENV)

lock: $(TESTED) $(VENV)/.bench $(VENV)/.docs $(VENV)/.fuzz  ## write requirements/test.txt from the installed packages
	@{ sed -n '/^#/p' requirements/test.txt; $(BIN)/python -m pip freeze --exclude-editable \
	  | grep -E '^[A-Za-z0-9_.-]+==' | grep -viE '^(atheris|pygobject|pycairo)=' \
	  | LC_ALL=C sort -f -t= -k1,1; } > .lock
	@mv .lock requirements/test.txt

release: $(VENV)/.release  ## build sdist and wheel twice, compare and check them: dist/ with checksums, list of packages, notes
	@$(BIN)/python tools/release.py dist

deb:  ## build a package for this release of Debian: dist/twistedcam_VERSION_ARCHITECTURE.deb
	@packaging/debian/build dist

deb-test:  ## build, install and start it in clean systems of Debian 12 and 13 (uses debootstrap, as root)
	@packaging/debian/check

clean:  ## delete the virtual environment and all caches
	rm -rf $(VENV) site .cache .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis build *.egg-info

$(VENV)/bin/python:
	@$(PYTHON) tools/preflight.py run
	@echo "making a virtual environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.run: pyproject.toml setup.py tools/preflight.py | $(VENV)/bin/python
	@$(PYTHON) tools/preflight.py run
	@echo "installing twistedcam and what it needs"
	@$(PIP) --editable '.[prompt]'
	@touch $@

$(TESTED): $(LOCK) pyproject.toml setup.py tools/preflight.py tools/browser_parts.py | $(VENV)/bin/python
	@$(PYTHON) tools/preflight.py test
	@echo "installing what the tests need"
	@rm -f $(VENV)/.test-*
	@$(PIP) --upgrade --upgrade-strategy eager --constraint $(LOCK) --editable '.[test]'
	@$(BIN)/python tools/browser_parts.py $(VENV)/share/twistedcam-tests
	@$(PIP) --editable '.[tray]' || echo "no PyGObject: tests of the tray on a real panel are left out"
	@touch $(VENV)/.run $@

$(VENV)/.fuzz: $(TESTED)
	@$(PIP) --editable '.[fuzz]'
	@touch $@

$(VENV)/.docs: $(VENV)/.run
	@$(PIP) --constraint requirements/test.txt --editable '.[docs]'
	@touch $@

$(VENV)/.release: $(VENV)/.run
	@$(PIP) --editable '.[release]'
	@touch $@

$(VENV)/.bench: $(VENV)/.run
	@$(PIP) --editable '.[bench]'
	@command -v ustreamer >/dev/null || echo "no peer to compare with: apt-get install ustreamer"
	@touch $@
