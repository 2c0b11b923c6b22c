.DEFAULT_GOAL := help
UV := $(shell uv --version >/dev/null 2>&1 && echo uv || echo .uv/bin/uv)
PY := .venv/bin/python

.PHONY: help setup check test
help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

.uv/bin/uv:
	python3 -m venv .uv && .uv/bin/pip install -q "uv>=0.9"

setup: $(filter .uv/bin/uv,$(UV))
	$(UV) venv -q --allow-existing .venv
	$(UV) pip sync -q --require-hashes requirements-dev.lock
	$(UV) pip install -q --no-deps -e .

check: setup
	.venv/bin/ruff check . && .venv/bin/ruff format --check . && .venv/bin/mypy

test: check
	.venv/bin/pytest
