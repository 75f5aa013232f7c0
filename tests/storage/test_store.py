"""The store in service, with real threads."""

import threading
from pathlib import Path
from typing import Any

import pytest_twisted
from sqlalchemy import Connection, select
from twisted.internet.defer import DeferredList, gatherResults

from chargecloud.calendar import Calendar
from chargecloud.domain.decision import Decision, Insert, LogEntry, Stale
from chargecloud.storage.engine import open_engine
from chargecloud.storage.migrate import upgrade
from chargecloud.storage.schema import event_log, node_slots, tenants
from chargecloud.storage.store import Store, StoreService
from tests.harness import NOW


def service(folder: Path) -> StoreService:
    """The store's service on the real reactor."""
    from twisted.internet import reactor

    engine = open_engine(f"sqlite:///{folder}/chargecloud.db")
    upgrade(engine, [])
    clock: Any = reactor
    return StoreService(engine, reactor, Calendar(clock.seconds), node=1)


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
async def test_it_writes_stops_and_goes_on(tmp_path: Path) -> None:
    """What was decided is there after a restart, the log goes on, and no thread is left."""
    threads = set(threading.enumerate())
    first = service(tmp_path)
    first.startService()
    await gatherResults([first.store.writer.decide(tenant(number)) for number in range(1, 201)])
    last_id = first.store.ids.next()
    assert await first.store.read(tenant_ids) == list(range(1, 201))
    await first.stopService()
    assert set(threading.enumerate()) == threads

    second = service(tmp_path)
    second.startService()
    await second.store.writer.decide(tenant(201))
    assert second.store.ids.next() > last_id
    assert await second.store.read(tenant_ids) == list(range(1, 202))
    assert await second.store.read(places) == list(range(1, 202))
    await second.stopService()


@pytest_twisted.ensureDeferred
async def test_stopping_writes_what_waits(tmp_path: Path) -> None:
    """A decision that was taken before the stop is carried out, and so is its answer given."""
    running = service(tmp_path)
    running.startService()
    decided = DeferredList(
        [running.store.writer.decide(tenant(n)) for n in (1, 2, 2, 3)], consumeErrors=True
    )
    await running.stopService()
    outcomes = await decided
    assert [succeeded for succeeded, _ in outcomes] == [True, True, False, True]
    assert outcomes[2][1].check(Stale)
    with running.store.engine.connect() as connection:
        assert tenant_ids(connection) == [1, 2, 3]
    running.store.engine.dispose()


@pytest_twisted.ensureDeferred
async def test_two_stores_have_two_slots(tmp_path: Path) -> None:
    """Processes that share a database make ids in slots of their own, and free them."""
    both = [service(tmp_path), service(tmp_path)]
    for running in both:
        running.startService()
    stores: list[Store] = [running.store for running in both]
    assert stores[0].ids.slot != stores[1].ids.slot

    def leases(connection: Connection) -> dict[int, int]:
        return {row.slot: row.leased_until_ms for row in connection.execute(select(node_slots))}

    before = await stores[1].read(leases)
    await both[0].stopService()
    after = await stores[1].read(leases)
    assert after[stores[0].ids.slot] < before[stores[0].ids.slot]
    assert after[stores[1].ids.slot] == before[stores[1].ids.slot]
    await both[1].stopService()


@pytest_twisted.ensureDeferred
async def test_it_stops_though_the_database_is_gone(tmp_path: Path) -> None:
    """A slot that cannot be given back does not keep the process from ending."""
    threads = set(threading.enumerate())
    running = service(tmp_path)
    running.startService()
    await running.store.writer.idle()
    node_slots.drop(running.store.engine)
    await running.stopService()
    assert set(threading.enumerate()) == threads
