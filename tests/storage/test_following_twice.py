"""Followers of one name at two nodes at once: each entry has its effect once all the same."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

import pytest
from attrs import define, field
from sqlalchemy import BigInteger, Column, Connection, MetaData, Table, insert, select
from twisted.internet.task import Clock
from zope.interface import implementer

from chargecloud.domain.decision import Decision, LogEntry
from chargecloud.interfaces import IFollower
from chargecloud.storage.following import RETRY_S, Following
from chargecloud.storage.log import log_end, move_cursors, read_after, read_cursors
from chargecloud.storage.schema import cursors
from chargecloud.storage.store import Store
from tests.harness import clock_at, open_store, result_of, rows_of

#: nothing in it keeps an entry from having its effect twice
effects = Table("effects_told", MetaData(), Column("number", BigInteger, nullable=False))


@implementer(IFollower)
@define
class Noting:
    """Notes each entry; before its first notes are written down, something else happens."""

    name: str = "noting"
    meanwhile: list[Callable[[], None]] = field(factory=list)

    def apply(self, connection: Connection, entries: Sequence[tuple[datetime, LogEntry]]) -> None:
        """Write a row for each."""
        rows = [{"number": entry.body["number"]} for _, entry in entries]
        if self.meanwhile:
            self.meanwhile.pop()()
        connection.execute(insert(effects), rows)


@pytest.fixture
def clock() -> Clock:
    """The reactor's clock."""
    return clock_at()


@pytest.fixture
def nodes(tmp_path: Path, clock: Clock) -> Iterator[tuple[Store, Store]]:
    """Two nodes on one database."""
    one, two = (open_store(tmp_path, clock, slot=slot) for slot in (1, 2))
    effects.create(one.engine)
    yield one, two
    effects.drop(one.engine)
    for store in (one, two):
        store.engine.dispose()


def write(store: Store, *numbers: int) -> None:
    """Append entries to the log, in one decision."""
    entries = tuple(LogEntry("noted", 1, {"number": number}) for number in numbers)
    result_of(store.writer.decide(Decision(log=entries)))


def noted(store: Store) -> list[int]:
    """The effects so far."""
    with store.engine.connect() as connection:
        found = select(effects.c.number).order_by(effects.c.number)
        return list(connection.execute(found).scalars())


def test_they_take_turns(nodes: tuple[Store, Store], clock: Clock) -> None:
    """Each of them wakes by what is committed at its own node, and takes what is new."""
    for store in nodes:
        Following(store.writer, Noting(), clock).startService()
    for number in range(10):
        write(nodes[number % 2], number)
    assert noted(nodes[0]) == list(range(10))
    assert {row["node"] for row in rows_of(nodes[0], cursors)} == {1, 2}


@pytest.mark.parametrize("before", [[], [1, 2, 3]], ids=["from the start", "later"])
def test_the_second_of_two_at_once_does_nothing(
    nodes: tuple[Store, Store], clock: Clock, before: list[int]
) -> None:
    """It has read its entries, and is to write down what they come to, when the other one has
    done just that; it tries again, and finds nothing left."""
    one, two = nodes
    if one.engine.dialect.name == "sqlite":
        pytest.skip("there is one that writes, and nothing is at once")
    if before:
        write(one, *before)
        quick = Following(one.writer, Noting(), clock)
        quick.startService()
        quick.stopService()
    write(one, 4, 5)

    def the_other_does_it() -> None:
        def step(connection: Connection) -> None:
            seen = read_cursors(connection, "noting")
            found = read_after(connection, seen, log_end(connection))
            rows = [{"number": each.entry.body["number"]} for each in found]
            connection.execute(insert(effects), rows)
            move_cursors(connection, "noting", seen, {each.node: each.seq for each in found})

        result_of(one.writer.transact(step))

    follower = Noting(meanwhile=[the_other_does_it])
    slow = Following(two.writer, follower, clock)
    slow.startService()
    assert noted(two) == [*before, 4, 5]
    clock.advance(RETRY_S)
    assert noted(two) == [*before, 4, 5]
    write(two, 6)
    assert noted(two) == [*before, 4, 5, 6]
