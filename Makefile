# The tasks of this project: "make" lists them. They need Python 3.11 or newer and nothing else.

PY = .venv/bin/python

.PHONY: help run test check unit properties integration reliability nightly mutation bench bench-quick \
	bench-big bench-docs format constraints clean server-venv dev-venv bench-venv mutation-venv

help: ## List the tasks
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile

run: server-venv ## Start the service with sample data on http://127.0.0.1:8000 (another port: PORT=9000)
	@exec $(PY) scripts/run.py "$(PORT)"

test: check ## Check everything, then run all tests
	@sh scripts/test.sh

check: dev-venv ## Lint, format, types and arrows, without running anything
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	.venv/bin/lint-imports --no-logo

unit: dev-venv ## Run the tests that need nothing but Python
	$(PY) -m pytest -p no:schemathesis tests/unit

properties: dev-venv ## Run the tests with generated cases
	$(PY) -m pytest -p no:schemathesis tests/properties

integration: dev-venv ## Run the tests with databases, HTTP, the command line and files
	$(PY) -m pytest tests/integration

reliability: dev-venv ## Run the tests that send rubbish and kill processes, in about five minutes
	$(PY) -m pytest -p no:schemathesis tests/reliability

nightly: dev-venv ## Run them at their large sizes, and mutation testing, in an hour or two
	BILLING_NIGHTLY=1 $(PY) -m pytest -p no:schemathesis tests/reliability tests/properties/test_model.py
	$(MAKE) mutation

mutation: mutation-venv ## Change the code of amounts and permissions in a thousand ways; tests must fail
	.venv/bin/mutmut run
	$(PY) -m tests.reliability.mutation_score

bench: bench-venv ## Measure everything against raw floors, in five to nine minutes
	$(PY) -m benchmarks

bench-quick: bench-venv ## The same on little data, in under a minute
	$(PY) -m benchmarks --quick

bench-big: bench-venv ## The same and on up to a million orders, in about an hour
	$(PY) -m benchmarks --big

bench-docs: bench-venv ## Write the last run's results into docs/performance.md
	$(PY) -m benchmarks.document var/benchmarks

format: dev-venv ## Rewrite the code in the house's form
	$(PY) -m ruff check --fix-only .
	$(PY) -m ruff format .

constraints: ## Renew the pinned versions in constraints.txt (needs uv)
	uv pip compile --quiet --upgrade --universal --python-version 3.11 --all-extras \
		--no-header --no-annotate pyproject.toml --output-file constraints.txt

clean: ## Remove what the other tasks made, but not var/ with your data
	rm -rf .venv dist mutants .coverage .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache .schemathesis
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +

server-venv:
	@sh scripts/venv.sh server

dev-venv:
	@sh scripts/venv.sh dev

bench-venv:
	@sh scripts/venv.sh bench

mutation-venv:
	@sh scripts/venv.sh mutation
