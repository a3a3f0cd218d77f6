# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
# Two apt-get at once would stop each other.
.NOTPARALLEL:

PYTHON ?= python3
# Network namespaces need root; with one user for everything no file of .venv, .nox or build/ is out of another's reach.
SUDO := $(if $(filter-out 0,$(shell id -u)),sudo -EH)
NOX := $(SUDO) .venv/bin/nox --noxfile noxfile.py
SESSIONS := lint docs sanity galaxy unit core-2.17 core-2.18 kernel integration examples jobs vm vm-others molecule

# Ansible refuses to start in a locale that is not UTF-8, and a bare environment has none.
export LC_ALL := C.UTF-8
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help demo test quick benchmark fuzz clean $(SESSIONS)

help: ## list the targets
	@sed -nE 's/^([a-z]+):.*## (.*)/make \1\t\2/p' Makefile | expand -t 20
	@echo "make SESSION        one of: $(SESSIONS)"

demo: needs-demo .venv/ready ## set everything up, install the built collection and show it at work
	@$(NOX) --session demo

benchmark: needs-demo .venv/ready ## compare with other ways, into benchmarks/results; a part with ARGS="--sizes 1,100"
	@$(NOX) --session $@ -- $(ARGS)

fuzz: needs-demo .venv/ready ## feed random bytes to whatever is read, for a minute; longer with ARGS=-max_total_time=3600
	@$(NOX) --session $@ -- $(or $(ARGS),-max_total_time=60)

examples integration kernel vm vm-others molecule test: needs-test
test: .venv/ready ## set everything up and run every check and test
	@$(SUDO) tests/checks/run_sessions .venv/bin/nox --noxfile noxfile.py

quick: needs-demo .venv/ready ## style, pure code and the core of the kernel tests, in a few minutes
	@$(NOX) --session lint unit quick

$(SESSIONS): .venv/ready
	@$(NOX) --session $@ $(if $(ARGS),-- $(ARGS))

needs-demo needs-test: needs-%:
	@$(SUDO) tests/checks/install_packages $* $(PYTHON)

.venv/ready: tests/checks/constraints.txt | needs-demo
	$(SUDO) $(PYTHON) -m venv --clear .venv
	$(SUDO) .venv/bin/python -m pip install --quiet --constraint tests/checks/constraints.txt nox
	$(SUDO) touch $@

clean: ## remove what the other targets have made
	$(SUDO) rm -rf .ansible .mypy_cache .nox .pytest_cache .ruff_cache .venv build tests/output fleetnet-macvlan-*.tar.gz
	$(SUDO) find . -name __pycache__ -prune -exec rm -rf {} +
