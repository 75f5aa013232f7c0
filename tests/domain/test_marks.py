"""Registers that a charger noted decide at which price energy flowed, and never how much."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from chargecloud.domain.marks import with_told
from chargecloud.domain.tariff import Mark, Usage

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def mark(minute: int, meter_mwh: int) -> Mark:
    """A register so many minutes after noon."""
    return Mark(NOON + timedelta(minutes=minute), meter_mwh)


def test_a_told_mark_stands_between_those_that_were_seen() -> None:
    """A charge of which nothing was read in between is split by what its charger noted."""
    seen = (mark(0, 1_000), mark(120, 9_000))
    assert with_told(seen, [mark(60, 8_000)]) == (mark(0, 1_000), mark(60, 8_000), mark(120, 9_000))


def test_what_cannot_be_right_is_left_out() -> None:
    """Before the start, after the end, or beyond a register that was seen."""
    seen = (mark(0, 1_000), mark(60, 4_000), mark(120, 9_000))
    told = [mark(-5, 900), mark(130, 9_500), mark(30, 4_500), mark(90, 3_000), mark(60, 5_000)]
    assert with_told(seen, told) == seen


def test_a_charge_without_two_marks_stays_as_it_is() -> None:
    """There is nothing between them."""
    assert with_told((), [mark(1, 1)]) == ()
    assert with_told((mark(0, 1),), [mark(1, 2)]) == (mark(0, 1),)


marks = st.builds(mark, st.integers(-10, 130), st.integers(0, 10_000))


@given(st.lists(marks, min_size=2, max_size=6), st.lists(marks, max_size=6))
def test_the_whole_energy_never_changes(seen: list[Mark], told: list[Mark]) -> None:
    """Whatever is told: the marks are in order, and begin and end as before."""
    times = sorted(each.at for each in seen)
    meters = sorted(each.meter_mwh for each in seen)
    ordered = tuple(Mark(at, mwh) for at, mwh in zip(times, meters, strict=True))
    merged = with_told(ordered, told)
    assert (merged[0], merged[-1]) == (ordered[0], ordered[-1])
    assert set(ordered) <= set(merged)
    usage = Usage(UTC, 60, merged)  # type: ignore[arg-type]
    assert usage.energy_mwh == ordered[-1].meter_mwh - ordered[0].meter_mwh
