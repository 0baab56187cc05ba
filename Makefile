# One place for everything that a person or a CI job runs. Each target installs what it needs into .venv.
#
#   make demo       the main job: from the zoo's U-Net to a proven hls4ml project and its report
#   make netlist    the same, with every module of the mapped netlist simulated
#   make test       linters, types, the rules of imports and the fast test suite
#   make test-long  everything, the tests marked slow included
#   make test-quarter QUARTER=0..3  a quarter of the tests marked slow
#   make benchmark  measure this package beside plain hls4ml
#   make clean      remove what the targets made, the environment included

SHELL := /bin/sh
VENV ?= .venv
BIN := $(VENV)/bin
JOBS ?= $(shell nproc 2>/dev/null || echo 2)

QUARTER ?= 0
comma := ,

.PHONY: demo netlist test test-long test-quarter lint benchmark clean check-tools

demo: $(VENV)/.demo
	@$(BIN)/quantunet-hls generate brain_tumor_w4a6_b8d3 --board zcu104

netlist: $(VENV)/.demo
	@$(BIN)/quantunet-hls generate brain_tumor_w4a6_b8d3 --board zcu104 --netlist all

test: $(VENV)/.dev
	@$(MAKE) --no-print-directory lint
	$(BIN)/python -m pytest -n $(JOBS) -m "not slow"

test-long: $(VENV)/.dev
	$(BIN)/python -m pytest -n $(JOBS)

test-quarter: $(VENV)/.dev
	$(BIN)/python -m pytest -n $(JOBS) -m slow --quarter $(QUARTER)

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

benchmark: $(VENV)/.dev
	$(BIN)/python benchmarks/flow.py

# What pip can't install; said in one line each, with how to get it.
check-tools:
	@missing=""; \
	command -v python3 >/dev/null || missing="$$missing python3"; \
	command -v g++ >/dev/null || missing="$$missing g++"; \
	{ command -v python3 >/dev/null && python3 -c 'import ensurepip, venv' 2>/dev/null; } || missing="$$missing python3-venv"; \
	if [ -n "$$missing" ]; then \
		echo "Missing:$$missing. On Debian and Ubuntu: apt-get install$$missing" >&2; exit 1; \
	fi; \
	python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "python3 is $$(python3 -V), and 3.11 or newer is needed." >&2; exit 1; }

$(VENV)/bin/python: | check-tools
	@echo "Making $(VENV)"
	@python3 -m venv $(VENV)

# pip is silent while it downloads and unpacks: a dot every two seconds, as long as this shell lives.
define install
@echo "Installing the pinned packages into $(VENV)"; \
	{ while kill -0 $$$$ 2>/dev/null; do printf .; sleep 2; done; } & \
	dots=$$!; trap 'kill $$dots 2>/dev/null' EXIT; trap 'exit 130' INT TERM; \
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e "$(1)" && echo " installed"
endef

# The stamps say which extras are installed, and go stale with the pins.
$(VENV)/.demo: Makefile setup.py setup.cfg pyproject.toml constraints.txt | check-tools $(VENV)/bin/python
	$(call install,.[rtl])
	@touch $@

$(VENV)/.dev: Makefile setup.py setup.cfg pyproject.toml constraints.txt | check-tools $(VENV)/bin/python
	$(call install,.[train$(comma)rtl$(comma)sweep$(comma)dev])
	@touch $@ $(VENV)/.demo

clean:
	rm -rf $(VENV) build dist *.egg-info runs
	find hls_projects reports -mindepth 1 -maxdepth 1 ! -name README.md ! -name reference -exec rm -rf {} +
