# SPDX-License-Identifier: GPL-3.0-or-later
# `make help` lists the targets. All that is made lies in .venv*/, .dev/, .build/ and dist/; `make clean` removes it.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help install dev-link ftp-servers demo test bench lint format dist changelog clean

# The first Python that is new enough and can make a virtual environment; `make PYTHON=/path/to/python …` overrides it.
FIND_PYTHON = for p in python3 python3.13 python3.12 python3.11; do \
	"$$p" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& "$$p" -c 'import sys; print(sys.executable)' && break; done; true
PYTHON ?= $(shell $(FIND_PYTHON))

VENV := .venv
BIN := $(VENV)/bin
UV := UV_PYTHON_DOWNLOADS=never $(BIN)/uv
SOURCES := $(shell find plugins extensions roles playbooks meta docs changelogs LICENSES galaxy.yml README.md py.typed \
	-type f -not -path '*/__pycache__/*' -not -name '*[ \#:]*' 2>/dev/null)

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(VENV)/.stamp-made:
	@test -n "$(PYTHON)" || { echo "No Python >= 3.11 with the module ensurepip was found. On Debian: apt install python3-venv" >&2; exit 1; }
	"$(PYTHON)" -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check 'uv>=0.5'
	@touch $@

# uv is fast; where only pip's own configuration knows the package index, pip does it.
$(VENV)/.stamp-dependencies: $(VENV)/.stamp-made pyproject.toml
	$(UV) pip install --quiet --python $(BIN)/python -r pyproject.toml --extra test --extra lint \
		|| $(BIN)/python -m pip install --quiet --disable-pip-version-check '.[test,lint]'
	@touch $@

$(VENV)/.stamp-collection: $(VENV)/.stamp-dependencies $(SOURCES)
	@rm -rf .build/wheel
	$(UV) build --quiet --wheel --out-dir .build/wheel --python $(BIN)/python . \
		|| $(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir .build/wheel .
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-index --force-reinstall .build/wheel/*.whl
	@touch $@

install: $(VENV)/.stamp-collection dev-link  ## .venv with the collection, its dependencies and the tools of the checks

dev-link: .dev/ansible_collections/camsec/fleet  ## the checkout as .dev/ansible_collections/camsec/fleet

.dev/ansible_collections/camsec/fleet:
	@mkdir -p $(@D)
	@ln -sfn ../../.. $@

demo: install  ## bring a simulated fleet to encrypted communication and show the evidence
	$(BIN)/python -m ansible_collections.camsec.fleet.extensions.demo

ftp-servers: install  ## .build/ftp: vsftpd, proftpd, pure-ftpd, OpenSSH and lftp, unpacked; the tests judge with them
	@$(BIN)/python tests/tools/ftp_servers.py || test $$? -eq 77

test: install ftp-servers  ## every check; its last line counts them
	@$(BIN)/python tests/tools/checks.py

bench: install ftp-servers  ## measure what a fleet, its certificates and an evidence upload cost, beside their peers
	$(BIN)/python tests/benchmarks/run.py
	$(BIN)/python tests/benchmarks/renewal.py
	$(BIN)/python tests/benchmarks/issue.py
	$(BIN)/python tests/benchmarks/ftpes.py
	$(BIN)/python tests/benchmarks/vms.py

lint: install  ## the checks that take seconds
	@$(BIN)/python tests/tools/checks.py --group lint

format: install  ## put the code in its usual form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix-only .

dist: install  ## dist/: the wheel and the Galaxy tarball
	@mkdir -p dist
	cp .build/wheel/*.whl dist/
	$(BIN)/python tests/tools/stage.py .build/dist/ansible_collections/camsec/fleet
	$(BIN)/ansible-galaxy collection build --force --output-path dist .build/dist/ansible_collections/camsec/fleet

changelog: install  ## CHANGELOG.md out of changelogs/fragments, for the version in galaxy.yml
	$(BIN)/python tests/tools/stage.py .build/dist/ansible_collections/camsec/fleet
	cd .build/dist/ansible_collections/camsec/fleet && PATH="$(CURDIR)/$(BIN):$$PATH" antsibull-changelog release \
		--refresh --reload-plugins --update-existing
	cp .build/dist/ansible_collections/camsec/fleet/CHANGELOG.* .
	cp .build/dist/ansible_collections/camsec/fleet/changelogs/changelog.yaml changelogs/

clean:  ## remove everything that was made
	rm -rf .venv .venv-* .dev .build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis tests/output
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
