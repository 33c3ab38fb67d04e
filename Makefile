# Everything is installed into environments of this folder, on first use; nothing else on the machine is touched.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
LINTERS := $(VENV)/.linters
DEMO := .venv-demo
DEMO_INSTALLED := $(DEMO)/.installed
PIP := -m pip install --disable-pip-version-check
PYTEST := -m pytest -n 2 --dist loadfile

.DEFAULT_GOAL := help

.PHONY: help
help: ## Say what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 20

.PHONY: python
python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: pass it as PYTHON=python3.12, say.")'

$(INSTALLED): pyproject.toml | python
	@echo "Setting up $(VENV) with what the tests need (about 700 MB, some minutes) ..."
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python $(PIP) --editable ".[dev]"
	@touch $@

$(LINTERS): $(INSTALLED)
	@echo "Adding the linters and type checkers to $(VENV) ..."
	$(BIN)/python $(PIP) --quiet --editable ".[lint]"
	@touch $@

$(DEMO_INSTALLED): pyproject.toml | python
	@echo "Setting up $(DEMO) with what the demo needs (about 400 MB, a minute or two) ..."
	$(PYTHON) -m venv $(DEMO)
	$(DEMO)/bin/python $(PIP) --editable ".[demo]"
	@touch $@

.PHONY: install
install: $(INSTALLED) ## Set up .venv with what the tests need

.PHONY: demo
demo: $(DEMO_INSTALLED) ## Run two examples: on the sandbox without a key, on the real providers with one
	$(DEMO)/bin/python examples/quickstart.py
	$(DEMO)/bin/python examples/llama_index_retrieval.py

.PHONY: test
test: $(INSTALLED) ## Run the tests
	$(BIN)/python $(PYTEST)

.PHONY: test-interpreters
test-interpreters: ## Run the tests that can differ between Python versions, on the other supported ones found here
	@$(PYTHON) tools/interpreters.py --others | $(call each_python,test-interpreter)

.PHONY: test-interpreter
test-interpreter: $(INSTALLED)
	$(BIN)/python $(PYTEST) -m interpreter

.PHONY: test-all
test-all: ## Run all tests on every supported Python version found here
	@$(PYTHON) tools/interpreters.py | $(call each_python,test)

.PHONY: readme
readme: $(INSTALLED) ## Run the README's code, each block in an environment that has just the extra it names
	$(BIN)/python tools/readme_blocks.py

# Makes a target with each interpreter that is named on the input, in an environment of its version.
define each_python
while read -r python; do \
	version=$$("$$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])'); \
	echo "Python $$version"; \
	$(MAKE) --no-print-directory $(1) PYTHON="$$python" VENV=".venv-$$version" </dev/null || exit 1; \
done
endef

.PHONY: test-min
test-min: ## Run the tests with the oldest supported versions of the frameworks
	$(PYTHON) -m venv .venv-min
	.venv-min/bin/python $(PIP) --quiet --constraint tests/minimum.txt --editable ".[dev]"
	.venv-min/bin/python $(PYTEST)

.PHONY: coverage
coverage: $(INSTALLED) ## Run the tests and show which branches they miss
	$(BIN)/python $(PYTEST) --cov --cov-report term

CASES ?= 100000
SEED ?= $(shell date +%s)

.PHONY: fuzz
fuzz: $(INSTALLED) ## Feed the client 100,000 spoiled answers (CASES, SEED)
	@echo "seed: $(SEED)"
	FUZZ_CASES=$(CASES) $(BIN)/python -m pytest -n 2 --hypothesis-seed=$(SEED) tests/reliability/test_fuzz.py

.PHONY: soak
soak: $(INSTALLED) ## Make 2,000 calls, 64 at once, over three providers that fail in every way
	$(BIN)/python -m tests.reliability.soak --calls 2000

.PHONY: bench
bench: $(INSTALLED) ## Measure what calls cost, beside other clients (BENCH="--quick --only unary")
	$(BIN)/python -m benchmarks $(BENCH)

.PHONY: test-frameworks
test-frameworks: $(INSTALLED) ## Try other frameworks, each in an environment of its own (ONLY="crewai dspy"), and write docs/frameworks.md
	$(BIN)/python -m tests.frameworks $(ONLY)

LIVE ?= .live

.PHONY: live
live: $(INSTALLED) ## Make the documented calls with your own keys, keep them (LIVE=.live), and say what differs
	$(BIN)/python -m gemini_multi.cli doctor --record $(LIVE)

.PHONY: lint
lint: $(LINTERS) ## Check style and types
	@$(MAKE) --no-print-directory --keep-going --jobs=2 $(SYNCED) style mypy pyright

# Side by side, each by its name too. Where make can, what one says stays together.
SYNCED := $(if $(filter output-sync,$(.FEATURES)),--output-sync)

.PHONY: style
style: $(LINTERS)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

.PHONY: mypy
mypy: $(LINTERS)
	$(BIN)/mypy

.PHONY: pyright
pyright: $(LINTERS)
	$(BIN)/pyright --pythonpath $(BIN)/python

.PHONY: format
format: $(LINTERS) ## Put the style right
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: docs
docs: $(INSTALLED) ## Write the generated tables of the documents anew
	$(BIN)/python tools/catalog_table.py --write README.md
	$(BIN)/python -m tests.reliability.table --write docs/reliability.md

.PHONY: site
site: ## Build the documentation site in site/; a warning is an error
	$(PYTHON) -m venv .venv-site
	.venv-site/bin/python -m pip install --quiet --disable-pip-version-check --editable ".[docs,langchain,llama-index]"
	.venv-site/bin/python -m sphinx --fail-on-warning --keep-going --quiet --builder html docs site
	@echo "Open site/index.html"

.PHONY: clean
clean: ## Remove what was built
	rm -rf .venv .venv-* site .bench .frameworks build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage*
