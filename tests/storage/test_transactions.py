"""Transactions have their effect once, though connections are lost and servers die."""

import threading
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from attrs import frozen
from sqlalchemy import Connection, Engine, select, text, update
from sqlalchemy.exc import DBAPIError, OperationalError, ProgrammingError

from chargecloud.calendar import Calendar
from chargecloud.domain.decision import Change, Decision, Insert, LogEntry, Stale
from chargecloud.storage.engine import for_writing, open_engine
from chargecloud.storage.migrate import upgrade
from chargecloud.storage.schema import event_log, node_slots, tenants
from chargecloud.storage.store import Store
from chargecloud.storage.transactions import RETRY_AFTER_S, Transactions
from tests.cutting import Cutting, cutting
from tests.databases import Server, current, new_server
from tests.harness import (
    NOW,
    InStep,
    clock_at,
    database_in,
    failure_of,
    open_store,
    result_of,
    rows_of,
)

pytestmark = pytest.mark.servers


def store_on(engine: Engine) -> Store:
    """A store, in step."""
    clock = clock_at()
    calendar = Calendar(clock.seconds)
    return Store.open(
        engine, clock=clock, calendar=calendar, slot=1, writing=InStep(), reading=InStep()
    )


@frozen
class Way:
    """A store whose connections can be cut."""

    store: Store
    cutting: Cutting


@pytest.fixture
def way(tmp_path: Path) -> Iterator[Way]:
    """A store on a fresh database."""
    served = current()
    assert served is not None
    open_store(tmp_path, clock_at())
    url = database_in(tmp_path)
    with TemporaryDirectory() as folder:
        server = served.server.folder
        with cutting(served.server.kind, server, Path(folder)) as cut:
            engine = open_engine(url.replace(str(server), folder))
            yield Way(store_on(engine), cut)
            engine.dispose()


def tenant(tenant_id: int) -> Decision:
    """A decision with one row and one entry of the log."""
    row = {"id": tenant_id, "name": f"tenant {tenant_id}", "created_at": NOW}
    return Decision((Insert("tenants", row),), (LogEntry("made", tenant_id, {}),))


def step(number: int) -> Decision:
    """A decision that changes the same row each time, and tells nobody."""
    change = {"leased_until_ms": number}
    return Decision((Change("node_slots", {"slot": 5}, change, {"leased_until_ms": number - 1}),))


def slot(number: int = 5) -> Insert:
    """The row that is changed."""
    return Insert("node_slots", {"slot": number, "holder": "", "leased_until_ms": 0})


@pytest.mark.parametrize("before", [True, False], ids=["unheard", "unanswered"])
def test_a_connection_that_is_lost_at_the_commit(way: Way, before: bool) -> None:
    """Whether the server had heard of it or not: the decision is carried out, once, and so are
    those that leave no entry in the log."""
    result_of(way.store.writer.decide(Decision((slot(),))))
    for number in (1, 2):
        way.cutting.cut_at(b"COMMIT", before=before)
        result_of(way.store.writer.decide(tenant(number)))
        way.cutting.cut_at(b"COMMIT", before=before)
        result_of(way.store.writer.decide(step(number)))
    assert way.cutting.cuts == 4
    assert [row["id"] for row in rows_of(way.store, tenants)] == [1, 2]
    assert [row["seq"] for row in rows_of(way.store, event_log)] == [1, 2]
    assert [row["leased_until_ms"] for row in rows_of(way.store, node_slots)] == [2]


@pytest.mark.parametrize("before", [True, False], ids=["unheard", "unanswered"])
def test_a_function_is_carried_out_once(way: Way, before: bool) -> None:
    """Its result is that of the time that counted."""
    result_of(way.store.writer.decide(Decision((slot(),))))

    def count(connection: Connection) -> int:
        connection.execute(
            update(node_slots).values(leased_until_ms=node_slots.c.leased_until_ms + 1)
        )
        return int(connection.execute(select(node_slots.c.leased_until_ms)).scalar_one())

    for number in (1, 2, 3):
        way.cutting.cut_at(b"COMMIT", before=before)
        assert result_of(way.store.writer.transact(count)) == number
    assert way.cutting.cuts == 3


@pytest.mark.parametrize("word", [b"tenants", b"event_log", b"commits"])
def test_a_connection_that_is_lost_before(way: Way, word: bytes) -> None:
    """Nothing of the transaction remains, and it is begun again."""
    result_of(way.store.writer.decide(tenant(1)))
    way.cutting.cut_at(word, before=False)
    result_of(way.store.writer.decide(tenant(2)))
    assert way.cutting.cuts == 1
    assert [row["seq"] for row in rows_of(way.store, event_log)] == [1, 2]


def test_a_stale_decision_stays_stale(way: Way) -> None:
    """Being tried again makes no guard hold, and takes no neighbour down."""
    result_of(way.store.writer.decide(tenant(1)))
    way.cutting.cut_at(b"ROLLBACK", before=True)
    failure_of(way.store.writer.decide(tenant(1)), Stale)
    result_of(way.store.writer.decide(tenant(2)))
    assert [row["seq"] for row in rows_of(way.store, event_log)] == [1, 2]


def test_reading_finds_another_connection(way: Way) -> None:
    """Whoever reads does not hear that one was lost."""
    result_of(way.store.writer.decide(tenant(1)))
    way.cutting.cut_at(b"SELECT", before=False)
    assert [row["id"] for row in rows_of(way.store, tenants)] == [1]
    assert way.cutting.cuts == 1


def test_two_in_each_others_way(tmp_path: Path) -> None:
    """Of two transactions that wait for each other the database gives one up; it is tried
    again, and both have their effect."""
    store = open_store(tmp_path, clock_at())
    result_of(store.writer.decide(Decision((slot(5), slot(6)))))
    met = threading.Barrier(2)
    tries: list[int] = []

    def crossing(number: int, first: int, second: int) -> None:
        def work(connection: Connection) -> None:
            tries.append(number)
            for place, row in enumerate((first, second)):
                if place and tries.count(number) == 1:
                    met.wait(10)
                connection.execute(
                    update(node_slots)
                    .where(node_slots.c.slot == row)
                    .values(leased_until_ms=node_slots.c.leased_until_ms + number)
                )

        Transactions(for_writing(store.engine), number, store.ids.next).run(work)

    others = [threading.Thread(target=crossing, args=each) for each in ((10, 5, 6), (100, 6, 5))]
    for each in others:
        each.start()
    for each in others:
        each.join()
    assert sorted(tries) in ([10, 10, 100], [10, 100, 100])
    assert [row["leased_until_ms"] for row in rows_of(store, node_slots)] == [110, 110]


def test_what_does_not_pass_is_not_tried_again(tmp_path: Path) -> None:
    """Our own mistakes, and what a guard found."""
    store = open_store(tmp_path, clock_at())
    calls: list[int] = []

    def mistaken(connection: Connection) -> None:
        calls.append(1)
        connection.execute(text("SELECT there_is_no_such_column FROM tenants"))

    failure_of(store.writer.transact(mistaken), ProgrammingError, OperationalError)
    assert len(calls) == 1


@pytest.fixture
def server() -> Iterator[Server]:
    """A server whose commits are on the disk, and which may be killed."""
    served = current()
    assert served is not None
    own = new_server(served.server.kind, durable=True)
    yield own
    own.remove()


def opened(server: Server) -> Store:
    """A store on a new database of it."""
    engine = open_engine(server.new_database())
    upgrade(engine, {})
    return store_on(engine)


@pytest.mark.slow
def test_a_server_that_is_restarted(server: Server) -> None:
    """Whoever decides meanwhile waits; what was told as decided is there, and all of it once."""
    store = opened(server)
    for number in range(1, 11):
        result_of(store.writer.decide(tenant(number)))
        if number % 4 == 0:
            server.kill()
            server.launch()
            result_of(store.writer.decide(tenant(100 + number)))
    made = [*range(1, 11), 104, 108]
    assert [row["id"] for row in rows_of(store, tenants)] == made
    assert [row["seq"] for row in rows_of(store, event_log)] == list(range(1, 13))
    store.engine.dispose()


@pytest.mark.slow
def test_a_server_that_stays_away(server: Server) -> None:
    """It is tried a few times, with longer waits, and then whoever decided is told; when it is
    back all goes on."""
    store = opened(server)
    result_of(store.writer.decide(tenant(1)))
    waits: list[float] = []
    store.writer.transactions.sleep = waits.append
    server.kill()
    failure_of(store.writer.decide(tenant(2)), DBAPIError)
    assert waits == list(RETRY_AFTER_S)
    assert str(store.writer.trouble).startswith("the database cannot be written: ")
    server.start()
    result_of(store.writer.decide(tenant(2)))
    assert store.writer.trouble is None
    assert [row["id"] for row in rows_of(store, tenants)] == [1, 2]
    store.engine.dispose()
