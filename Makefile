# Needs Python >= 3.11 and make; everything else goes into the private .venv.
# ARGS='...' is passed on, e.g. make eval ARGS='--lms-limit 40'

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
USER_STAMP := $(VENV)/.installed-for-use
ARGS ?=

# Some environments set it: each of the thousand processes that the tests start would compile everything anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help

.PHONY: help
help: ## what there is
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

# make eval, serve and report need what a user needs; tests and checks need more.
INSTALL = $(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check --editable

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python >= 3.11 is needed, $(PYTHON) is $$($(PYTHON) --version 2>&1): make PYTHON=python3.12 ..." >&2; exit 2; }
	@$(PYTHON) -m venv $(VENV) \
	  || { echo "Python's venv module is needed (Debian: apt-get install python3-venv)." >&2; exit 2; }

$(USER_STAMP): pyproject.toml | $(BIN)/python
	@echo "Installing into $(VENV) (half a minute) ..."
	@$(INSTALL) '.[embedded]'
	@touch $@

$(STAMP): pyproject.toml | $(BIN)/python
	@echo "Installing into $(VENV), with what the tests need (about a minute) ..."
	@$(INSTALL) '.[dev]'
	@touch $(USER_STAMP) $@

.PHONY: eval
eval: $(USER_STAMP) ## the main job on the embedded server: two models, all tasks, who takes which, and the page
	@$(BIN)/lms-harness run --url embedded --model '*q4_0' --model '*q8_0' --limit 6 --max-output-tokens 56 --latency-budget 12s -- $(ARGS)
	@$(BIN)/lms-harness report -o results/report.html

.PHONY: report
report: $(USER_STAMP) ## the page again, of the newest runs, results/report.html; ARGS='RUN... -o FILE'
	@$(BIN)/lms-harness report -o results/report.html $(ARGS)

.PHONY: serve
serve: $(USER_STAMP) ## the embedded LM Studio-compatible server on port 1234
	@$(BIN)/lms-harness serve $(ARGS)

.PHONY: live
live: URL ?= http://127.0.0.1:1234
live: $(USER_STAMP) ## whether a real LM Studio behaves as documented: URL=http://127.0.0.1:1234 [MODEL=KEY]
	@$(BIN)/lms-harness live '$(URL)' $(if $(MODEL),--model '$(MODEL)') $(ARGS)

.PHONY: nightly nightly-models
nightly: URL ?= embedded
nightly: $(STAMP) ## a run, compared with the runs in baseline/, which it joins if it passes: [URL=http://127.0.0.1:1234]
	@# A run in which a test fails (1) is compared all the same: the gate says what is worse. Other codes end it.
	@$(BIN)/lms-harness run --url '$(URL)' --model all --suite offload --suite latency $(NIGHTLY_SIZE) $(ARGS) -- --junitxml=nightly.xml; \
	  code=$$?; test $$code -le 1 || exit $$code; $(BIN)/lms-harness gate baseline/ --update && exit $$code

# The embedded server's models are small and slow on a CPU: a quarter of an hour.
NIGHTLY_SIZE = $(if $(filter embedded,$(URL)),--limit 15 --max-output-tokens 56 --latency-budget 20s)
MODELS_LOCK := .github/models.lock
MODELS_HAD := $(HOME)/.lmstudio/lms-harness-models.lock
nightly-models: ## let LM Studio download what .github/models.lock names, if that has changed
	@cmp -s $(MODELS_LOCK) $(MODELS_HAD) \
	  || { grep -v '^#' $(MODELS_LOCK) | while read -r model; do lms get "$$model" -y < /dev/null || exit 1; done \
	  && mkdir -p $(dir $(MODELS_HAD)) && cp $(MODELS_LOCK) $(MODELS_HAD); }

.PHONY: test test-quick
test: $(STAMP) ## the project's own tests
	@$(BIN)/python -m tests.page.provision
	@$(BIN)/python -m pytest -rs -n 4 $(ARGS)

# What takes longest in these folders: a megabyte of each hostile text, and simulated worlds.
NOT_QUICK := not megabyte and not test_worlds
QUICK := domain scoring serving stats store verdict task selection report run/plan run/ask
test-quick: $(STAMP) ## pure units, no server processes: under a minute
	@$(BIN)/python -m pytest -q -n 2 -m 'not torture and not embedded' -k '$(NOT_QUICK)' $(addprefix tests/,$(QUICK)) $(ARGS)

.PHONY: coverage
coverage: $(STAMP) ## the same with branch coverage, which takes twice as long
	@$(BIN)/python -m coverage erase
	@$(BIN)/python -m coverage run -m pytest -q -n 4 $(ARGS)
	@$(BIN)/python -m coverage combine --quiet
	@$(BIN)/python -m coverage report --skip-covered --fail-under=80

.PHONY: torture torture-kill torture-writer
torture: torture-kill torture-writer $(STAMP) ## kill and writer campaigns, then all tests marked torture (an hour)
	@$(BIN)/python -m pytest -q -m torture

torture-kill: $(STAMP) ## 500 runs killed at random moments, beside foreign clients
	@$(BIN)/python -m tests.torture.campaign kill --runs 500 $(ARGS)

torture-writer: $(STAMP) ## 1000 processes killed while they write
	@$(BIN)/python -m tests.torture.campaign writer --kills 1000 $(ARGS)

.PHONY: bench bench-quick bench-costs
bench: $(STAMP) ## the race against raw httpx, pytest and other harnesses (a quarter of an hour): ARGS='--peer NAME --rounds N'
	@$(BIN)/python -m tests.bench --json build/bench/race.json $(ARGS)

bench-quick: $(STAMP) ## this project against raw httpx and an empty pytest, and the targets: two minutes
	@$(BIN)/python -m tests.bench --quick $(ARGS)

bench-costs: $(STAMP) ## what the reaper costs a run, and what choose takes over 10k, 100k and 1M samples
	@$(BIN)/python -m tests.torture.campaign reaper-cost
	@$(BIN)/python -m tests.torture.campaign choose-cost

.PHONY: bench-engine
bench-engine: $(STAMP) ## how much of llama.cpp's own speed a client of the embedded server gets: on an idle machine
	@$(BIN)/python -m tests.bench.engine $(ARGS)

.PHONY: torture-resume
torture-resume: $(STAMP) ## 200 killed runs, each resumed until it equals a whole one
	@$(BIN)/python -m tests.torture.resume_campaign --kills 200 $(ARGS)

.PHONY: check
check: $(STAMP) ## format, lint, types, layers
	@$(BIN)/ruff format --check --quiet . || { echo "Run: $(BIN)/ruff format ." >&2; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports | tail -n 12
	@$(BIN)/check-jsonschema -q --builtin-schema vendor.github-workflows .github/workflows/*.yml
	@if command -v actionlint > /dev/null; then actionlint; fi

.PHONY: docs
docs: $(STAMP) ## the reference of the command line, docs/cli.md, from the code
	@$(BIN)/python -m harness.cli.reference docs/cli.md

# The package needs Python >= 3.12 and has many dependencies of its own, so it gets an environment of its own.
.PHONY: validate-export
validate-export: $(STAMP) ## an export of the newest run (or RUN=FILE), checked by the package every_eval_ever
	@for python in '$(PYTHON)' python3.14 python3.13 python3.12; do \
	  "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 12))' 2>/dev/null && found="$$python" && break; done; \
	  test -n "$$found" || { echo "Python >= 3.12 is needed: make validate-export PYTHON=python3.12" >&2; exit 2; }; \
	  test -x $(VENV)/eee/bin/every_eval_ever || { "$$found" -m venv $(VENV)/eee \
	    && $(VENV)/eee/bin/python -m pip install --quiet --disable-pip-version-check 'every_eval_ever==0.3.0'; }
	@rm -rf build/export && $(BIN)/lms-harness export $(if $(RUN),'$(RUN)') --format eee -o build/export
	@cd build/export && { ../../$(VENV)/eee/bin/every_eval_ever validate 'data/*/*/*/*.json*' \
	  || test $$? -eq 2; } # 2: only warnings, such as that a key names no developer

.PHONY: transcripts
transcripts: $(STAMP) ## what docs/choosing.md shows, from its commands, on a scripted server
	@$(BIN)/python -m tests.acceptance.transcript

.PHONY: screenshot
screenshot: $(STAMP) ## after make eval: the picture of its page in the README, docs/report.png
	@$(BIN)/python -m tests.page.provision
	@$(BIN)/python -m tests.page.screenshot docs/report.png $(ARGS)

.PHONY: clean
clean: ## remove the private environment and all caches
	rm -rf $(VENV) .coverage* .hypothesis .benchmarks .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
