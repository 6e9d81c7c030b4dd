# Everything a newcomer needs. Only make and Python 3.11 or newer have to be there already.
#
#   PYTHON=/path/to/python3    which Python to set up with
#   ARGS="--calls 4"           more arguments for rehearse, up, bench, test and cluster
#   COMPARE=file.json          an earlier bench.json to hold a bench against

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory
SHELL := /bin/sh

BIN := .venv/bin
ARGS ?=
COMPARE ?=
READY := .venv/.ready
# Nodes and images need root. Programs are built before, and found where the user has them.
AS_ROOT := $(if $(filter-out 0,$(shell id -u)),sudo -E env HOME="$(HOME)" PATH="$(PATH)" PYTHONDONTWRITEBYTECODE=1)

.PHONY: help
help: ## Say what there is to make
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  make %-19s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: $(READY) ## Set up .venv with every dependency, as pinned

$(READY): requirements.lock pyproject.toml tools/setup.sh
	@sh tools/setup.sh .venv
	@touch $@

.PHONY: programs
programs: setup ## Build the programs of others that calls need (once; about two minutes)
	@$(BIN)/python -m callfleet_tools build --for calls >/dev/null

.PHONY: cluster-programs
cluster-programs: setup ## Build a Kubernetes control plane, for tests (once; about ten minutes)
	@$(BIN)/python -m callfleet_tools build --for cluster >/dev/null

.PHONY: chart-programs
chart-programs: setup ## Build helm, for the charts and their tests (once; about three minutes)
	@$(BIN)/python -m callfleet_tools build --for charts >/dev/null

.PHONY: monitoring-programs
monitoring-programs: setup ## Build Prometheus and Alertmanager, for alerts (once; about four minutes)
	@$(BIN)/python -m callfleet_tools build --for monitoring >/dev/null

.PHONY: node-programs
node-programs: setup ## Build a control plane and a node, for real pods (once; about 15 minutes)
	@$(BIN)/python -m callfleet_tools build --for cluster --for node >/dev/null

.PHONY: all-programs
all-programs: setup ## Build all of these in one go (once; about 15 minutes)
	@$(BIN)/python -m callfleet_tools build >/dev/null

.PHONY: images
images: setup ## Make the images of worker, operator and rehearsal into dist/images
	@mkdir -p dist/images
	@$(AS_ROOT) $(BIN)/python -m callfleet_tools images --out dist/images $(ARGS)

.PHONY: rehearse
rehearse: programs ## Place ten simultaneous calls and give a verdict (ARGS="--calls 4" …)
	@$(BIN)/callfleet rehearse $(ARGS)

.PHONY: up
up: programs ## Start the local stack, watched by Prometheus, until Ctrl-C (ARGS=--no-monitoring)
	@$(BIN)/callfleet up $(ARGS) || [ $$? -eq 130 ]

.PHONY: cluster
cluster: setup ## Bring up a real Kubernetes with a fleet in it; again, a change of code (ARGS=--bare)
	@$(BIN)/python -m callfleet_tools build --for cluster --for node $(if $(filter --bare,$(ARGS)),,--for calls --for charts) >/dev/null
	@$(AS_ROOT) $(BIN)/python -m callfleet_tools.node up $(ARGS)

.PHONY: cluster-down
cluster-down: setup ## Take that down again (ARGS=--everything removes its images too)
	@$(AS_ROOT) $(BIN)/python -m callfleet_tools.node down $(ARGS)

.PHONY: bench
bench: programs ## Measure workers side by side, 90 min (ARGS="--calls 10" COMPARE=bench.json)
	@$(BIN)/callfleet bench $(if $(COMPARE),--compare "$(COMPARE)") $(ARGS)

.PHONY: profile
profile: programs ## Say where a call's CPU time goes: flame graph and tables (ARGS="--join" …)
	@$(BIN)/callfleet profile $(ARGS)

.PHONY: test
test: setup ## Pass all tests (ARGS="tests/unit -k marker" for some of them)
	@$(BIN)/python -m callfleet_tools build --for calls --for cluster --for charts --for monitoring >/dev/null
	@$(BIN)/python tools/test.py $(ARGS)

.PHONY: test-cluster
test-cluster: all-programs ## Pass the tests that need real pods, on a cluster of their own
	@$(AS_ROOT) $(BIN)/pytest -p no:cacheprovider tests/cluster $(ARGS)

.PHONY: test-images
test-images: programs ## Make the images and pass their tests: containers as strict as pods
	@$(AS_ROOT) $(BIN)/python -m callfleet_tools images
	@$(AS_ROOT) $(BIN)/pytest -p no:cacheprovider tests/images $(ARGS)

.PHONY: check
check: setup ## Judge form and types: ruff, mypy, import rules
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

# Each of these writes something that is kept in git, and with --check says whether it still fits.
GENERATORS := tools/lock.py -mcallfleet_worker.settings_docs -mcallfleet_operator.crd.generate \
	-mcallfleet_operator.crd.page -mcallfleet_operator.settings_docs \
	-mcallfleet_rehearsal.emulator.frames_table -mcallfleet_rehearsal.sound.generate \
	charts/generator dashboards/generator

.PHONY: verify
verify: setup ## See that everything that is generated is what its generator makes now
	@set -e; for one in $(GENERATORS); do $(BIN)/python $$one --check; done

.PHONY: lock
lock: setup ## Pin the dependencies anew (ARGS=--upgrade takes newer versions)
	@$(BIN)/python tools/lock.py $(ARGS)

.PHONY: format
format: setup ## Lay out the code as ruff would
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix --show-fixes .

.PHONY: clean
clean: ## Remove the virtual environment, caches of this folder and rehearsals
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis rehearsals dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
