# The two commands a newcomer needs: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: setup setup-dev demo test check format crash chaos soak bench clean

$(VENV)/.runtime: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Hilferuf needs Python 3.11 or newer; this is $$($(PYTHON) -V). Say PYTHON=/path/to/python3.11 make …"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

setup: $(VENV)/.runtime
setup-dev: $(VENV)/.dev

demo: setup
	@$(BIN)/hilferuf demo

check: setup-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Most tests wait for servers: two files at a time, each process with servers of its own.
test: check
	$(BIN)/python -m pytest -n $${TEST_PROCESSES:-2} --dist loadfile

format: setup-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

crash: setup-dev
	HILFERUF_CRASH_ROUNDS=$${ROUNDS:-60} $(BIN)/python -m pytest tests/crash -q --timeout 3600

chaos: setup-dev
	HILFERUF_CHAOS_ROUNDS=$${ROUNDS:-60} HILFERUF_CHURN_SECONDS=$${CHURN:-300} $(BIN)/python -m pytest tests/chaos -q -s --timeout 7200
	$(BIN)/python -m pytest tests/chaos/stalls.py -q -s --timeout 7200

soak: setup-dev
	HILFERUF_SOAK_SECONDS=$${SECONDS_OF_SOAK:-1800} $(BIN)/python -m pytest tests/chaos/soak.py -q -s --timeout 7200

bench: setup-dev
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
