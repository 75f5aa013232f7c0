"""The store in service, with real threads."""

import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from sqlalchemy import Connection, select
from twisted.internet.defer import gatherResults

from chargecloud.calendar import Calendar
from chargecloud.domain.decision import Decision, Insert, LogEntry, Stale
from chargecloud.storage.engine import open_engine
from chargecloud.storage.migrate import upgrade
from chargecloud.storage.schema import event_log, node_slots, tenants
from chargecloud.storage.store import StoreService
from tests.harness import NOW, database_in

Start = Callable[..., StoreService]


@pytest_twisted.async_yield_fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    """Starts the store's service, on the real reactor; what still runs at the end is
    stopped, as its threads would keep the tests from ending."""
    from twisted.internet import reactor

    started: list[StoreService] = []
    clock: Any = reactor

    def starting(installation: str = "here") -> StoreService:
        engine = open_engine(database_in(tmp_path))
        upgrade(engine, {})
        service = StoreService(engine, reactor, Calendar(clock.seconds), installation=installation)
        service.startService()
        started.append(service)
        return service

    yield starting
    for service in started:
        if service.running:
            await service.stopService()


def tenant(tenant_id: int) -> Decision:
    """A decision with one row and one entry of the log."""
    row = {"id": tenant_id, "name": f"tenant {tenant_id}", "created_at": NOW}
    return Decision((Insert("tenants", row),), (LogEntry("made", tenant_id, {}),))


def tenant_ids(connection: Connection) -> list[int]:
    """The rows that were made."""
    return list(connection.execute(select(tenants.c.id).order_by(tenants.c.id)).scalars())


def places(connection: Connection) -> list[int]:
    """Places in the log."""
    return list(connection.execute(select(event_log.c.seq).order_by(event_log.c.seq)).scalars())


@pytest_twisted.ensureDeferred
async def test_it_writes_stops_and_goes_on(start: Start) -> None:
    """What was decided is there after a restart, the log goes on, and no thread is left."""
    threads = set(threading.enumerate())
    first = start()
    await gatherResults([first.store.writer.decide(tenant(number)) for number in range(1, 201)])
    last_id = first.store.ids.next()
    assert await first.store.read(tenant_ids) == list(range(1, 201))
    await first.stopService()
    assert set(threading.enumerate()) == threads

    second = start()
    await second.store.writer.decide(tenant(201))
    assert second.store.ids.next() > last_id
    assert await second.store.read(tenant_ids) == list(range(1, 202))
    assert await second.store.read(places) == list(range(1, 202))


@pytest_twisted.ensureDeferred
async def test_stopping_writes_what_waits(start: Start) -> None:
    """A decision that was taken before the stop is carried out, and so is its answer given."""
    running = start()
    decided = [running.store.writer.decide(tenant(number)) for number in (1, 2, 2, 3)]
    await running.stopService()
    for number in (0, 1, 3):
        await decided[number]
    with pytest.raises(Stale):
        await decided[2]
    with running.store.engine.connect() as connection:
        assert tenant_ids(connection) == [1, 2, 3]
    running.store.engine.dispose()


@pytest_twisted.ensureDeferred
async def test_two_stores_have_two_slots(start: Start) -> None:
    """Processes that share a database make ids in slots of their own, and free them."""
    both = [start("here"), start("there")]
    slots = [running.store.ids.slot for running in both]
    assert slots[0] != slots[1]

    def leases(connection: Connection) -> dict[int, int]:
        return {row.slot: row.leased_until_ms for row in connection.execute(select(node_slots))}

    before = await both[1].store.read(leases)
    await both[0].stopService()
    after = await both[1].store.read(leases)
    assert after[slots[0]] < before[slots[0]]
    assert after[slots[1]] >= before[slots[1]]


@pytest_twisted.ensureDeferred
async def test_it_stops_though_the_database_is_gone(start: Start) -> None:
    """A slot that cannot be given back does not keep the process from ending."""
    threads = set(threading.enumerate())
    running = start()
    await running.store.writer.idle()
    node_slots.drop(running.store.engine)
    await running.stopService()
    assert set(threading.enumerate()) == threads
