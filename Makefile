# The two commands of a fresh clone are `make run` and `make test`; both set up what they need.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# set-up is done again when what it depends on changes
STAMP := $(VENV)/.installed
# the tests start the platform a hundred times: it is compiled once
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test test-databases services cluster soak campus acn fuzz lint bench format clean

run: $(STAMP)
	$(BIN)/twist --log-format=text chargecloud --config etc/demo.toml

# four at a time on two cores: the longest ones come first, and mostly wait
test: $(STAMP) services
	$(BIN)/python -m pytest -n 4 --maxschedchunk 1
	$(BIN)/trial --reactor=default --temp-directory=$(VENV)/_trial tests/trial/test_*.py

# the tests of the rooms that know SQL, all of them on each kind of database; half an hour
test-databases: $(STAMP) services
	$(BIN)/python -m pytest -n 4 --maxschedchunk 1 --databases all \
	  tests/storage tests/registry tests/money tests/charging tests/features

# what some tests need of this machine; those that miss something say so, and what would help
services:
	@command -v arm-none-eabi-gcc >/dev/null || { \
	  [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
	  && timeout 180 sh -c 'apt-get update && apt-get install -y --no-install-recommends \
	       gcc-arm-none-eabi libnewlib-arm-none-eabi' >/dev/null 2>&1; } \
	  || echo "to measure the client for boards: apt-get install gcc-arm-none-eabi"
	@(for program in mariadbd postgres redis-server haproxy; do \
	  PATH="$$PATH:/usr/sbin" command -v $$program >/dev/null || exit 1; done) || { \
	  [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
	  && timeout 300 sh -c 'apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
	       mariadb-server postgresql redis-server haproxy' >/dev/null 2>&1 \
	  && for program in postgres initdb; do \
	       ln -sf "$$(ls -d /usr/lib/postgresql/*/bin | tail -1)/$$program" /usr/local/bin/; done; } \
	  || echo "to test on servers: apt-get install mariadb-server postgresql redis-server haproxy, and have mariadbd, postgres and initdb in the PATH"

# the long trials: 50 kills under 300 running charges, 200 while money moves, bad networks, storms, a database
# that is away, bad peers, and ten hours of churn in accelerated time; over an hour
soak: $(STAMP)
	$(BIN)/python -m tests.soak.kills
	$(BIN)/python -m tests.soak.ledger_kills
	$(BIN)/python -m tests.soak.badnet
	$(BIN)/python -m tests.soak.cluster_kills --database mariadb
	$(BIN)/python -m tests.soak.cluster_kills --database postgresql
	$(BIN)/python -m tests.soak.cluster_kills --rolling --charges 300 --boxes 60
	$(BIN)/python -m tests.soak.outages
	$(BIN)/python -m tests.soak.outages --database mariadb
	$(BIN)/python -m tests.soak.outages --database postgresql --allow
	$(BIN)/python -m tests.soak.siege
	$(BIN)/python -m tests.soak.churn

# the reference day of a campus, lived twice in accelerated time; twenty minutes
campus: $(STAMP)
	$(BIN)/python -m tests.soak.campus

# the real sessions of a garage: a week over sockets, and all of two years on clocks; a quarter of an hour
acn: $(STAMP)
	$(BIN)/python -m tests.soak.acn

# each dialect's frames under a coverage-guided fuzzer, a minute each; what it finds is kept in
# tests/fuzz/corpus, which "make test" goes through
fuzz: $(STAMP)
	$(BIN)/python -m pip install --quiet -c .ci/constraints.txt -e '.[fuzz]'
	$(BIN)/python -m tests.fuzz

# several processes on MariaDB, Redis and HAProxy here, with simulated chargers; Ctrl-C stops it
cluster: $(STAMP) services
	$(BIN)/python -m tests.cluster

bench: $(STAMP) services
	$(BIN)/python -m bench.heartbeats
	$(BIN)/python -m bench.memory
	$(BIN)/python -m bench.commands
	$(BIN)/python -m bench.web
	$(BIN)/python -m bench.orders
	$(BIN)/python -m bench.storm
	$(BIN)/python -m bench.wire
	$(BIN)/python -m bench.starts
	$(BIN)/python -m bench.cluster
	$(BIN)/python -m bench.quotes
	$(BIN)/python -m bench.settlement

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) build dist *.egg-info

$(STAMP): setup.py pyproject.toml .ci/constraints.txt $(wildcard plugins/*/setup.py)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "ChargeCloud needs Python 3.11 or newer: make PYTHON=python3.12 …"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip -c .ci/constraints.txt
	$(BIN)/python -m pip install --quiet -c .ci/constraints.txt -e '.[dev]' \
	  $(patsubst %/setup.py,-e %,$(wildcard plugins/*/setup.py))
	@touch $@
