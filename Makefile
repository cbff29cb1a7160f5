# Two commands are all anyone needs: `make demo` and `make test`.
# Both set up a virtual environment in .venv first (by uv where it is there, else by pip).

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

$(STAMP): pyproject.toml
	@if command -v uv >/dev/null 2>&1; then \
	  [ -x $(BIN)/python ] || uv venv --quiet --python $(PYTHON) $(VENV); \
	  uv pip install --quiet --python $(BIN)/python -e '.[test]'; \
	else \
	  [ -x $(BIN)/python ] || $(PYTHON) -m venv $(VENV); \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[test]'; \
	fi
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
