"""Durable starts of orders in a second, on each kind of database.

A start is what the platform commits for it: an order with its hold, port and log entry when it is
placed, and another decision under the charger's epoch when the charger has begun.  All goes through
the writer of one node, as fast as it takes it, in batches as they come about under load.  Servers
are private to the bench, on this machine, and their commits are on the disk when they return.

C{python -m bench.starts [--starts 20000] [--databases sqlite,postgresql,mariadb]}
"""

import argparse
import os
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.results import keep
from chargecloud.calendar import Calendar
from chargecloud.domain.decision import Change, Decision, Holds, Insert, LogEntry
from chargecloud.domain.ledger import Account, Post
from chargecloud.storage.engine import open_engine
from chargecloud.storage.migrate import upgrade
from chargecloud.storage.schema import metadata
from chargecloud.storage.store import Store
from tests.databases import KINDS, new_server
from tests.harness import NOW, Gathering, InStep, clock_at, result_of

_TENANT = 1


def _row(table: str, **known: object) -> dict[str, object]:
    """A row with what must be there."""
    filled: dict[str, object] = {
        column.name: NOW if column.name.endswith("_at") else [] if column.name == "marks" else 0
        for column in metadata.tables[table].columns
        if not column.nullable and column.server_default is None
    }
    return {**filled, "tenant_id": _TENANT, **known}


def _before(number: int) -> Decision:
    """A charger, its port, and a customer with money."""
    named = {"dialect": "native", "identity": f"EB-{number}", "name": "", "kind": "ebike"}
    charger = _row("chargers", id=number, epoch=7, boots_before=[], **named)
    accounts = [
        Insert("accounts", _row("accounts", kind=kind, owner_id=number, balance_fen=0))
        for kind in ("wallet", "held")
    ]
    paid_in = Post(Account(_TENANT, "cash"), Account(_TENANT, "wallet", number), 500, "top_up", 1)
    port = Insert("ports", {"tenant_id": _TENANT, "charger_id": number, "port": 1})
    return Decision((Insert("chargers", charger), port, *accounts, paid_in))


def _place(number: int) -> Decision:
    order = _row(
        "orders",
        id=number,
        charger_id=number,
        port=1,
        customer_id=number,
        time_zone="Asia/Shanghai",
        start_key=str(number),
        origin="api",
        state="starting",
        held_fen=500,
        until_full=True,
    )
    hold = Post(
        Account(_TENANT, "wallet", number), Account(_TENANT, "held", number), 500, "hold", number
    )
    port = {"charger_id": number, "port": 1}
    take = Change("ports", port, {"order_id": number}, {"order_id": None})
    told = LogEntry("order.placed", _TENANT, {"id": number}, number, number)
    return Decision((take, Insert("orders", order), hold), (told,))


def _begin(number: int) -> Decision:
    begun = Change(
        "orders",
        {"id": number},
        {"state": "charging", "version": 1, "started_at": NOW, "start_meter_mwh": 5},
        {"version": 0},
        Holds("chargers", {"id": number, "epoch": 7}),
    )
    told = LogEntry("order.started", _TENANT, {"id": number}, number, number)
    return Decision((begun,), (told,))


def _measure(url: str, starts: int) -> float:
    """Starts in a second."""
    engine = open_engine(url)
    upgrade(engine, {})
    clock = clock_at()
    gathering = Gathering()
    store = Store.open(
        engine,
        clock=clock,
        calendar=Calendar(clock.seconds),
        slot=1,
        writing=gathering,
        reading=InStep(),
    )

    def carry_out(decisions: Iterator[Decision]) -> None:
        decided = []
        for decision in decisions:
            decided.append(store.writer.decide(decision))
            if store.writer.waiting >= 10_000:
                gathering.do_all()
        gathering.do_all()
        for each in decided:
            result_of(each)

    carry_out(_before(number) for number in range(starts))
    began_s = time.perf_counter()
    # a charger begins when its order is on the disk, so both are never in one batch
    carry_out(_place(number) for number in range(starts))
    carry_out(_begin(number) for number in range(starts))
    took_s = time.perf_counter() - began_s
    engine.dispose()
    return starts / took_s


def _url(kind: str, folder: Path) -> str:
    if kind == "sqlite":
        return f"sqlite:///{folder}/chargecloud.db"
    return new_server(kind, durable=True).new_database()


def main() -> None:
    """Measure each in turn."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--starts", type=int, default=20_000)
    parser.add_argument("--databases", default=",".join(KINDS))
    arguments = parser.parse_args()
    figures: dict[str, object] = {"cores": os.cpu_count(), "starts": arguments.starts}
    for kind in arguments.databases.split(","):
        with TemporaryDirectory() as folder:
            figures[f"{kind}, a second"] = round(
                _measure(_url(kind, Path(folder)), arguments.starts)
            )
    keep("starts", figures)


if __name__ == "__main__":
    main()
