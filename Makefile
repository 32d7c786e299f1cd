# Facet. "make run" and "make test" need nothing but Python 3.11 or newer and make. "make help" lists the rest.
PORT ?= 8000
WORKERS ?= 2
# The first Python on the path that is new enough; PYTHON=... names another.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
MANAGE := $(BIN)/python manage.py
# What a production start is given, for the checks alone.
PRODUCTION := env -u DEMO -u FACET_VAR DEBUG=0 HTTPS_ONLY=1 ALLOWED_HOSTS=facet.example.com \
	CSRF_TRUSTED_ORIGINS=https://facet.example.com REDIS_URL=redis://127.0.0.1:6379 \
	DATABASE_URL=postgres://facet@127.0.0.1:5432/facet \
	SECRET_KEY=not-a-secret-but-as-long-and-as-mixed-as-one-0123456789-ABCDEFGHIJ
TYPED := accounts/imports crm/lib crm/engines crm/embedded.py metrics/formulas $(wildcard */services.py */services/*.py)
CODE := accounts service metrics tiering plans crm manage.py

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup run test lint audit types fmt bench e2e messages migrate shell nightly up down logs

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/.dev ## virtual environment with everything, developers' tools too

run: $(VENV)/.run ## the whole product at http://127.0.0.1:8000/ (PORT=8001, DEMO=0: without the demo company)
	@exec $(BIN)/python manage.py run --port $(PORT)

test: $(VENV)/.dev ## the whole test suite (ARGS="-k name")
	$(BIN)/python -m pytest -n $(WORKERS) -q $(ARGS)

e2e: $(VENV)/.dev ## the tests in a real browser
	$(BIN)/python -m pytest -q tests/e2e $(ARGS)

bench: $(VENV)/.dev ## the benchmarks (ARGS="--size S")
	$(BIN)/python -m tests.bench $(ARGS)

lint: $(VENV)/.dev ## style, security, templates, deployment checks, migrations, API description, types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	echo $(CODE) | xargs -P 2 -n 4 $(BIN)/bandit --quiet --recursive --configfile pyproject.toml -ll
	find templates -name '*.html' -print0 | xargs -0 -r $(BIN)/djade --target-version 5.2 --check
	$(PRODUCTION) $(MANAGE) check --deploy --fail-level WARNING
	$(MANAGE) makemigrations --check --dry-run
	$(MANAGE) spectacular --validate --fail-on-warn --file /dev/null
	$(BIN)/mypy $(TYPED)

audit: $(VENV)/.dev ## known holes of the dependencies (asks pypi.org; what it cannot ask about fails)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check pip-audit==2.10.1
	$(BIN)/pip-audit --strict --requirement requirements.txt --requirement requirements-dev.txt

types: $(VENV)/.dev ## the types of formulas, library and services alone
	$(BIN)/mypy $(TYPED)

fmt: $(VENV)/.dev ## put code and templates in order
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	find templates -name '*.html' -print0 | xargs -0 -r $(BIN)/djade --target-version 5.2

messages: $(VENV)/.dev ## collect the texts for translators and compile the catalogues
	$(MANAGE) makemessages -l zh_Hans -l zh_Hant --no-obsolete --add-location file --ignore .venv --ignore var --ignore static
	$(MANAGE) compilemessages --ignore .venv --ignore var

migrate: $(VENV)/.run ## bring the database up to date
	$(MANAGE) migrate

shell: $(VENV)/.run ## a Python prompt with the models
	$(MANAGE) shell

nightly: $(VENV)/.run ## the nightly job by hand
	$(MANAGE) retier

up: ## the product in containers (needs .env, see .env.example)
	docker compose up --build --detach --wait

down: ## stop the containers, keep the data
	docker compose down

logs: ## what the containers say
	docker compose logs --follow --tail 100

# --- The virtual environment: made once, and again when the pins change ---
$(VENV)/.made:
	@test -n "$(PYTHON)" || { echo "Facet needs Python 3.11 or newer; name it with make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is older than Python 3.11, which Facet needs" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "Python's venv is missing: install it first (Debian, Ubuntu: apt install python3-venv)" >&2; exit 1; }
	@echo "Making the virtual environment ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv 2>/dev/null || echo "uv is not to be had, pip does it (slower)"
	@touch $@

$(VENV)/.run: $(VENV)/.made requirements.txt
	@echo "Installing the dependencies ..."
	@VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/uv pip install --quiet -r requirements.txt 2>/dev/null \
		|| $(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/.dev: $(VENV)/.made requirements.txt requirements-dev.txt
	@echo "Installing the dependencies and the developers' tools ..."
	@VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/uv pip install --quiet -r requirements-dev.txt 2>/dev/null \
		|| $(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@ $(VENV)/.run
