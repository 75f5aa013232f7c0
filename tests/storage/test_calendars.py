"""A calendar that goes on where it was."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine

from chargecloud.calendar import Anchor, Calendar
from chargecloud.domain.decision import Decision, LogEntry
from chargecloud.storage.calendars import SAVE_S, CalendarKeeper, resume, save
from chargecloud.storage.schema import calendars, event_log, metadata
from chargecloud.storage.store import Store
from tests.harness import NOW, clock_at, open_store, result_of, rows_of

START = datetime(2026, 11, 23, tzinfo=UTC)
HOUR = timedelta(hours=1)

#: instants as the database keeps them, in milliseconds
instants = st.datetimes(
    datetime(2000, 1, 1),
    datetime(2100, 1, 1),
    timezones=st.just(UTC),
).map(lambda instant: instant.replace(microsecond=0))


@given(start=instants, saved=st.lists(instants, max_size=3), logged=st.lists(instants, max_size=3))
def test_it_goes_on_from_the_latest(
    start: datetime, saved: list[datetime], logged: list[datetime]
) -> None:
    """No order may begin before one that is written down already: of what is configured,
    saved and logged, the latest counts."""
    engine = create_engine("sqlite://")
    metadata.create_all(engine, [calendars, event_log])
    with engine.begin() as connection:
        for position in saved:
            save(connection, position)
        for seq, at in enumerate(logged):
            row = {"node": 1, "seq": seq, "at": at, "kind": "x", "tenant_id": 0, "body": {}}
            connection.execute(event_log.insert().values(row))
        anchor = resume(connection, start, 77.0, 60.0)
    assert anchor == Anchor(77.0, max([start, *saved[-1:], *logged]), 60.0)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store on a fresh database."""
    return open_store(tmp_path, clock_at())


def test_the_position_is_saved_now_and_then_and_at_the_end(tmp_path: Path) -> None:
    """After a crash the calendar goes back by little, and after a stop by nothing."""
    clock = clock_at()
    store = open_store(tmp_path, clock)
    calendar = Calendar(clock.seconds, Anchor(clock.seconds(), START, 60.0))
    keeper = CalendarKeeper(store, calendar, clock)

    def position() -> datetime:
        (row,) = rows_of(store, calendars)
        found: datetime = row["position"]
        return found

    keeper.startService()
    assert position() == START
    clock.advance(SAVE_S)
    assert position() == START + 60 * timedelta(seconds=SAVE_S)
    clock.advance(SAVE_S - 1)
    assert position() == START + 60 * timedelta(seconds=SAVE_S)
    result_of(keeper.stopService())
    assert position() == calendar.now()
    clock.advance(10 * SAVE_S)
    assert position() < calendar.now()
    assert clock.getDelayedCalls() == []


def test_a_position_that_cannot_be_saved_is_made_up_for(tmp_path: Path) -> None:
    """A database that fails once does not end the saving."""
    clock = clock_at()
    store = open_store(tmp_path, clock)
    calendar = Calendar(clock.seconds, Anchor(clock.seconds(), START, 60.0))
    calendars.drop(store.engine)
    keeper = CalendarKeeper(store, calendar, clock)
    keeper.startService()
    calendars.create(store.engine)
    clock.advance(SAVE_S)
    assert [row["position"] for row in rows_of(store, calendars)] == [calendar.now()]
    result_of(keeper.stopService())


def test_a_restart_goes_on(store: Store) -> None:
    """What a service that ended left is where the next one begins."""
    decided = Decision(log=(LogEntry("x", 0, {}),))
    result_of(store.writer.decide(decided))
    result_of(store.writer.transact(lambda connection: save(connection, NOW + HOUR)))
    anchor = result_of(store.read(lambda connection: resume(connection, START, 5.0, 60.0)))
    calendar = Calendar(lambda: 6.0, anchor)
    assert calendar.now() == NOW + HOUR + timedelta(seconds=60)
