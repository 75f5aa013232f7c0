"""Durable starts of orders in a second, on each kind of database, and how long one takes.

A start is what the platform commits before it tells a charger to start: the order, its hold, its
port under the charger's epoch, and the entry of the log.  All goes through the writer of one node,
as the service runs it: first as fast as it takes it, then so many each second as are wanted, when
it is told how long each took.  Servers are private to the bench, on this machine, and what they
have committed is on the disk when they say so.

C{python -m bench.starts [--starts 20000] [--a-second 3000] [--databases sqlite,…]}
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import deferLater, react

from bench.results import keep
from chargecloud.calendar import Calendar
from chargecloud.collecting import keep_what_is_there
from chargecloud.domain.decision import Change, Decision, Holds, Insert, LogEntry
from chargecloud.domain.ledger import Account, Post
from chargecloud.storage.engine import open_engine
from chargecloud.storage.migrate import upgrade
from chargecloud.storage.schema import metadata
from chargecloud.storage.store import StoreService
from tests.databases import KINDS, new_server
from tests.harness import NOW

_TENANT = 1


@cache
def _filled(table: str) -> dict[str, object]:
    """What must be in a row."""
    return {
        column.name: NOW if column.name.endswith("_at") else [] if column.name == "marks" else 0
        for column in metadata.tables[table].columns
        if not column.nullable and column.server_default is None
    }


def _row(table: str, **known: object) -> dict[str, object]:
    """A row with what must be there."""
    return {**_filled(table), "tenant_id": _TENANT, **known}


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
    epoch = Holds("chargers", {"id": number, "epoch": 7})
    take = Change("ports", port, {"order_id": number}, {"order_id": None}, epoch)
    told = LogEntry("order.placed", _TENANT, {"id": number}, number, number)
    return Decision((take, Insert("orders", order), hold), (told,))


#: starts that wait for their commit, as those of some thousand chargers do at the busiest moment
_AT_ONCE = 4_000
_STEP_S = 0.005


async def _closed(writer: Any, numbers: range) -> float:
    """As fast as it takes them: starts in a second."""
    began_s = time.perf_counter()
    for first in range(numbers.start, numbers.stop, _AT_ONCE):
        some = range(first, min(first + _AT_ONCE, numbers.stop))
        await gatherResults([writer.decide(_place(number)) for number in some])
    return len(numbers) / (time.perf_counter() - began_s)


async def _open(reactor: Any, writer: Any, numbers: range, a_second: int) -> list[float]:
    """So many each second, whatever becomes of those before: milliseconds of each."""
    took_ms: list[float] = []
    waiting: list[Deferred[None]] = []
    began_s, given = time.perf_counter(), 0
    while given < len(numbers):
        due = min(len(numbers), int((time.perf_counter() - began_s) * a_second))
        for number in numbers[given:due]:
            asked_s = time.perf_counter()
            done = writer.decide(_place(number))
            done.addCallback(
                lambda _none, asked_s=asked_s: took_ms.append(
                    (time.perf_counter() - asked_s) * 1000
                )
            )
            waiting.append(done)
        given = max(given, due)
        await deferLater(reactor, _STEP_S)
    await gatherResults(waiting)
    return took_ms


async def _measured(reactor: Any, url: str, starts: int, a_second: int) -> None:
    engine = open_engine(url)
    upgrade(engine, {})
    service = StoreService(engine, reactor, Calendar(reactor.seconds), installation="bench")
    service.startService()
    writer = service.store.writer
    keep_what_is_there()
    for first in range(0, 3 * starts, _AT_ONCE):
        some = range(first, min(first + _AT_ONCE, 3 * starts))
        await gatherResults([writer.decide(_before(number)) for number in some])
    # the first third warms it up
    await _closed(writer, range(starts))
    a_second_found = await _closed(writer, range(starts, 2 * starts))
    took_ms = await _open(reactor, writer, range(2 * starts, 3 * starts), a_second)
    parts = statistics.quantiles(took_ms, n=100)
    await service.stopService()
    sys.stdout.write(json.dumps([round(a_second_found), round(parts[49], 1), round(parts[98], 1)]))


def _url(kind: str, folder: Path) -> str:
    if kind == "sqlite":
        return f"sqlite:///{folder}/chargecloud.db"
    return new_server(kind, durable=True).new_database()


def main() -> None:
    """Measure each in turn, each in a process of its own."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--starts", type=int, default=15_000)
    parser.add_argument("--a-second", type=int, default=3_000)
    parser.add_argument("--databases", default=",".join(KINDS))
    parser.add_argument("--url", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.url:
        react(
            lambda reactor: Deferred.fromCoroutine(
                _measured(reactor, given.url, given.starts, given.a_second)
            )
        )
        return
    figures: dict[str, object] = {
        "cores": os.cpu_count(),
        "starts": given.starts,
        "asked_a_second": given.a_second,
    }
    for kind in given.databases.split(","):
        with TemporaryDirectory() as folder:
            command = [sys.executable, "-m", "bench.starts", "--url", _url(kind, Path(folder))]
            command += ["--starts", str(given.starts), "--a-second", str(given.a_second)]
            said = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
        a_second, p50_ms, p99_ms = json.loads(said.stdout)
        name = {"postgresql": "postgres"}.get(kind, kind)
        figures |= {
            f"{name}_starts_per_s": a_second,
            f"{name}_starts_p50_ms": p50_ms,
            f"{name}_starts_p99_ms": p99_ms,
        }
    keep("starts", figures)


if __name__ == "__main__":
    main()
