# From a bare checkout to a running system. All it needs it puts into this folder, and nothing anywhere else;
# only `make chromium` and `make test-debian-postgres` may install a Debian package. Works from GNU make 3.81 on.

.DEFAULT_GOAL := help
.SUFFIXES:
.NOTPARALLEL:

# uv and pip keep their files here and trust whom the system trusts; no active environment of another project gets in
# the way.
export UV_CACHE_DIR := $(CURDIR)/.cache/uv
export UV_PYTHON_INSTALL_DIR := $(CURDIR)/.uv/python
export UV_SYSTEM_CERTS := 1
export PIP_NO_CACHE_DIR := 1
# pip asks rustc for its version, and where that is rustup's it writes its settings on being asked.
export RUSTUP_HOME := $(CURDIR)/.cache/rustup
export PIP_DISABLE_PIP_VERSION_CHECK := 1
unexport VIRTUAL_ENV CONDA_PREFIX PYTHONHOME PYTHONPATH
# What is compiled is kept: the tests start a thousand programs, and rewrite their own assertions on being loaded.
unexport PYTHONDONTWRITEBYTECODE

# Asking uv for a folder, not only for its version, also compares its version with pyproject.toml, and finds the
# shim out that answers to the name alone.
UV := $(if $(shell uv python dir 2>/dev/null),uv,.uv/bin/uv)
NEEDED_UV := $(filter .uv/%,$(UV))
UV_VERSION := uv>=0.9
# The second helps where the first is a shim for a version that is not there.
PYTHONS := python3 /usr/bin/python3
# Progress bars on a terminal, nothing elsewhere.
QUIET := $(shell test -t 2 || echo -q)

# A stamp's name is a sum of what it stands for, so that it counts for these contents and this folder alone.
sum = $(shell { echo "$(CURDIR)"; cat .python-version $(1); } | cksum | tr ' ' -)
VENV := .venv/stamps/python-$(call sum)
RUN := .venv/stamps/run-$(call sum,pyproject.toml requirements.lock)
DEV := .venv/stamps/dev-$(call sum,pyproject.toml requirements-dev.lock)
# The development lock holds all of the other: what was set up for the tests also serves the demo.
SETUP := $(if $(wildcard $(DEV)),$(DEV),$(RUN))

# A .venv whose Python is gone counts as none.
ifeq ($(shell .venv/bin/python -c 'print(1)' 2>/dev/null),)
.PHONY: $(VENV)
endif

FIND_CHROMIUM := .venv/bin/python -m theftwatch.chromium
# A file of tests stays with one process, as do the server and the crawl that its tests share; tests/conftest.py has
# the longest begin. Many wait for other processes, so there is one more of them than cores.
PYTEST := .venv/bin/pytest --numprocesses $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1) --maxprocesses 4 \
	--dist loadfile --no-loadscope-reorder
EACH_POSTGRES = -m "each_postgres and database" $$(grep -l each_postgres tests/test_*.py)
DEBIAN_POSTGRES := /usr/lib/postgresql/1[5-9]/bin
# dpkg wants the folders of system programs on PATH, where a plain user has none of them.
AS_ROOT = $(shell test "$$(id -u)" = 0 || echo sudo -n) env "PATH=$$PATH:/usr/sbin:/sbin" DEBIAN_FRONTEND=noninteractive
APT_INSTALL = $(AS_ROOT) apt-get -qq update && \
	$(AS_ROOT) apt-get -qq -y install --no-install-recommends

.PHONY: help setup demo test check chromium test-debian-postgres drill soak fuzz audit bench pictures lock upgrade clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-22s %s\n", $$1, $$2 }' Makefile

setup: $(SETUP) ## Install what the demo and production need, into .venv
	@echo "Set up: .venv/bin/theftwatch and .venv/bin/scrapy run."

demo: $(SETUP) ## Crawl a replica of the marketplaces and match the copied photos
	@.venv/bin/theftwatch demo

test: check ## Run all checks and tests, on a Debian PostgreSQL too where there is one
	@$(MAKE) --no-print-directory chromium || test -z "$$CI"
	@$(PYTEST)
	@if ls $(DEBIAN_POSTGRES)/postgres >/dev/null 2>&1 || { test -n "$$CI" && command -v apt-get >/dev/null; }; then \
		$(MAKE) --no-print-directory test-debian-postgres; fi

check: $(DEV) ## Run the linter, the format check and the type checker
	@.venv/bin/ruff check
	@.venv/bin/ruff format --check
	@.venv/bin/mypy

chromium: $(SETUP) ## Install Chromium where none is: Debian's if apt needs no password, else Playwright's into .venv
	@$(FIND_CHROMIUM) || { \
		echo "Chromium: installing it (300 to 400 MB, half a minute)"; mkdir -p .cache; \
		{ $(APT_INSTALL) chromium || \
		PLAYWRIGHT_BROWSERS_PATH=0 .venv/bin/playwright install --no-shell chromium; } >.cache/chromium.log 2>&1; \
		$(FIND_CHROMIUM) || { \
		echo "Chromium could not be installed (.cache/chromium.log says why): sudo apt-get install chromium"; exit 1; }; }

test-debian-postgres: $(DEV) ## Run the database tests on Debian's PostgreSQL, installing it where apt needs no password
	@ls $(DEBIAN_POSTGRES)/postgres >/dev/null 2>&1 || { \
		echo "PostgreSQL: installing Debian's (60 MB, half a minute)"; mkdir -p .cache; \
		{ $(APT_INSTALL) postgresql; } >.cache/postgresql.log 2>&1; } || { \
		echo "PostgreSQL could not be installed (.cache/postgresql.log says why): sudo apt-get install postgresql"; \
		exit 1; }
	@for bin in $(DEBIAN_POSTGRES); do \
		echo "Database tests on $$bin"; THEFTWATCH_TEST_POSTGRES=$$bin $(PYTEST) $(EACH_POSTGRES) || exit 1; done

drill: $(DEV) ## Break all that can break, fifty times, and compare what the record says; watch thirty simulated days
	@THEFTWATCH_DRILLS=50 THEFTWATCH_DRILL_DAYS=30 THEFTWATCH_DRILL_CASES=10000 \
		$(PYTEST) --dist load --maxschedchunk 1 -m drill -o faulthandler_timeout=7200

READER := page
SECONDS := 600
fuzz: $(DEV) ## Spoil what one READER reads for so many SECONDS, guided by the code that it reaches (Linux)
	@$(UV) pip install -q --python .venv --target .cache/atheris "atheris>=3.1"
	@PYTHONPATH=.cache/atheris .venv/bin/python -m tests.fuzz $(READER) -max_total_time=$(SECONDS)

soak: $(DEV) ## Crawl simulated weeks for an hour, and fail where memory or open files grow
	@THEFTWATCH_SOAK_S=3600 .venv/bin/pytest -q -m soak -o faulthandler_timeout=7200

# CVE-2017-14158, of all versions of Scrapy: files are read into memory. Ours are bounded, in size and in number at once.
audit: $(SETUP) ## Ask PyPI whether a weakness of a locked package is known; needs the internet
	@$(UV) pip install -q --python .venv --target .cache/audit "pip-audit>=2.10"
	@for lock in requirements.lock requirements-dev.lock; do \
		PYTHONPATH=.cache/audit .venv/bin/python -m pip_audit --strict --disable-pip --ignore-vuln CVE-2017-14158 --requirement $$lock || { \
			echo "Audit: a weakness is known, as above. Where a package \"could not be audited\", pypi.org gave no answer" \
				"(https://pypi.org/pypi/NAME/json), and nothing is known: ask from where that is reached" >&2; exit 1; }; done

bench: $(DEV) ## Measure the speeds that the documentation states
	@.venv/bin/python -m bench

pictures: $(DEV) ## Draw the pictures of docs/cases.md and of the report anew
	@.venv/bin/pytest -q --basetemp .cache/pictures -o tmp_path_retention_policy=all tests/test_case_days.py
	@.venv/bin/theftwatch demo
	@.venv/bin/python -m tests.pictures .cache/pictures/*0/case.zip .data/demo/report/index.html docs/images

lock: | $(NEEDED_UV) ## Write both locks anew, keeping the versions that still fit
	@$(UV) $(COMPILE) requirements.lock --extra descriptor --extra export --extra fonts --extra s3
	@$(UV) $(COMPILE) requirements-dev.lock --all-extras --group dev --constraints requirements.lock

upgrade: ## Write both locks anew, with the newest versions
	@$(MAKE) --no-print-directory lock UPGRADE=--upgrade

clean: ## Remove all that was built or installed here; databases and photos in .data stay
	@test ! -d .data || .venv/bin/theftwatch db stop || true
	@rm -rf .venv .uv .cache build dist *.egg-info .hypothesis .mypy_cache .pytest_cache .ruff_cache
	@find . -name __pycache__ -prune -exec rm -rf {} +
	@echo "Cleaned. Databases and photos stay in .data."

# Python 3.12 is the oldest that pyproject.toml allows, so the locks have to cover it.
COMPILE = pip compile -q pyproject.toml --universal --python-version 3.12 --generate-hashes --no-annotate \
	--custom-compile-command "make lock" $(UPGRADE) --output-file

.uv/bin/uv:
	@python=; for each in $(PYTHONS); do \
		$$each -c '' 2>/dev/null && { python=$$each; break; }; done; \
	test -n "$$python" || { echo "no python3 that runs: apt-get install python3 python3-venv"; exit 1; }; \
	$$python -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "$$python has no venv: apt-get install python3-venv"; exit 1; }; \
	echo "uv: putting it into .uv (25 MB to fetch, seconds)"; \
	$$python -m venv --clear .uv && .uv/bin/python -m pip install -q --only-binary :all: "$(UV_VERSION)" || \
		{ rm -rf .uv; exit 1; }

$(VENV): | $(NEEDED_UV)
	@echo "Python: making .venv, with the newest 3.13 found or fetched"
	@mkdir -p .cache
	@$(UV) venv -q --clear .venv 2>.cache/python.log || \
		$(UV) venv -q --clear --python '>=3.12' --no-python-downloads .venv 2>>.cache/python.log || \
		{ echo "no Python 3.12 or newer found, and none could be fetched (.cache/python.log says why): \
	install one, on Debian 13 or Ubuntu 24.04 by apt-get install python3"; exit 1; }
	@mkdir -p .venv/stamps && touch $@

$(RUN): $(VENV)
	@echo "Packages: installing those of requirements.lock (371 MB to fetch, 1125 MB here, a minute or two)"
	$(call install,requirements.lock)

$(DEV): $(VENV)
	@echo "Packages: installing those of requirements-dev.lock (554 MB to fetch, 1745 MB here; 190 and 620 after make setup)"
	$(call install,requirements-dev.lock)

# The project itself is installed as a link to this folder, by the setuptools that the lock has just brought.
# Packages are compiled once: a program that finds them so starts in a third of the time, also where it may not write.
define install
	@$(UV) pip sync $(QUIET) --compile-bytecode --python .venv --require-hashes $(1)
	@$(UV) pip install -q --python .venv --offline --no-deps --no-build-isolation --editable .
	@rm -f .venv/stamps/run-* .venv/stamps/dev-*; touch $@
endef
