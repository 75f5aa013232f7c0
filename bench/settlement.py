"""A month of orders split among four parties on SQLite: how long, and how much memory.

The orders are rows as charges leave them, each with its bill and with the postings that paid it.
A settlement at the command line splits them, is killed on its way with SIGKILL, and goes on where
it was; what counts is the time of both parts.  Then C{ledger verify} goes through the books.
What is resident is the highest that the process ever was, as the kernel says.

C{python -m bench.settlement [--orders 1000000]}
"""

import argparse
import os
import re
import signal
import subprocess
import sys
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import Engine, insert

from bench.results import keep
from chargecloud.calendar import Calendar
from chargecloud.cli.opening import AtOnce, result_of
from chargecloud.domain.chain import GENESIS, chained
from chargecloud.domain.order_rows import instant_ms
from chargecloud.domain.split import Level
from chargecloud.money.settlement.parties import Parties
from chargecloud.money.settlement.rules import Every, SplitRules
from chargecloud.storage.engine import for_writing, open_engine
from chargecloud.storage.ids import Ids
from chargecloud.storage.roster import Roster
from chargecloud.storage.schema import (
    accounts,
    customers,
    ledger_heads,
    order_splits,
    orders,
    postings,
    sites,
    tenants,
)
from chargecloud.storage.store import Store
from chargecloud.storage.transactions import Transactions
from chargecloud.storage.writer import Writer

CLI = "import sys; from chargecloud.cli import main; sys.exit(main())"
TENANT, SITES, CUSTOMERS, NODE = 1, 50, 20_000, 9
BEGIN = datetime(2026, 10, 1, tzinfo=UTC)
MONTH_S = 30 * 86_400
AT_ONCE = 20_000
#: what `make bench` may not go over
MOST_S, MOST_MIB = 180, 400
#: how far it is when it is killed
KILLED_AT = 0.4


def _order(order_id: int, number: int, count: int) -> dict[str, Any]:
    ended = BEGIN + timedelta(seconds=number * MONTH_S // count)
    electricity_fen, service_fen = 20 + number * 7 % 180, 10 + number * 13 % 90
    began_ms, ended_ms = instant_ms(ended) - 3_600_000, instant_ms(ended)
    lines = [
        {
            "fee": fee,
            "start_ms": began_ms,
            "end_ms": ended_ms,
            "quantity": 400_000,
            "unit": "mWh",
            "unit_price": 60_000,
            "price_per": "kWh",
            "amount_fen": fen,
            "rule": "flat",
        }
        for fee, fen in (("electricity", electricity_fen), ("service", service_fen))
    ]
    return {
        "id": order_id,
        "tenant_id": TENANT,
        "site_id": 1 + number % SITES,
        "charger_id": 1 + number % 5_000,
        "port": 1 + number % 10,
        "customer_id": 1 + number % CUSTOMERS,
        "tariff_id": 1,
        "tariff_version": 1,
        "time_zone": "Asia/Shanghai",
        "start_key": str(order_id),
        "origin": "api",
        "state": "settled",
        "version": 4,
        "held_fen": 0,
        "until_full": True,
        "created_at": ended,
        "started_at": ended,
        "suspended_s": 0,
        "ended_at": ended,
        "settled_at": ended,
        "start_meter_mwh": 0,
        "end_meter_mwh": 400_000,
        "charged_s": 3_600,
        "marks": [[began_ms, 0], [ended_ms, 400_000]],
        "electricity_fen": electricity_fen,
        "service_fen": service_fen,
        "amount_fen": electricity_fen + service_fen,
        "bill": {"tariff_id": 1, "tariff_version": 1, "made_by": None, "lines": lines},
    }


class _Ledger:
    """A chain of postings, as one node has written it."""

    def __init__(self, new_id: Any) -> None:
        self._new_id = new_id
        self.seq, self.digest = 0, GENESIS

    def row(self, order: dict[str, Any], fee: str, debit: str, customer: int) -> dict[str, Any]:
        """Of what a fee of an order was paid with."""
        self.seq += 1
        cause = "top_up" if debit == "cash" else "capture"
        credit = ("wallet", customer) if debit == "cash" else (f"{fee}_fees", 0)
        of = (debit, 0 if debit == "cash" else customer)
        posting_id, fen = self._new_id(), order["amount_fen" if debit == "cash" else f"{fee}_fen"]
        at_ms = instant_ms(order["ended_at"])
        self.digest = chained(
            *(self.digest, TENANT, NODE, self.seq, posting_id, at_ms, of, credit, fen),
            *(cause, order["id"]),
        )
        return {
            "id": posting_id,
            "tenant_id": TENANT,
            "at": order["ended_at"],
            "debit_kind": of[0],
            "debit_owner_id": of[1],
            "credit_kind": credit[0],
            "credit_owner_id": credit[1],
            "amount_fen": fen,
            "cause": cause,
            "reference_id": order["id"],
            "node": NODE,
            "seq": self.seq,
            "digest": self.digest,
        }


def _fill(engine: Engine, count: int) -> None:
    """What a month has left behind."""
    new_id = Ids(time.time, NODE).next
    ledger = _Ledger(new_id)
    with for_writing(engine).begin() as connection:
        connection.execute(insert(tenants).values(id=TENANT, name="bench", created_at=BEGIN))
        about = {"tenant_id": TENANT, "created_at": BEGIN}
        places = {**about, "time_zone": "Asia/Shanghai", "version": 1}
        rows = [{**places, "id": each, "name": f"site {each}"} for each in range(1, SITES + 1)]
        connection.execute(insert(sites), rows)
        people = [{**about, "id": each, "name": "", "is_guest": False} for each in _people()]
        connection.execute(insert(customers), people)
        kinds = ("wallet", "gift", "held", "receivable")
        kept = [
            {"tenant_id": TENANT, "kind": kind, "owner_id": each, "balance_fen": 0}
            for each in _people()
            for kind in kinds
        ]
        connection.execute(insert(accounts), kept)
    for first in range(0, count, AT_ONCE):
        made = [_order(new_id(), each, count) for each in range(first, min(first + AT_ONCE, count))]
        posted = []
        for order in made:
            who = order["customer_id"]
            posted.append(ledger.row(order, "", "cash", who))
            posted += [ledger.row(order, fee, "wallet", who) for fee in ("electricity", "service")]
        waiting = [
            {"order_id": order["id"], "tenant_id": TENANT, "state": "waiting", "version": 1}
            for order in made
        ]
        with for_writing(engine).begin() as connection:
            for table, rows in ((orders, made), (postings, posted), (order_splits, waiting)):
                connection.execute(insert(table), rows)
    head = {"tenant_id": TENANT, "node": NODE, "seq": ledger.seq, "digest": ledger.digest}
    with for_writing(engine).begin() as connection:
        connection.execute(insert(ledger_heads).values(head))


def _people() -> range:
    return range(1, CUSTOMERS + 1)


def _rule(engine: Engine) -> None:
    """Four parties: electricity to the owner, service to all, the channel's 0.6 percent off."""
    new_ids, calendar = Ids(time.time, NODE + 1), Calendar(time.time)
    transactions = Transactions(for_writing(engine), NODE + 1, new_ids.next)
    writer = Writer(transactions, AtOnce(), calendar, NODE + 1)
    store = Store(engine, new_ids, writer, AtOnce(), Roster(NODE + 1))
    parties = Parties(store, calendar)
    levels = (Level.PLATFORM, Level.OPERATOR, Level.OWNER, Level.AGENT)
    of = [
        str(result_of(parties.create(None, TENANT, level, level.value, {})).id) for level in levels
    ]
    platform, operator, owner, agent = ({"party_id": each} for each in of)
    terms = {
        "electricity": [
            {**owner, "basis_points": 9_000},
            {**operator, "basis_points": 1_000},
        ],
        "service": [
            {**operator, "rest": True},
            {**platform, "basis_points": 500},
            {**owner, "fixed_fen": 2},
            {
                **agent,
                "tiers": [{"up_to_fen": 50, "basis_points": 1_000}, {"basis_points": 2_000}],
            },
        ],
        "channel_fees": {"wallet": 60},
    }
    about: dict[str, Any] = {
        "name": "all",
        "site_id": None,
        "every": Every.MONTH,
        "deferred_days": 0,
    }
    about |= {"valid_from": date(2026, 1, 1), "valid_until": None, "terms": terms}
    result_of(SplitRules(store, calendar, parties).create(None, TENANT, **about))


def _settled(config: Path, which: list[str], kill_at: float | None) -> tuple[float, float, float]:
    """Settle, up to a point or to the end: seconds, those of a core, and MiB that were resident."""
    command = [sys.executable, "-c", CLI, "settle", *which, "--config", str(config)]
    began_s, most_mib = time.monotonic(), 0.0
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as running:  # noqa: S603
        assert running.stderr is not None
        for line in running.stderr:
            sys.stderr.write(line)
            most_mib = _resident_mib(running.pid) or most_mib
            percent = re.search(r"\] +(\d+)%", line)
            if kill_at is not None and percent and int(percent[1]) >= 100 * kill_at:
                running.send_signal(signal.SIGKILL)
        _, status, usage = os.wait4(running.pid, 0)
        running.returncode = os.waitstatus_to_exitcode(status)
    if running.returncode != (0 if kill_at is None else -signal.SIGKILL):
        raise SystemExit(f"the settlement has ended with {running.returncode}")
    taken_s = time.monotonic() - began_s
    return taken_s, usage.ru_utime + usage.ru_stime, most_mib


def _resident_mib(pid: int) -> float | None:
    """
    The most that a process ever had resident; C{None} if it is over.

    Not the C{ru_maxrss} of a child: that begins with what its parent had when it was forked, which
    here is a process that has just made a million orders.
    """
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return None
    found = re.search(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
    return int(found[1]) / 1024 if found else None


def main() -> int:
    """Fill, settle, be killed, go on, and go through the books."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=1_000_000)
    given = parser.parse_args()
    with TemporaryDirectory(prefix="settlement-") as folder:
        config = Path(folder) / "bench.toml"
        config.write_text(f'[node]\ndata_dir = "{folder}"\n')
        engine = open_engine(f"sqlite:///{folder}/chargecloud.db")
        ours = [sys.executable, "-c", CLI]
        subprocess.run([*ours, "db", "upgrade", "--config", str(config)], check=True)  # noqa: S603
        _fill(engine, given.orders)
        _rule(engine)
        first_s, first_core_s, first_mib = _settled(config, ["--tenant", str(TENANT)], KILLED_AT)
        with engine.connect() as connection:
            found = connection.exec_driver_sql("SELECT id, seen FROM settlements")
            settlement_id, seen = found.one()
        then_s, then_core_s, then_mib = _settled(config, ["--resume", str(settlement_id)], None)
        with engine.connect() as connection:
            asked = "SELECT state, orders, held FROM settlements"
            state, split, held = connection.exec_driver_sql(asked).one()
        verify = [*ours, "ledger", "verify"]
        began_s = time.monotonic()
        books = subprocess.run([*verify, "--config", str(config)], check=False)  # noqa: S603
        verify_s = time.monotonic() - began_s
        engine.dispose()
    taken_s, mib = first_s + then_s, max(first_mib, then_mib)
    keep(
        "settlement",
        {
            "settlement_orders": split,
            "settlement_seconds": round(taken_s, 1),
            "settlement_core_seconds": round(first_core_s + then_core_s, 1),
            "settlement_mib": round(mib),
            "settlement_killed_at": seen,
            "settlement_verify_seconds": round(verify_s),
        },
    )
    is_whole = (state, split, held) == ("done", given.orders, 0) and not books.returncode
    # one that was killed before its first batch, or after its last, has proved nothing
    was_on_its_way = 0 < seen < given.orders
    return 0 if is_whole and was_on_its_way and taken_s <= MOST_S and mib <= MOST_MIB else 1


if __name__ == "__main__":
    sys.exit(main())
