"""Followers: each entry of the log has its effect exactly once."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

import pytest
from attrs import define, field
from sqlalchemy import BigInteger, Column, Connection, MetaData, String, Table, insert, select
from twisted.internet.task import Clock
from zope.interface import implementer

from chargecloud.calendar import Calendar
from chargecloud.domain.decision import Decision, LogEntry
from chargecloud.interfaces import IFollower
from chargecloud.storage.following import LONGEST_REST_S, RESTS, RETRY_S, Following
from chargecloud.storage.log import MOST_ENTRIES_AT_ONCE
from chargecloud.storage.schema import cursors, event_log
from chargecloud.storage.store import Store
from tests.harness import NOW, Gathering, InStep, clock_at, open_store, result_of, rows_of

#: what the follower of these tests makes of the log: one row for each entry
effects = Table(
    "effects",
    MetaData(),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", String(40), nullable=False),
)


class Broken(Exception):
    """What our follower raises when it is to fail."""


@implementer(IFollower)
@define
class Copying:
    """Copies the log, and fails after its work while it is told to."""

    name: str = "copying"
    failing: bool = False
    batches: list[int] = field(factory=list)

    def apply(self, connection: Connection, entries: Sequence[tuple[datetime, LogEntry]]) -> None:
        """Write one row for each entry."""
        self.batches.append(len(entries))
        assert {at for at, _ in entries} == {NOW}
        rows = [{"number": entry.body["number"], "kind": entry.kind} for _, entry in entries]
        connection.execute(insert(effects), rows)
        if self.failing:
            raise Broken


@pytest.fixture
def clock() -> Clock:
    """The reactor's clock."""
    return clock_at()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Iterator[Store]:
    """A store with the follower's table."""
    opened = open_store(tmp_path, clock)
    effects.create(opened.engine)
    yield opened
    opened.engine.dispose()


def write(store: Store, *numbers: int) -> None:
    """Append entries to the log, in one decision."""
    entries = tuple(LogEntry("copied", 1, {"number": number}) for number in numbers)
    result_of(store.writer.decide(Decision(log=entries)))


def copied(store: Store) -> list[int]:
    """The effects so far."""
    with store.engine.connect() as connection:
        return list(
            connection.execute(select(effects.c.number).order_by(effects.c.number)).scalars()
        )


def cursor(store: Store) -> dict[int, int]:
    """How far the follower has come, by node."""
    return {row["node"]: row["seq"] for row in rows_of(store, cursors)}


def test_each_entry_has_its_effect_once(store: Store, clock: Clock) -> None:
    """What was in the log before it started, and each commit after, in order."""
    write(store, 1, 2)
    follower = Copying()
    following = Following(store.writer, follower, clock)
    following.startService()
    assert copied(store) == [1, 2]
    write(store, 3)
    write(store, 4, 5)
    assert copied(store) == [1, 2, 3, 4, 5]
    assert cursor(store) == {1: 5}
    assert follower.batches == [2, 1, 2]


def test_a_failure_leaves_effect_and_cursor_untouched(store: Store, clock: Clock) -> None:
    """Both are one transaction: neither is written, until both are."""
    follower = Copying(failing=True)
    following = Following(store.writer, follower, clock)
    following.startService()
    write(store, 1)
    assert follower.batches == [1]
    assert copied(store) == []
    assert cursor(store) == {}
    clock.advance(RETRY_S)
    assert follower.batches == [1, 1]
    assert copied(store) == []
    follower.failing = False
    clock.advance(RETRY_S)
    assert copied(store) == [1]
    assert cursor(store) == {1: 1}
    assert clock.getDelayedCalls() == []


def test_commits_do_not_hurry_a_follower_that_failed(store: Store, clock: Clock) -> None:
    """The database may be in trouble: it is left alone until the time to try again."""
    follower = Copying(failing=True)
    following = Following(store.writer, follower, clock)
    following.startService()
    for number in range(1, 21):
        write(store, number)
    assert follower.batches == [1]
    assert following.lag == 20
    assert len(clock.getDelayedCalls()) == 1
    follower.failing = False
    clock.advance(RETRY_S)
    assert copied(store) == list(range(1, 21))
    assert following.lag == 0
    assert follower.batches == [1, 20]


@implementer(IFollower)
@define
class Slow:
    """One that takes its time."""

    clock: Clock
    name: str = "slow"
    batches: list[int] = field(factory=list)

    def apply(self, _connection: Connection, entries: Sequence[tuple[datetime, LogEntry]]) -> None:
        """Take 20 ms."""
        self.batches.append(len(entries))
        self.clock.advance(0.02)


def test_one_after_another_is_followed_together(store: Store, clock: Clock) -> None:
    """It rests after its work, and the first commit after the rest waits for nothing."""
    follower = Slow(clock)
    Following(store.writer, follower, clock).startService()
    for number in range(1, 11):
        write(store, number)
    assert follower.batches == [1]
    clock.advance(0.02 * RESTS)
    assert follower.batches == [1, 9]
    clock.advance(LONGEST_REST_S)
    assert clock.getDelayedCalls() == []
    write(store, 11)
    assert follower.batches == [1, 9, 1]


def test_a_clock_that_is_put_back_does_not_stop_it(store: Store, clock: Clock) -> None:
    """As a machine's is when it first hears the time; it rests as long as ever."""
    follower = Slow(clock)
    Following(store.writer, follower, clock).startService()
    write(store, 1)
    clock.rightNow -= 3_600
    write(store, 2)
    clock.advance(LONGEST_REST_S)
    assert follower.batches == [1, 1]


def test_its_lag_is_that_of_all_nodes(store: Store, clock: Clock) -> None:
    """Of those as well whose entries it has not been able to follow."""
    write(store, 1, 2)
    with store.engine.begin() as connection:
        row = connection.execute(select(event_log)).mappings().first()
        assert row is not None
        connection.execute(insert(event_log), [{**row, "node": 7, "seq": 40 + n} for n in (1, 2)])
    follower = Copying(failing=True)
    following = Following(store.writer, follower, clock)
    following.startService()
    assert following.lag == 44
    write(store, 3)
    assert following.lag == 45


def test_it_catches_up_after_a_restart(store: Store, tmp_path: Path, clock: Clock) -> None:
    """What was written while the service was down is followed by the next process."""
    following = Following(store.writer, Copying(), clock)
    following.startService()
    write(store, 1)
    following.stopService()
    write(store, 2, 3)
    assert copied(store) == [1]
    later = open_store(tmp_path, clock)
    follower = Copying()
    Following(later.writer, follower, clock).startService()
    assert copied(store) == [1, 2, 3]
    assert follower.batches == [2]
    later.engine.dispose()


def test_stopping_leaves_nothing_behind(store: Store, clock: Clock) -> None:
    """A follower that is stopped while it waits to try again is not called any more."""
    follower = Copying(failing=True)
    following = Following(store.writer, follower, clock)
    following.startService()
    write(store, 1)
    following.stopService()
    assert clock.getDelayedCalls() == []
    write(store, 2)
    assert follower.batches == [1]


def test_stopping_waits_for_what_is_under_way(store: Store, clock: Clock) -> None:
    """The service has stopped when the entries under way have had their effect."""
    write(store, 1)
    gathering = store.writer.runner = Gathering()
    following = Following(store.writer, Copying(), clock)
    following.startService()
    stopped = following.stopService()
    assert stopped is not None
    assert not stopped.called
    gathering.do_all()
    result_of(stopped)
    assert copied(store) == [1]


def test_all_nodes_are_followed(store: Store, clock: Clock) -> None:
    """Each node's log has a cursor of its own; node 0 is one like the others."""
    others = [
        Store.open(
            store.engine,
            clock=clock,
            calendar=Calendar(clock.seconds),
            slot=node,
            writing=InStep(),
            reading=InStep(),
        )
        for node in (0, 7)
    ]
    for number, written_by in enumerate([store, *others, store, *others]):
        write(written_by, number)
    following = Following(store.writer, Copying(), clock)
    following.startService()
    assert copied(store) == [0, 1, 2, 3, 4, 5]
    assert cursor(store) == {0: 2, 1: 2, 7: 2}
    write(others[0], 6)
    write(store, 7)
    assert copied(store) == [0, 1, 2, 3, 4, 5, 6, 7]


def test_a_long_log_is_followed_in_parts(store: Store, clock: Clock) -> None:
    """No transaction takes more entries than its limit, and none is left at the end."""
    count = 2 * MOST_ENTRIES_AT_ONCE + 3
    write(store, *range(count))
    follower = Copying()
    Following(store.writer, follower, clock).startService()
    assert follower.batches == [MOST_ENTRIES_AT_ONCE, MOST_ENTRIES_AT_ONCE, 3]
    assert copied(store) == list(range(count))


def test_followers_do_not_wait_for_each_other(store: Store, clock: Clock) -> None:
    """Each has its own cursors: one that fails holds no other up."""
    for follower in (Copying("failing", failing=True), Copying()):
        Following(store.writer, follower, clock).startService()
    write(store, 1)
    assert copied(store) == [1]
    assert {row["follower"] for row in rows_of(store, cursors)} == {"copying"}
