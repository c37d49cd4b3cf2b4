# Riskwave's commands. Each sets up what it needs: Python 3.11 or later and make are enough.
#
#   EVENTS=200000   payments of `make demo`
#   WORKERS=4       processes of `make test`
#   PYTHON=python3.12

PYTHON ?= python3
EVENTS ?= 100000
WORKERS ?= 2

VENV := .venv
BIN := $(VENV)/bin
RUNTIME := $(VENV)/.runtime
APP := $(VENV)/.app
DEV := $(VENV)/.dev
# Wheels only, at the versions of constraints.txt: no compiler is needed, and everybody has the same.
PIP_INSTALL := $(BIN)/python -m pip --disable-pip-version-check install --quiet --only-binary :all: -c constraints.txt

export DBT_SEND_ANONYMOUS_USAGE_STATS := false

.DEFAULT_GOAL := help
.NOTPARALLEL:

.PHONY: help
help: ## List these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: $(RUNTIME) ## Simulate a bank's payments, decide them, say how well that went (EVENTS=100000)
	@$(BIN)/riskwave demo --events $(EVENTS)

.PHONY: demo-app
demo-app: $(APP) ## Open the app on a simulated bank: engine, API, live payments, a model; Ctrl-C ends it
	@$(BIN)/riskwave demo-app

.PHONY: test
test: $(DEV) ## Lint, check types, run every test (WORKERS=2)
	@failed=0; \
	$(MAKE) --no-print-directory lint || failed=1; \
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup || failed=1; \
	exit $$failed

.PHONY: lint
lint: $(DEV) ## Check style, types and the models' SQL
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/sqlfluff lint --disable-progress-bar models
	$(BIN)/sqlfluff lint --disable-progress-bar --templater raw sql

.PHONY: format
format: $(DEV) ## Put Python in the style that lint wants
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: test-risingwave
test-risingwave: $(DEV) ## Test on RisingWave: `risingwave` on PATH, or RISINGWAVE_DSN and KAFKA of yours
	@command -v risingwave > /dev/null || test -n "$$RISINGWAVE_DSN" || \
		{ echo "no RisingWave: put risingwave 2.8 on PATH, or set RISINGWAVE_DSN (docs/risingwave.md)" >&2; exit 1; }
	$(BIN)/python -m pytest tests/risingwave tests/rules/test_evaluate.py

.PHONY: bench
bench: $(RUNTIME) ## Measure throughput, latency and memory on this machine (BENCH='--history 200000')
	@$(BIN)/python -m bench $(BENCH)

.PHONY: bench-serve
bench-serve: $(DEV) ## Measure decisions over HTTP at a steady rate, and at five times what is carried
	@$(BIN)/python -m bench.serve

.PHONY: bench-rules
bench-rules: $(DEV) ## Measure rules: 40 against 5, a backtest and a sweep over a million events, and pandas beside them
	@$(BIN)/python -m bench.rules
	@$(BIN)/python -m bench.backtest

.PHONY: bench-models
bench-models: $(DEV) ## Compare the scoring algorithms, rules with and without a model, and what watching says of drift
	@$(BIN)/riskwave models compare --simulate 150000
	@$(BIN)/python -m bench.together
	@$(BIN)/python -m bench.drift

.PHONY: bench-scoring
bench-scoring: $(DEV) ## Measure scoring: rows/s through SQL, batches of 100, single callers, a rollout under load
	@$(BIN)/python -m bench.scoring
	@$(BIN)/python -m bench.rollout

.PHONY: doctor
doctor: $(RUNTIME) ## Say what is installed, what is missing, and what that would enable
	@$(BIN)/riskwave doctor

.PHONY: docs
docs: $(RUNTIME) ## Write the generated pages anew: docs/contracts.md, docs/features.md
	$(BIN)/python -m riskwave.contracts.docs
	$(BIN)/riskwave features --docs docs/features.md

.PHONY: proto
proto: $(DEV) ## Generate udf/scoring_pb2.py from udf/scoring.proto anew
	$(BIN)/python -W ignore -m grpc_tools.protoc -I . --python_out=. --pyi_out=. udf/scoring.proto

.PHONY: rules
rules: $(RUNTIME) ## Compile rules/card anew for dbt: macros/ruleset
	$(BIN)/python -m riskwave.rules.dbt

.PHONY: snapshots
snapshots: $(DEV) ## Write each engine's compiled SQL anew: tests/snapshots
	$(BIN)/python -m tests.snapshots
	git --no-pager diff --stat tests/snapshots

.PHONY: clean
clean: ## Remove everything made here, the environment included
	rm -rf $(VENV) target logs demo dbt_packages .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Riskwave needs Python 3.11 or later: make PYTHON=python3.12 …" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
		{ rm -rf $(VENV); echo "no virtual environment could be made: install python3-venv" >&2; exit 1; }

$(RUNTIME): pyproject.toml constraints.txt | $(BIN)/python
	@echo "installing what Riskwave runs on (about 130 MB, once)"
	@$(PIP_INSTALL) -e .
	@touch $@

$(APP): pyproject.toml constraints.txt | $(BIN)/python
	@echo "installing what the app and the models run on (once)"
	@$(PIP_INSTALL) -e '.[app,models]'
	@touch $(RUNTIME) $@

$(DEV): pyproject.toml constraints.txt | $(BIN)/python
	@echo "installing what the tests run on (about 500 MB, once)"
	@$(PIP_INSTALL) -e '.[alerts,app,dev,grpc,models,tracing]'
	@touch $(RUNTIME) $@
