# Two commands are all anyone needs: `make demo` and `make test`.
# Both set up a virtual environment in .venv first.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.dh2o-test-extra

.PHONY: demo test test-slow setup lint types layers clean help

help:
	@echo "make demo    load real flights data, look at it, train, judge, score (about a minute)"
	@echo "make test    the whole test suite"
	@echo "make test-slow    what takes minutes, such as twenty kills in a row"
	@echo "make lint types layers    the checks that CI runs before the tests"

setup: $(STAMP)

# uv resolves and unpacks in seconds what takes pip minutes; pip does it where uv cannot.
# Bytecode is compiled once, here: tests start many processes.
$(STAMP): pyproject.toml
	@[ -x $(BIN)/python ] || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv && \
	  $(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python -e '.[test]' || \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[test]'
	@touch $@

demo: setup
	@$(BIN)/dh2o demo

# Two processes, whatever the machine has: each starts an engine and a cluster of its own.
test: setup
	$(BIN)/python -m pytest -n 2 --dist loadfile

test-slow: setup
	$(BIN)/python -m pytest -m slow

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup
	$(BIN)/mypy

layers: setup
	$(BIN)/lint-imports

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache
