.DEFAULT_GOAL := help
SHELL := /bin/bash
export PYTHONUNBUFFERED = 1
PYTEST = .venv/bin/pytest -q -n logical --maxprocesses 4 --dist loadfile

help: ## what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' Makefile

setup: ## the locked environment in .venv
	@scripts/bootstrap

run: ## serve the sandbox at http://127.0.0.1:8000
	@scripts/bootstrap
	@SHEBAO_CLOCK=$${SHEBAO_CLOCK:-2026-11-23T10:00:00+08:00} .venv/bin/shebao serve

test: ## all tests (environment, PostgreSQL and browser included)
	@scripts/bootstrap --tests
	@$(PYTEST)

test-full: ## the long schedules too
	@scripts/bootstrap --tests
	@SHEBAO_TEST_FULL=1 $(PYTEST)

check: ## what CI runs: format, lint, types, import rules, tests
	@scripts/bootstrap --tests
	@.venv/bin/ruff format --check .
	@.venv/bin/ruff check .
	@.venv/bin/mypy actions services bot
	@.venv/bin/lint-imports
	@$(PYTEST)

train: ## train the model if its data changed
	@scripts/bootstrap
	@.venv/bin/shebao train

bench: ## the figures of docs/performance.md
	@scripts/bootstrap --tests
	@.venv/bin/python -m benchmarks.all

.PHONY: help setup run test test-full check train bench
