"""The calendar over a clock."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock

from chargecloud.calendar import TRUE_TIME, Anchor, Calendar

NOVEMBER = datetime(2026, 11, 22, 8, tzinfo=UTC)


def test_true_time_is_the_clocks() -> None:
    """In service the date is the one that the reactor's clock gives."""
    clock = Clock()
    clock.advance(NOVEMBER.timestamp())
    calendar = Calendar(clock.seconds)
    assert calendar.is_true
    assert calendar.now() == NOVEMBER


def test_a_demonstration_runs_faster() -> None:
    """A minute at speed 60 is an hour of the calendar."""
    clock = Clock()
    clock.advance(1_000)
    calendar = Calendar(clock.seconds, Anchor(clock.seconds(), NOVEMBER, speed=60.0))
    assert not calendar.is_true
    assert calendar.now() == NOVEMBER
    clock.advance(60)
    assert calendar.now() == NOVEMBER + timedelta(hours=1)


def test_a_stored_anchor_goes_on_after_a_restart() -> None:
    """Another calendar with the same anchor shows the same date, and it is in UTC."""
    anchor = Anchor(1_000.0, NOVEMBER, speed=24.0)
    first, second = Calendar(lambda: 4_600.0, anchor), Calendar(lambda: 4_600.0, anchor)
    assert first.now() == second.now() == NOVEMBER + timedelta(days=1)
    assert first.now().utcoffset() == timedelta(0)


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.sampled_from([0.5, 1.0, 60.0, 1440.0]))
def test_the_calendar_never_goes_back(start: int, later: int, speed: float) -> None:
    """While the clock goes on, so does the date, by as much as the speed says."""
    anchor = Anchor(0.0, NOVEMBER, speed)
    gone = anchor.at(start + later) - anchor.at(start)
    assert gone == timedelta(seconds=later * speed)


def test_true_time_is_not_only_a_speed() -> None:
    """A calendar that runs at speed 1 and shows another day is not true."""
    shifted = Anchor(0.0, datetime(1970, 1, 2, tzinfo=UTC))
    assert shifted.speed == TRUE_TIME.speed
    assert not Calendar(lambda: 0.0, shifted).is_true
