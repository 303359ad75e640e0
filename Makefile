# `make help` lists the targets.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8501

.DEFAULT_GOAL := help
.PHONY: help setup app test lint docs screenshots clean

help: ## List the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

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
	$(BIN)/python docs/take_screenshots.py

clean: ## Remove .venv and caches
	rm -rf $(VENV) site .mypy_cache .ruff_cache .pytest_cache
