# Every command works from a fresh clone; the first one makes .venv and installs the locked packages.
# Paths are relative on purpose: the clone may lie in a folder with a space in its name.
PYTHON ?= python3
PY := .venv/bin/python
HOST ?= 127.0.0.1
PORT ?= 8000
export HOST PORT
# The tests of code: no processes, no browser, no engines of the system.
QUICK := "not engines and not processes and not browser"
# What reads code, measures growth, or asks processes of its own, which know today alone, is the same on every day.
DAYLESS := $(addprefix --ignore=tests/,architecture $(addprefix core/test_,$(addsuffix .py,any_request bodies growth patterns schema_words settings)))
# Compiled modules are kept: each of the many processes of the demo and the tests would compile them again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo run docs test test-other-day test-engines test-faults test-walk lint sbom bench lock format messages house clean

help:
	@echo "make demo          start everything on this machine and serve until Ctrl-C (PORT=$(PORT))"
	@echo "make run           the same for developers: restarts what reads a file that was changed, shows traces of errors"
	@echo "make test          the tests of code, of real processes and of the browser (needs chromium)"
	@echo "                   APP=outbox: the tests of that app alone, without processes and browser"
	@echo "make test-other-day  the tests of code on another day, which the commit chooses or TEST_DAY names"
	@echo "make test-engines  the parts that differ on Debian's PostgreSQL, with RabbitMQ and with Redis; all fault tests"
	@echo "make test-faults   the fault tests alone: workers, databases and brokers killed and stopped on purpose"
	@echo "make test-walk     every page in a real Chromium: axe in light and dark, a phone's width, German"
	@echo "make lint          ruff, mypy, import-linter, migrations and deployment checks"
	@echo "make sbom          what an installation is made of: var/sbom.cdx.json (CycloneDX) and var/licences.md"
	@echo "make docs          the guides as a site in var/site"
	@echo "make bench         the benchmarks; writes var/bench.json"

.venv/demo.lock: requirements/demo.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Signalbox needs Python 3.11 or newer; say which with PYTHON=python3.12"; exit 1; }
	@test -x $(PY) || $(PYTHON) -m venv .venv || { echo "Python cannot make a virtual environment here; on Debian: apt-get install python3-venv"; rm -rf .venv; exit 1; }
	$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements/demo.txt
	@cp requirements/demo.txt .venv/demo.lock

.venv/dev.lock: .venv/demo.lock requirements/dev.txt
	$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements/dev.txt
	@cp requirements/dev.txt .venv/dev.lock

demo: .venv/demo.lock
	@exec $(PY) -m config.demo

run: .venv/demo.lock
	@exec $(PY) -m config.demo.development

test: .venv/dev.lock
ifdef APP
	$(PY) -m pytest --quiet -m $(QUICK) tests/$(APP) $(ARGS)
else
	$(PY) -m pytest --quiet -m $(QUICK) --numprocesses 2 --dist worksteal $(ARGS)
	$(PY) -m pytest --quiet -m "(processes or browser) and not engines and not walk and not faults" --numprocesses 2 --dist loadfile $(ARGS)
endif

test-other-day: .venv/dev.lock
	TEST_DAY=$${TEST_DAY:-commit} $(PY) -m pytest --quiet -m $(QUICK) --numprocesses 2 --dist worksteal $(DAYLESS) $(ARGS)

test-faults: .venv/dev.lock
	$(PY) -m pytest --quiet -m faults $(ARGS)

test-walk: .venv/dev.lock
	$(PY) -m pytest --quiet -m walk $(ARGS)

test-engines: .venv/dev.lock
	$(PY) -m pytest --quiet -m "engines or faults" --numprocesses 2 --dist loadscope $(ARGS)

lint: .venv/dev.lock
	$(PY) -m tests.lint

# Of an installation by the lock of production, not of the developers' environment.
sbom: .venv/dev.lock
	@mkdir -p var
	$(PY) -m uv venv --quiet --clear --python $(PY) var/sbom
	$(PY) -m uv pip install --quiet --python var/sbom/bin/python --require-hashes --requirement requirements/base.txt
	$(PY) -m cyclonedx_py environment --pyproject pyproject.toml --mc-type application --output-reproducible \
	  --output-file var/sbom.cdx.json var/sbom/bin/python
	$(PY) -m tests.licences var/sbom.cdx.json var/licences.md

docs: .venv/dev.lock
	NO_MKDOCS_2_WARNING=1 $(PY) -m mkdocs build --quiet --strict

bench: .venv/dev.lock
	$(PY) -m bench $(ARGS)

format: .venv/dev.lock
	$(PY) -m ruff format .
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .
	.venv/bin/djangofmt templates
	.venv/bin/djangofmt --profile jinja templates/*/mail/*.html
	.venv/bin/oxfmt static

lock:
	for set in base demo dev; do \
	  case $$set in base) extra="";; demo) extra="--extra demo";; dev) extra="--extra demo --extra dev --extra docs";; esac; \
	  $(PY) -m uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header $$extra --output-file requirements/$$set.txt pyproject.toml; \
	done

messages: .venv/dev.lock
	$(PY) -m tests.messages

house: .venv/dev.lock
	$(PY) -m tests.house

clean:
	rm -rf .venv var staticfiles
