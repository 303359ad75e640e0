# `make help` lists the targets.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TOOLS := .venv-tools
SERVE := .venv-serve
PORT ?= 8501

.DEFAULT_GOAL := help
.PHONY: help setup app test lint docs screenshots lock audit serve-env kills clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

setup: $(VENV)/.ready ## Make .venv with all that the app and the tests need

# The stamp is as old as what was installed: a second call has nothing to do.
$(VENV)/.ready: requirements.txt requirements-dev.txt requirements-docs.txt pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(None if (3, 11) <= v <= (3, 13) else f"Python 3.11 to 3.13 is needed, not {v[0]}.{v[1]}. Name one: make setup PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --requirement requirements-dev.txt
	@touch $@

app: setup ## Serve the dashboard on the shipped checkpoints (PORT=8501)
	$(BIN)/streamlit run app --server.port $(PORT)

test: setup ## Run lint, types and all tests (browser tests need Chromium)
	$(MAKE) --no-print-directory lint
	$(BIN)/python -m pytest

lint: setup ## Check style, formatting and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

docs: setup ## Build the documentation site into site/; a warning is an error
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

screenshots: setup ## Take the README's screenshots of the running pages (needs Chromium)
	$(BIN)/python docs/take_screenshots.py $(ONLY)

$(TOOLS)/.ready: requirements-tools.txt
	$(PYTHON) -m venv $(TOOLS)
	$(TOOLS)/bin/pip install --quiet --requirement requirements-tools.txt
	@touch $@

lock: $(TOOLS)/.ready ## Write requirements-serve.txt: what serving needs, with hashes
	grep -v '^--editable' requirements.txt > $(TOOLS)/constraints.txt
	$(TOOLS)/bin/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras \
	    --no-annotate --no-header --no-emit-index-url --no-emit-find-links \
	    --constraint $(TOOLS)/constraints.txt --output-file requirements-serve.txt \
	    requirements-serve.in

audit: $(TOOLS)/.ready ## Look up known weaknesses of all packages (needs the net)
	@grep -v '^--editable' requirements.txt > $(TOOLS)/audited.txt
	@$(PYTHON) tools/audit.py $(TOOLS)/bin/pip-audit --requirement requirements-serve.txt --require-hashes --disable-pip
	@$(PYTHON) tools/audit.py $(TOOLS)/bin/pip-audit --requirement $(TOOLS)/audited.txt

serve-env: ## Make .venv-serve, which serves without torch in less than 500 MB, and test it
	rm -rf $(SERVE)
	$(PYTHON) -m venv $(SERVE)
	$(SERVE)/bin/pip install --quiet --no-compile --require-hashes --requirement requirements-serve.txt
	$(SERVE)/bin/pip install --quiet --no-compile --no-deps --no-build-isolation --editable .
	$(PYTHON) tools/slim.py $(SERVE) --most 500
	$(BIN)/python tools/check_serving.py $(SERVE)

kills: setup ## Kill commands at 100 random moments and look at what is left (minutes)
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/faults.py --kills 100

clean: ## Remove .venv and caches
	rm -rf $(VENV) $(TOOLS) $(SERVE) site .mypy_cache .ruff_cache .pytest_cache
