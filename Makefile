# The interpreter for .venv: the first one found that is new enough, or PYTHON=... on the command line.
PYTHON ?= $(shell .ci/interpreter)
# The versions `make test` wants to see; those not on this machine are reported as absent.
VERSIONS ?= 3.11 3.12 3.13
PYTEST_ARGS ?= -n 2
# What hardly depends on the version of Python runs on the default one only; `make test OTHER_ARGS=`
# runs all of it on each.
OTHER_ARGS ?= $(addprefix --ignore=tests/,tidy examples detection parity properties unit/latency \
	unit/oracles unit/reporting unit/simulators unit/test_hypothesis.py \
	unit/test_hypothesis_features.py)

bin := .venv/bin
default_version = $(shell $(bin)/python -c 'import sys; print("%d.%d" % sys.version_info[:2])')
other_versions = $(filter-out $(default_version),$(VERSIONS))

.PHONY: help venv demo test test-one lint format soak bench clean

help:
	@echo "make test      lint, then the test suite on every Python of $(VERSIONS) found here"
	@echo "make test-one  the test suite on the default interpreter"
	@echo "make lint      ruff, mypy, import-linter"
	@echo "make format    let ruff format and fix what it can"
	@echo "make demo      find, confirm and fix a planted bug in a hedged fraud check"
	@echo "make soak      the long searches"
	@echo "make bench     speed and bug-finding tables, against stock asyncio and other tools"
	@echo "make clean     remove virtual environments, caches and builds"

# One rule for every virtual environment: .venv, .venv-3.12, .venv-bench.
%/.stamp: EXTRAS = dev,examples
%/.stamp: pyproject.toml
	@test -n "$(PYTHON)" || { echo "spectest needs Python 3.11 or newer; none was found" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "spectest needs Python 3.11 or newer; $(PYTHON) is older" >&2; exit 1; }
	$(PYTHON) -m venv --clear $(@D)
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check -e '.[$(EXTRAS)]'
	@touch $@

venv: .venv/.stamp

demo: .venv/.stamp
	$(bin)/python -m examples.fraud_check.demo

test: lint test-one
	@PYTEST_ARGS="$(PYTEST_ARGS) $(OTHER_ARGS)" .ci/versions $(other_versions)

test-one: .venv/.stamp
	$(bin)/python -m pytest $(PYTEST_ARGS)

lint: .venv/.stamp
	$(bin)/ruff check .
	$(bin)/ruff format --check .
	$(bin)/mypy
	$(bin)/lint-imports --no-logo

format: .venv/.stamp
	$(bin)/ruff check --fix .
	$(bin)/ruff format .

soak: .venv/.stamp
	$(bin)/python -m pytest -m soak --timeout=0 $(PYTEST_ARGS)

# Some of the tools compared with bring a pytest plugin, so they stay out of the tests' environment;
# several need Python 3.12.
.venv-bench/.stamp: EXTRAS = dev,bench
.venv-bench/.stamp: PYTHON = $(shell .ci/interpreter 3.13 3.12 3.11)
bench: .venv-bench/.stamp
	.venv-bench/bin/python -m benchmarks

clean:
	rm -rf .venv .venv-* build dist htmlcov .coverage .coverage.*
	rm -rf .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
