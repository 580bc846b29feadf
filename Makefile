# Everything a checkout needs is made in .venv; nothing outside the checkout is changed.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CREATED := $(VENV)/.created
INSTALLED := $(VENV)/.installed
INSTALLED_DEV := $(VENV)/.installed-dev
# setuptools warns of a folder keras_dldl in the current directory: here it is the very one installed.
INSTALL := PYTHONWARNINGS="ignore:Editable installation" $(BIN)/python -m pip install --quiet
# For example: make test PYTEST_ARGS="-m 'not slow' tests/losses"
PYTEST_ARGS ?=
# A file's tests share what it has made, so they go to one process.
PYTEST := $(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile

.DEFAULT_GOAL := help
.PHONY: help demo test docs lint format clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(INSTALLED) ## predict on a photo, then train, measure, export and use a small model; about two minutes
	$(BIN)/python scripts/demo.py

test: $(INSTALLED_DEV) ## run all tests; narrow them by PYTEST_ARGS
	$(PYTEST) $(PYTEST_ARGS)

docs: $(INSTALLED_DEV) ## build the site of the docs into site/; a link that leads nowhere fails it
	$(BIN)/python scripts/build_site.py

lint: $(INSTALLED_DEV) ## check style and format
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .

format: $(INSTALLED_DEV) ## mend style and format where that can be done by machine
	$(BIN)/python -m ruff check --fix .
	$(BIN)/python -m ruff format .

clean: ## remove what these targets made
	rm -rf $(VENV) build demo dist site *.egg-info .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamps are made last: an installation that was cut short is begun again.
$(CREATED):
	@command -v $(PYTHON) >/dev/null || { \
	  echo "No $(PYTHON) here. Install Python 3.10 or newer, or name one: make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { \
	  echo "Python 3.10 or newer is needed. Received: $$($(PYTHON) -V 2>&1). Name another: make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
	  echo "$(PYTHON) lacks the modules venv and ensurepip. Install them (Debian, Ubuntu: apt install python3-venv)." >&2; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	@touch $@

$(INSTALLED): $(CREATED) pyproject.toml setup.py
	@echo "Installing into $(VENV): a few minutes, once (TensorFlow is a large download)."
	$(INSTALL) -e .
	@touch $@

$(INSTALLED_DEV): $(CREATED) pyproject.toml setup.py
	@echo "Installing into $(VENV): a few minutes, once (TensorFlow is a large download)."
	$(INSTALL) -e ".[dev]"
	@touch $(INSTALLED) $@
