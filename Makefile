# `make demo` and `make test` need nothing but Python and make; the first call makes .venv, later ones use it.
PYTHON ?= python3
BIN := .venv/bin
PYTEST := $(BIN)/python $(if $(MEASURED),-m coverage run) -m pytest
INSTALLED := .venv/.installed
DOCS_INSTALLED := .venv/.docs-installed

.PHONY: demo test test-all test-cuda coverage lint types bench dist docs clean

demo: $(INSTALLED)
	@$(BIN)/python examples/demo.py

test: lint types
	$(PYTEST) -n 2 --dist worksteal -m "not slow and not cuda"

test-all: lint types
	$(PYTEST) -n 2 --dist worksteal

test-cuda: $(INSTALLED)
	$(BIN)/python -m pytest tests/cuda -m cuda --fail-if-all-skip

# `make test`, measured from the first line of each process, those that tests start and fork too; and the tests beside
# plugins that isolated tests take account of, which have to be installed.
coverage: $(INSTALLED)
	rm -f .coverage .coverage.*
	$(MAKE) test MEASURED=yes
	$(BIN)/nox --session keeping
	$(BIN)/python -m coverage combine --quiet
	$(BIN)/python -m coverage report --fail-under 95

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(INSTALLED)
	$(BIN)/mypy

bench: $(INSTALLED)
	@code=0; for part in benchmarks benchmarks.guard benchmarks.isolation benchmarks.runpytest benchmarks.warm benchmarks.threads benchmarks.scan benchmarks.report benchmarks.five_ways; do \
		$(BIN)/python -m $$part || code=1; \
	done; exit $$code

# Into build/docs, anew, since much of it is made from the code. A warning, or a name that leads nowhere, is an error;
# nothing is fetched.
docs: $(DOCS_INSTALLED)
	$(BIN)/python -m sphinx -E -a -W --keep-going -n -q docs build/docs
	@echo build/docs/index.html

# The source distribution and the wheel, checked; then the demonstration with that wheel, in an environment of its own.
dist: $(INSTALLED)
	$(BIN)/nox --session dist

clean:
	rm -rf .venv .nox dist

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet "pip==26.2"
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --group dev --editable .
	@touch $@

$(DOCS_INSTALLED): $(INSTALLED)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --group docs
	@touch $@
