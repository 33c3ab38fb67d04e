# Everything is installed into .venv, on first use; nothing else on the machine is touched.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
PACKAGES := gemini_multi langchain_gemini_multi llama_index_gemini_multi

.DEFAULT_GOAL := help

.PHONY: help
help: ## Say what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

$(INSTALLED): pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[dev]"
	@touch $@

.PHONY: install
install: $(INSTALLED) ## Set up .venv with all that is needed

.PHONY: demo
demo: $(INSTALLED) ## Run two examples: on the sandbox without a key, on the real hosts with one
	$(BIN)/python examples/quickstart.py
	$(BIN)/python examples/llama_index_retrieval.py

.PHONY: test
test: $(INSTALLED) ## Run the tests
	$(BIN)/python -m pytest -n 2 --dist loadfile

.PHONY: test-min
test-min: ## Run the tests with the oldest supported versions of the frameworks
	$(PYTHON) -m venv .venv-min
	.venv-min/bin/python -m pip install --quiet --disable-pip-version-check --constraint tests/minimum.txt --editable ".[dev]"
	.venv-min/bin/python -m pytest -n 2 --dist loadfile

.PHONY: coverage
coverage: $(INSTALLED) ## Run the tests and show which branches they miss
	$(BIN)/python -m pytest -n 2 --dist loadfile --cov --cov-report term

CASES ?= 100000
SEED ?= $(shell date +%s)

.PHONY: fuzz
fuzz: $(INSTALLED) ## Feed the client 100,000 spoiled answers (CASES, SEED)
	@echo "seed: $(SEED)"
	FUZZ_CASES=$(CASES) $(BIN)/python -m pytest -n 2 --hypothesis-seed=$(SEED) tests/reliability/test_fuzz.py

.PHONY: soak
soak: $(INSTALLED) ## Make 2,000 calls, 64 at once, over three hosts that fail in every way
	$(BIN)/python -m tests.reliability.soak --calls 2000

.PHONY: bench
bench: $(INSTALLED) ## Measure what calls cost, beside other clients (BENCH="--quick --only unary")
	$(BIN)/python -m benchmarks $(BENCH)

.PHONY: lint
lint: $(INSTALLED) ## Check style and types
	@$(MAKE) --no-print-directory --keep-going --jobs=2 $(SYNCED) style mypy pyright

# Side by side, each by its name too. Where make can, what one says stays together.
SYNCED := $(if $(filter output-sync,$(.FEATURES)),--output-sync)

.PHONY: style
style: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

.PHONY: mypy
mypy: $(INSTALLED)
	$(BIN)/mypy

.PHONY: pyright
pyright: $(INSTALLED)
	$(BIN)/pyright --pythonpath $(BIN)/python

.PHONY: format
format: $(INSTALLED) ## Put the style right
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
	rm -rf $(VENV) .venv-min .venv-site site .bench build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage*
