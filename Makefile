# On a fresh machine with python3 >= 3.11: `make lecture`, `make test`.
PYTHON ?= python3
ifeq ($(OS),Windows_NT)
BIN := .venv/Scripts
else
BIN := .venv/bin
endif
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile

.PHONY: lecture test check html test-peers benchmark format docs clean

lecture: .venv/lecture.stamp  ## the lecture's experiment, and what lies beyond it
	$(BIN)/chainrule lecture

test: check html  ## lint, types, floors, tests, the README's and the docs' code, the docs
	$(BIN)/python -m pytest -n auto --dist worksteal tests src
	$(BIN)/python -m pytest README.md docs  # in their order: a block goes on from those before it

check: .venv/test.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

html: .venv/test.stamp
	$(BIN)/python -m sphinx -b html -W --keep-going -q docs docs/_build/html

test-peers: .venv/peers.stamp  ## chainrule against PyTorch, which is large
	$(BIN)/python -m pytest -n auto tests/peers

benchmark: .venv/bench.stamp  ## chainrule beside its peers, in time and memory: some 20 minutes
	$(BIN)/python -m benchmarks
	$(BIN)/python -m benchmarks.estimators

format: .venv/test.stamp
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: html
	@echo "open docs/_build/html/index.html"

clean:
	rm -rf .venv build dist lecture docs/_build docs/_generated docs/lecture.md .pytest_cache .mypy_cache \
		.ruff_cache .hypothesis .import_linter_cache

.venv/python.stamp:
	$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11) and 'chainrule needs Python 3.11 or newer')"
	$(PYTHON) -m venv .venv
	@touch $@

.venv/lecture.stamp: .venv/python.stamp pyproject.toml
	$(PIP) -e '.[cli,plots]'
	@touch $@

.venv/test.stamp: .venv/python.stamp pyproject.toml
	$(PIP) -e '.[test]'
	@touch $@

.venv/peers.stamp: .venv/test.stamp
	$(PIP) torch==2.13.0
	$(PIP) -e '.[peers]'
	@touch $@

.venv/bench.stamp: .venv/peers.stamp
	$(PIP) -e '.[bench]'
	@touch $@
