"""Something of which no word comes is told each day, and once each day."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from chargecloud.money.overdue import days_over, next_wait_s

BEGAN = datetime(2026, 11, 1, tzinfo=UTC)


@given(st.lists(st.integers(0, 4 * 3_600), min_size=200, max_size=400))
def test_each_day_is_told_once(lateness: list[int]) -> None:
    """However late the questions are."""
    at_s = 0
    told = []
    for tries, late_s in enumerate(lateness):
        due_s = at_s + next_wait_s(tries - 1) if tries else 0
        at_s = due_s + late_s
        now = BEGAN + timedelta(seconds=at_s)
        if days := days_over(BEGAN, now, at_s, due_s, tries):
            told.append(days)
    assert told == list(range(1, at_s // 86_400 + 1))


def test_of_days_away_the_last_is_told() -> None:
    """A service that was down does not tell one alarm for each day of it."""
    now_s = 5 * 86_400 + 100
    assert days_over(BEGAN, BEGAN + timedelta(seconds=now_s), now_s, 3_600, 12) == 5
