# The verbs of this repository. CI calls `make test` and nothing else.
#
#   make demo   set everything up and run the main job on embedded defaults
#   make test   set everything up and run all checks, trap scenarios and tests
#   make dev    the Dagster UI on a workspace      (WORKSPACE=workspace)
#   make traps  judge a file of trap scenarios     (FILE=tests/traps.yaml)
#   make torture  the same kills, storms and restarts as make test, many times over: hours
#   make bench  time and memory as ratios to bare SQL, beside their limits (FULL=1: ten million rows and 10,000 writes too)

PYTHON ?= python3
BIN := .venv/bin
WORKSPACE ?= workspace
FILE ?= tests/traps.yaml
STAMP := .venv/.installed

.DEFAULT_GOAL := demo
.PHONY: setup test-setup demo test check dev traps torture bench lock

setup: $(STAMP)

# uv is used when it can be had; plain pip installs the same hashed lock, which names every dependency itself.
$(STAMP): requirements-dev.lock pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@if command -v uv >/dev/null; then \
	  uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements-dev.lock && \
	  uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e . ; \
	else \
	  $(BIN)/python -m pip install --quiet --no-deps --require-hashes -r requirements-dev.lock && \
	  $(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e . ; \
	fi
	touch $@

# Tests need a PostgreSQL server and a browser; as root on Debian they are installed when missing.
test-setup: setup
	@missing=""; \
	ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null || missing="$$missing postgresql"; \
	command -v chromium >/dev/null || missing="$$missing chromium"; \
	if [ -n "$$missing" ]; then \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null; \
	  else echo "Install first:$$missing"; exit 1; fi; \
	fi

demo: setup
	$(BIN)/trueup demo

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/sqlfluff lint --config dbt_project/.sqlfluff --processes 2 dbt_project/models dbt_project/tests

traps: setup
	$(BIN)/python -m trueup.traps $(FILE)

# One process for each core: the journeys wait for servers and databases of their own more than they compute.
test: test-setup check traps
	$(BIN)/pytest --numprocesses auto --dist worksteal

# The figures stand beside each test (tests/torture.py); all else in these files runs as often as ever.
torture: test-setup
	TRUEUP_TORTURE=1 $(BIN)/pytest --numprocesses auto --dist worksteal tests/crash tests/pipelines/writeback tests/resources/warehouse/test_fuzz.py

bench: setup
	$(BIN)/python -m bench $(if $(FULL),--full)

dev: setup
	$(BIN)/trueup dev --workspace $(WORKSPACE)

lock:
	uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --custom-compile-command "make lock" pyproject.toml -o requirements.lock
	uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --custom-compile-command "make lock" --extra dev pyproject.toml -o requirements-dev.lock
