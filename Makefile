# Two commands do everything: `make demo` and `make test`. Both set up what they need.
PYTHON ?= python3
CACHE  ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/callrec
VERSION := $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])')
LOCK    := requirements/$(VERSION).txt
BIN     := .venv/bin
# How long `make simulate` and `make bad-input` run, in seconds.
SECONDS = 600
TRIES = 600
# Packages of the distribution: the sound converter, the tools that set up a private PBX, and for tests a clock
# that goes wrong and what checks units of systemd. The released program is tried with the distribution's Python.
# Cards for telephones are printed by the browser, in a Japanese font.
SYSTEM_PACKAGES = ffmpeg debootstrap faketime openssl chromium adduser

# Tests that look at all there is, or fill the disk of all there is.
OWN_SYSTEM = tests/integration/test_disk.py tests/integration/test_reconciliation.py
# Tests with phones of their own: a process has those of one system.
OWN_PHONES = $(addprefix tests/integration/test_,demo.py two_pbxs.py released.py backup.py)

export CALLREC_CACHE := $(CACHE)
export PIP_CACHE_DIR := $(CACHE)/pip
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Where it is set, every process that is started compiles all of callrec again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test check unit simulate bad-input integration test-faults soak bench cards dist bundle deb setup \
    system reference locale prompts clean

demo: setup ## a whole system on this machine and one real call; ARGS=--stay leaves it up
	$(BIN)/callrec demo $(ARGS)

test: setup ## the whole suite
	$(MAKE) -j2 --output-sync=target check simulate bad-input SECONDS=30 TRIES=15 # each has work for one core
	$(MAKE) unit
	$(MAKE) integration
	$(MAKE) test-faults

check: setup ## style, types, imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

unit: setup ## seconds; needs nothing but Python
	TMPDIR=$(firstword $(wildcard /dev/shm) /tmp) $(BIN)/pytest -q -n auto --dist worksteal tests/unit $(ARGS)

simulate: setup ## SECONDS of a modelled office with many calls at once; SEED=… runs again what failed
	$(BIN)/python -m tests.simulation --seconds $(SECONDS) $(if $(SEED),--seed $(SEED))

bad-input: setup ## bad input for every command, for TRIES seconds; SEED=… begins with what failed
	$(BIN)/python -m tests.bad_input --seconds $(TRIES) $(if $(SEED),--seed $(SEED))

integration: setup ## minutes; real PBX, S3, databases and SIP phones; four systems side by side, two a database
	$(BIN)/pytest -q tests/clocks # a process of its own: another system is in it
	$(BIN)/pytest -q -n 2 --dist loadscope $(OWN_SYSTEM) # nobody else's leavings are in it
	$(BIN)/pytest -q -n 2 --dist loadscope $(OWN_PHONES)
	$(BIN)/pytest -q -n 4 --dist loadscope tests/integration $(patsubst %,--ignore=%,$(OWN_SYSTEM) $(OWN_PHONES)) $(ARGS)

test-faults: setup ## minutes; every fault while real calls go on; ARGS=-v also those that `make soak` has time for
	$(BIN)/pytest -q -n 2 --dist loadscope tests/faults $(or $(ARGS),-m "not slow")

soak: setup ## faults by chance, ten calls at once, for SECONDS (1800); SEED=… runs the same again
	$(BIN)/python -m tests.faults.soak --seconds $(if $(filter command line,$(origin SECONDS)),$(SECONDS),1800) $(if $(SEED),--seed $(SEED)) $(ARGS)

bench: setup ## hours; measures each thing beside an alternative, and writes docs/benchmarks; ARGS=--check compares
	$(BIN)/python -m bench $(ARGS)

dist: setup ## wheel and sdist, in dist/; `python -m build` makes the same
	$(BIN)/python -m hatchling build

bundle: setup ## one archive in dist/ that installs without a network; ARGS="--architecture aarch64" for another machine
	$(BIN)/python -m release.bundle $(ARGS)

deb: setup ## a package for the Debian of this machine, in dist/
	$(BIN)/python -m release.deb $(ARGS)

setup: system $(CACHE)/promtool .venv/ready

system:
	@missing=; for package in $(SYSTEM_PACKAGES); do \
	    command -v $$package >/dev/null 2>&1 || missing="$$missing $$package"; done; \
	command -v systemd-analyze >/dev/null 2>&1 || missing="$$missing systemd"; \
	fc-list :lang=ja 2>/dev/null | grep -q . || missing="$$missing fontconfig fonts-ipaexfont-gothic"; \
	for python in $(PYTHON) /usr/bin/python3; do \
	    $$python -c 'import venv, ensurepip' 2>/dev/null || missing="$$missing python3-venv"; done; \
	[ -z "$$missing" ] || { echo "installing$$missing"; apt-get update -qq && \
	    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null; }

# Only its checker of rules: the package itself would start a server that listens to everybody.
$(CACHE)/promtool:
	@mkdir -p $(CACHE) && unpacked=$$(mktemp -d) && chmod 777 $$unpacked && cd $$unpacked && \
	    { apt-get download -qq prometheus || { apt-get update -qq && apt-get download -qq prometheus; }; } && \
	    dpkg-deb -x prometheus_*.deb . && mv usr/bin/promtool $@.partial && mv $@.partial $@ && \
	    cd / && rm -rf --one-file-system $$unpacked

.venv/ready: $(LOCK) requirements/build-$(VERSION).txt pyproject.toml
	rm -rf .venv
	$(PYTHON) -m venv .venv
	$(BIN)/pip install -q --require-hashes -r requirements/build-$(VERSION).txt
	$(BIN)/pip install -q --require-hashes --no-build-isolation --use-pep517 -r $(LOCK)
	$(BIN)/pip install -q --no-deps --no-build-isolation -e .
	touch $@

reference: setup ## writes the generated pages of the documentation again
	$(BIN)/python -m tests.reference

cards: setup ## dist/cards.pdf: a page for phone staff, and cards for telephones to be filled in by hand
	mkdir -p dist
	$(BIN)/callrec policy card --blank -o dist/cards.html
	chromium --headless --no-sandbox --disable-gpu --no-pdf-header-footer --print-to-pdf=dist/cards.pdf dist/cards.html

locale: setup ## adds new texts to the translations and compiles them
	$(BIN)/python -m tests.messages

prompts: setup ## makes the announcements again from their texts
	$(BIN)/python prompts/make.py

clean: ## removes what was set up; the downloads in $(CACHE) stay
	rm -rf --one-file-system .venv .pbx .pbx.partial demo-output
