# Two commands are all that a fresh machine needs: `make train` and `make test`.
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
.DEFAULT_GOAL := help

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

# The stamp is newer than what it was made from, or the set-up runs again.
$(VENV)/.ready: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "LSTM Lab needs Python 3.11 or newer")'
	test -x $(RUN) || $(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install --quiet --upgrade pip
	$(RUN) -m pip install --quiet torch==2.13.0
	$(RUN) -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@

setup: $(VENV)/.ready ## create .venv and install the tested versions
	@echo "activate it with:  source $(VENV)/bin/activate"

train: $(VENV)/.ready ## train the default LSTM on the airline series
	$(RUN) -m lstm_lab.train model=lstm data=airline

test: $(VENV)/.ready ## the default tests: no network, no GPU
	$(RUN) -m pytest -n 2 --dist loadgroup

test-all: $(VENV)/.ready ## the default tests, then those marked slow and ddp
	$(RUN) -m pytest -n 2 --dist loadgroup -m 'not gpu and not peers'

lint: $(VENV)/.ready ## ruff and the type checker
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy

ui: $(VENV)/.ready ## look at every run in MLflow
	$(RUN) -m lstm_lab.ui

sweep: $(VENV)/.ready ## search good settings for the airline LSTM
	$(RUN) -m lstm_lab.train -m search=lstm_airline

readme: $(VENV)/.ready ## write the table of figures of README.md from docs/recipes/
	$(RUN) benchmarks/recipes.py readme

bench: $(VENV)/.ready ## print the figures of the README: errors over five seeds, overhead, loading
	$(RUN) benchmarks/figures.py
	$(RUN) benchmarks/overhead.py
	$(RUN) benchmarks/loading.py

.PHONY: help setup train test test-all lint ui sweep readme bench
