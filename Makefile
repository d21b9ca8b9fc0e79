# Everything runs in .venv, made from requirements.lock; only Python 3.11 to 3.14 and make must be there.
PYTHON ?= $(shell for python in python3 python3.11 python3.12 python3.13 python3.14; do \
	$$python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null && \
	echo $$python && break; done)
BIN := .venv/bin
INSTALL := install --quiet --no-deps --require-hashes --requirement requirements.lock
SQL := models macros tests/dbt

.DEFAULT_GOAL := help
.PHONY: help setup demo test check lint fmt docs lock prices fuzz bench bench-growth

help:  ## Say what can be made
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 16

setup: .venv/.stamp  ## Make the environment

.venv/.stamp: requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "no Python 3.11 to 3.14 is here: name one, as in make setup PYTHON=FILE" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet uv && $(BIN)/uv pip $(INSTALL) --compile-bytecode || $(BIN)/python -m pip $(INSTALL)
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

demo: setup  ## Load the sample sessions, build every table, write CSV files and charts to out/
	@mkdir -p out
	rm -f out/tracelab.duckdb
	$(BIN)/tracelab --db out/tracelab.duckdb run tracelab/sample/home --out out --timezone UTC

test: setup  ## Run every test, in three processes: some wait for a disk or a browser
	$(BIN)/python -m pytest --numprocesses 3

check: lint test  ## Everything that must hold before a change goes in

lint: setup  ## Check style, types, SQL format and who imports whom
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/sqlfmt --check --no-progressbar $(SQL)
	$(BIN)/lint-imports --no-logo

fmt: setup  ## Format Python and SQL
	$(BIN)/ruff check --fix
	$(BIN)/ruff format
	$(BIN)/sqlfmt --no-progressbar $(SQL)

docs: setup  ## Write what is generated from code
	$(BIN)/python -m tracelab.sources > models/staging/_sources.yml
	$(BIN)/dbt --quiet parse && $(BIN)/python docs/reference.py target/manifest.json
	$(MAKE) --no-print-directory demo && $(BIN)/python docs/answers.py out/tracelab.duckdb
	$(BIN)/python docs/gallery.py out/tracelab.duckdb

lock:  ## Write requirements.lock anew from pyproject.toml
	$(BIN)/uv lock --quiet && $(BIN)/uv export --frozen --no-emit-project --all-groups --quiet --no-header --output-file requirements.lock
	@rm uv.lock

prices: setup  ## Write the price seeds anew from the genai-prices package
	$(BIN)/python seeds/update_model_prices.py

fuzz: setup  ## Read 50,000 damaged logs, others each time, where a test run reads 400; kill 20 builds, not 2
	TRACELAB_FUZZ_INPUTS=50000 TRACELAB_FUZZ_SEED=$$(date +%s) $(BIN)/python -m pytest tests/test_fuzz.py tests/test_faults.py

bench: setup  ## Time a load against the standard library's json, then every stage to tables, files and charts
	$(BIN)/python -m benchmarks.run
	$(BIN)/python -m benchmarks.history

bench-growth: setup  ## Time loads and builds of 1.4, 4.2 and 14 GB, and find what builds in 2 GB of memory
	$(BIN)/python -m benchmarks.growth
