# Everything starts here: `make demo` shows it, `make test` proves it, `make help` lists the rest.
SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
PY := $(BIN)/python
SOURCES := $(wildcard libs/*/src) $(wildcard services/*/src) deploy/local
CLIP ?= deploy/local/clip.mp4
USER ?= demo
PLAN ?= pro
ROLE :=
SPACE := $(subst ,, )
HARNESS := $(subst $(SPACE),:,$(strip tests deploy/local $(wildcard libs/*/src) services/publisher/src services/stats-collector/src))
BENCHES := $(filter-out __init__ flame soak,$(basename $(notdir $(wildcard bench/*.py))))
# User is also what a shell calls its owner: only a value given to make counts.
ifneq ($(origin USER),command line)
USER := demo
endif

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

demo: $(BIN)/.run ## publish one clip to four simulated platforms (CLIP=file.mp4 takes yours)
	@$(PY) deploy/local/demo.py --clip "$(CLIP)"

test: $(BIN)/.dev ## run the tests against real servers of their own (ARGS=services/publisher: some)
	@$(BIN)/pytest -n 3 --dist loadscope -m "not full" $(ARGS)

test-full: $(BIN)/.dev ## run what takes long: pace, rollback, every failpoint, a short chaos run
	@$(BIN)/pytest -n 2 --dist loadscope -m full
	@$(MAKE) chaos ARGS=--short

chaos: $(BIN)/.dev ## kill, freeze and cut under load, then check every promise (SEED= MINUTES= PUBLICATIONS=)
	@PYTHONPATH=$(HARNESS) $(PY) -m chaos.run $(if $(SEED),--seed $(SEED)) $(if $(MINUTES),--minutes $(MINUTES)) \
		$(if $(PUBLICATIONS),--publications $(PUBLICATIONS)) $(ARGS)

bench: $(BIN)/.dev ## measure, write bench/results/<name>.json, show the goal table (ONLY=scale: that one)
	@export PYTHONPATH=$(HARNESS):.; failed=; measured=; for name in $(or $(ONLY),$(BENCHES)); do \
		if $(PY) -m bench.$$name; then measured="$$measured $$name"; else failed="$$failed $$name"; fi; done; \
		$(if $(ONLY),,$(PY) -m bench.measuring.combined $$measured;) test -z "$$failed" || { echo "failed:$$failed"; exit 1; }

flame: $(BIN)/.dev ## draw where a publishing worker spends its time (OUT=docs/flame.svg)
	@PYTHONPATH=$(HARNESS):. $(PY) -m bench.flame $(or $(OUT),docs/flame.svg)

soak: $(BIN)/.dev ## work steadily, and find out what grows (MINUTES=30 RATE=publications a second)
	@PYTHONPATH=$(HARNESS):. $(PY) -m bench.soak $(if $(MINUTES),--minutes $(MINUTES)) $(if $(RATE),--rate $(RATE))

fuzz: $(BIN)/.dev ## feed the MP4 reader broken files (MINUTES=10 SEED=)
	@FUZZ_MINUTES=$(or $(MINUTES),10) FUZZ_SEED=$(SEED) $(BIN)/pytest -q -s -k for_minutes \
		services/publisher/tests/media/test_fuzz.py

lint: $(BIN)/.dev ## style, types, import rule, unused dependencies
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy $(SOURCES) tests/support tests/chaos bench
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/deptry .
	@$(PY) docs/generate.py --check

up: $(BIN)/.run ## start the system and leave it running
	@$(PY) deploy/local/stack.py up

down: ## stop what `make up` started
	@test ! -x $(PY) || $(PY) deploy/local/stack.py down

logs: $(BIN)/.run ## follow the logs of every process
	@$(PY) deploy/local/stack.py logs

token: $(BIN)/.run ## print a bearer token (USER=… PLAN=free|start|pro|business ROLE=operator)
	@$(PY) deploy/local/stack.py token --user "$(USER)" --plan "$(PLAN)" $(if $(ROLE),--role "$(ROLE)")

doctor: $(BIN)/.run ## walk the checklist before a deployment in each running service
	@$(PY) deploy/local/stack.py doctor

docs: $(BIN)/.dev ## generate docs/events.md, docs/states.md and docs/checklist.md
	@$(PY) docs/generate.py

lock: $(BIN)/.dev ## lock the requirements anew, with hashes
	@$(BIN)/uv pip compile $(LOCK) requirements/run.in -o requirements.lock
	@$(BIN)/uv pip compile $(LOCK) requirements/dev.in -o requirements-dev.lock
	@$(BIN)/uv pip compile $(LOCK) requirements/conformance.in -o tests/conformance/requirements.lock
	@$(BIN)/uv pip compile $(LOCK) bench/peers/requirements.in -o bench/peers/requirements.lock
	@$(BIN)/uv pip compile $(LOCK) bench/flame.in -o bench/flame.lock
LOCK := --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --quiet

clean: down ## forget everything that was built or stored here
	@test ! -x $(PY) || $(PY) deploy/local/servers.py wipe
	@rm -rf .venv .local

$(BIN)/.run: requirements.lock deploy/local/make-venv.sh
	@deploy/local/make-venv.sh $(PYTHON) requirements.lock
	@touch $@

$(BIN)/.dev: requirements-dev.lock $(BIN)/.run
	@deploy/local/make-venv.sh $(PYTHON) requirements-dev.lock
	@touch $@

.PHONY: help demo test test-full chaos bench flame soak fuzz lint up down logs token doctor docs lock clean
