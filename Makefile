# Everything that is done by hand, in one word each: `make help`.

VENV = .venv
PYTHON = $(VENV)/bin/python
PORT = 8000
ARGS =
# Newest first among those that Django 6 runs on. They are run, not looked up: a shim may stand for nothing.
CANDIDATES = python3.13 python3.14 python3.12 python3
# Tests of what databases do each in their own way: transactions, constraints, races.
ON_BOTH = tests/services tests/queries tests/races/test_two_keepers.py tests/faults/test_database_partitions.py
FITS = import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 12))
# Settings of a shop that exists nowhere, for checks that open no connection.
SHOP = env SITE=production ENV_FILE= DEBUG= ALLOWED_HOSTS=shop.example DATABASE_URL= \
	REDIS_URL=redis://ledger.shop.example/0 CACHE_URL=redis://cache.shop.example/0 DATA_DIR=$(CURDIR)/$(VENV)/checks \
	SECRET_KEY=`$(PYTHON) -c 'import secrets; print(secrets.token_urlsafe(48))'`

.DEFAULT_GOAL = help
MAKEFLAGS += --no-print-directory
.PHONY: help setup run test mutants campaign faults bench pictures check lint format types imports templates migrations deploy requirements clean venv tooled

help:  ## say what can be made
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1|\2/p' $(firstword $(MAKEFILE_LIST)) | \
	while IFS='|' read -r name words; do printf '%-20s %s\n' "$$name" "$$words"; done
	@echo '  PORT=8001 and ARGS="--stock 20" go with run, ARGS="-k word" with test.'

venv:
	@$(PYTHON) -c 'import pip; $(FITS)' >/dev/null 2>&1 && exit 0; \
	for python in $(CANDIDATES) $${PYENV_ROOT:-$$HOME/.pyenv}/versions/3.1[2-4]*/bin/python3; do \
		if "$$python" -c '$(FITS)' >/dev/null 2>&1; then \
			rm -rf $(VENV) && "$$python" -m venv $(VENV) && exit 0; exit 1; \
		fi; \
	done; \
	echo "No Python 3.12 or newer with its venv and ensurepip modules was found (tried: $(CANDIDATES)):" \
		"install one, such as with 'apt-get install python3.13 python3.13-venv'," \
		"'brew install python@3.13' or 'pyenv install 3.13', and run make again." >&2; \
	exit 1

setup: venv  ## install what the site needs into .venv
	@cmp -s requirements.txt $(VENV)/installed.txt || { \
		echo "Installing what requirements.txt lists ..." && \
		$(PYTHON) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt && \
		cp requirements.txt $(VENV)/installed.txt; }

tooled: venv
	@cmp -s tests/requirements.txt $(VENV)/installed-tests.txt || { \
		echo "Installing what tests/requirements.txt lists ..." && \
		$(PYTHON) -m pip install --quiet --disable-pip-version-check --require-hashes -r tests/requirements.txt && \
		cp tests/requirements.txt $(VENV)/installed-tests.txt && cp requirements.txt $(VENV)/installed.txt; }

run: setup  ## start the whole system with its demo sale
	@exec $(PYTHON) manage.py demo --port $(PORT) $(ARGS)

test: tooled  ## run all tests; what differs between databases runs on PostgreSQL, too
	@$(if $(ARGS),,$(PYTHON) -m tests.postgres $(PYTHON) -m pytest $(ON_BOTH))
	@$(PYTHON) -m pytest $(ARGS)

bench: tooled  ## measure the lane beside others, 20 minutes on a quiet machine (ARGS=--quick: 2, to see that it runs)
	@$(PYTHON) -m tests.bench.run $(ARGS)

mutants: tooled  ## make mistakes on purpose, and show which test notices each
	@$(PYTHON) -m tests.mutants.run $(ARGS)

campaign: tooled  ## the long proof: many model steps, all on PostgreSQL, another Redis, fault runs, mutants
	@MODEL_STEPS=100000 $(PYTHON) -m pytest --timeout 1200 tests/model/test_machine.py
	@$(PYTHON) -m tests.postgres $(PYTHON) -m pytest --ignore=tests/browser --ignore=tests/site --ignore=tests/architecture
	@TEST_SERVER_BINARY=`command -v redis-server` $(PYTHON) -m pytest tests/live tests/model tests/services --ignore=tests/live/test_embedded.py
	@$(PYTHON) -m tests.faults.run --seed 100 --runs 20
	@$(PYTHON) -m tests.mutants.run
	@$(PYTHON) -m pytest --timeout 600 -m campaign

faults: tooled  ## kill and freeze things while people buy, with ever new seeds (ARGS="--runs 100")
	@$(PYTHON) -m tests.faults.run $(if $(ARGS),$(ARGS),--runs 10)

pictures: tooled  ## take the pictures of docs/pages.md and the README anew, from a shop that runs
	@$(PYTHON) -m tests.browser.pictures

check: lint format types imports templates migrations deploy  ## lint, format, types, import contracts, templates, migrations, deployment

lint: tooled
	$(VENV)/bin/ruff check .

format: tooled
	$(VENV)/bin/ruff format --check .

types: tooled
	$(VENV)/bin/mypy

imports: tooled
	@PYTHONPATH=. $(VENV)/bin/lint-imports

templates: tooled
	@find templates sales -name '*.html' -exec $(VENV)/bin/djade --check --target-version 6.1 {} +

migrations: tooled
	@$(SHOP) $(PYTHON) manage.py makemigrations --check --dry-run

deploy: tooled
	@$(SHOP) $(PYTHON) manage.py check --deploy --fail-level WARNING

requirements: tooled  ## compile both requirements files anew from pyproject.toml (UPGRADE=1: newest versions)
	@set -e; compile() { \
		$(VENV)/bin/uv pip compile --quiet --no-python-downloads --universal --python-version 3.12 --generate-hashes \
			--custom-compile-command 'make requirements' $(if $(UPGRADE),--upgrade) "$$@"; }; \
	compile pyproject.toml --output-file requirements.txt; \
	compile pyproject.toml --group test --group tools --constraints requirements.txt \
		--output-file tests/requirements.txt

clean:  ## remove .venv and every cache, but no data
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
