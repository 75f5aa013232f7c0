"""When the rates of a day switch, by the clock on the site's wall."""

from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chargecloud.money.local_day import LocalDay

MINUTE = timedelta(minutes=1)

BERLIN = ZoneInfo("Europe/Berlin")
NEW_YORK = ZoneInfo("America/New_York")
SHANGHAI = ZoneInfo("Asia/Shanghai")

#: days around which clocks changed, also by half an hour, over midnight, and by a whole day
CHANGES = [
    (BERLIN, datetime(2026, 3, 29, tzinfo=UTC)),
    (BERLIN, datetime(2026, 10, 25, tzinfo=UTC)),
    (NEW_YORK, datetime(2026, 3, 8, tzinfo=UTC)),
    (NEW_YORK, datetime(2026, 11, 1, tzinfo=UTC)),
    (SHANGHAI, datetime(2026, 11, 22, tzinfo=UTC)),
    (ZoneInfo("Australia/Lord_Howe"), datetime(2026, 4, 4, tzinfo=UTC)),
    (ZoneInfo("Australia/Lord_Howe"), datetime(2026, 10, 3, tzinfo=UTC)),
    (ZoneInfo("America/St_Johns"), datetime(2010, 11, 7, tzinfo=UTC)),
    (ZoneInfo("America/Havana"), datetime(2026, 3, 8, tzinfo=UTC)),
    (ZoneInfo("Pacific/Apia"), datetime(2011, 12, 30, tzinfo=UTC)),
]


@st.composite
def periods(draw: st.DrawFn) -> list[tuple[time, str]]:
    """A day's periods, many of them in the small hours, in which clocks change."""
    minutes = st.integers(1, 239) | st.integers(1, 1_439)
    starts = [0, *sorted(draw(st.sets(minutes, max_size=11)))]
    return [(time(*divmod(start, 60)), draw(st.sampled_from("ABC"))) for start in starts]


def wall_rate(day: list[tuple[time, str]], instant: datetime, zone: ZoneInfo) -> str:
    """The rate by looking at the clock: that of the last period that has started."""
    shown = instant.astimezone(zone).time()
    return [rate for start, rate in day if start <= shown][-1]


@given(st.sampled_from(CHANGES), periods(), st.integers(-1_440, 1_440), st.integers(0, 2_880))
@settings(deadline=None)
def test_switches_are_what_the_clock_shows_minute_by_minute(
    change: tuple[ZoneInfo, datetime], day: list[tuple[time, str]], begin: int, length: int
) -> None:
    """On any days the switches are those minutes whose rate is not the one before them."""
    zone, around = change
    after = around + begin * MINUTE
    until = after + length * MINUTE
    expected = [
        instant
        for instant in (after + minute * MINUTE for minute in range(1, length + 1))
        if wall_rate(day, instant, zone) != wall_rate(day, instant - MINUTE, zone)
    ]
    local_day = LocalDay.of(day)
    assert local_day.switches(zone, after, until) == expected
    for instant in (after, *expected, until):
        assert local_day.rate_at(instant, zone) == wall_rate(day, instant, zone)


@given(st.sampled_from(CHANGES), periods(), st.lists(st.integers(0, 10**6), min_size=2))
def test_switches_do_not_depend_on_where_one_looks_from(
    change: tuple[ZoneInfo, datetime], day: list[tuple[time, str]], seconds: list[int]
) -> None:
    """Those of two spans that meet are those of the whole span."""
    zone, around = change
    local_day = LocalDay.of(day)
    cuts = [around + timedelta(seconds=second) for second in sorted(seconds)]
    parts = [
        instant
        for after, until in pairwise(cuts)
        for instant in local_day.switches(zone, after, until)
    ]
    assert parts == local_day.switches(zone, cuts[0], cuts[-1])


def test_a_skipped_start_is_when_the_clocks_change() -> None:
    """There is no 02:30 in Berlin on the last Sunday of March: it begins with 03:00."""
    day = LocalDay.of([(time(0), "night"), (time(2, 30), "day")])
    after = datetime(2026, 3, 28, 23, tzinfo=UTC)
    assert day.switches(BERLIN, after, after + timedelta(hours=12)) == [
        datetime(2026, 3, 29, 1, tzinfo=UTC)
    ]


def test_an_hour_that_is_shown_twice_switches_twice() -> None:
    """02:30 comes twice in October, and between the two it is night again."""
    day = LocalDay.of([(time(0), "night"), (time(2, 30), "day")])
    after = datetime(2026, 10, 24, 22, tzinfo=UTC)
    assert day.switches(BERLIN, after, after + timedelta(hours=12)) == [
        datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
        datetime(2026, 10, 25, 1, 0, tzinfo=UTC),
        datetime(2026, 10, 25, 1, 30, tzinfo=UTC),
    ]


def test_clocks_that_go_back_over_midnight_show_a_date_again() -> None:
    """In St. John's of 2010 a minute of Sunday came before the last hour of Saturday."""
    day = LocalDay.of([(time(0), "night"), (time(23, 30), "late")])
    st_johns = ZoneInfo("America/St_Johns")
    midnight = datetime(2010, 11, 7, 2, 30, tzinfo=UTC)
    late_again, night_again = midnight + 30 * MINUTE, midnight + 60 * MINUTE
    assert day.switches(st_johns, midnight - MINUTE, midnight + 9 * MINUTE) == [midnight]
    assert day.switches(st_johns, midnight, midnight + 90 * MINUTE) == [late_again, night_again]


def test_a_span_holds_its_end_and_not_its_beginning() -> None:
    """Whoever goes on from the last switch does not see it again."""
    day = LocalDay.of([(time(0), "night"), (time(8), "day")])
    eight = datetime(2026, 11, 22, 0, tzinfo=UTC)
    assert day.switches(SHANGHAI, eight - MINUTE, eight) == [eight]
    assert day.switches(SHANGHAI, eight, eight + MINUTE) == []
    assert day.switches(SHANGHAI, eight, eight) == []


@pytest.mark.parametrize(
    ("at", "rate", "window"),
    [
        (time(6, 59, 59), "valley", "22:00-07:00"),
        (time(7), "flat", "07:00-22:00"),
        (time(21, 59, 59, 999_999), "flat", "07:00-22:00"),
        (time(22), "valley", "22:00-07:00"),
        (time(0), "valley", "22:00-07:00"),
    ],
)
def test_neighbours_with_one_rate_are_one_window(at: time, rate: str, window: str) -> None:
    """Periods are half-open, and midnight ends no window."""
    day = LocalDay.of(
        [(time(0), "valley"), (time(7), "flat"), (time(12), "flat"), (time(22), "valley")]
    )
    instant = datetime.combine(datetime(2026, 11, 22, tzinfo=UTC), at, SHANGHAI)
    assert day.rate_at(instant, SHANGHAI) == rate
    assert day.window_at(instant, SHANGHAI) == window


@pytest.mark.parametrize("starts", [[time(0)], [time(0), time(7)]])
def test_one_rate_never_switches(starts: list[time]) -> None:
    """However many periods it is written in."""
    day = LocalDay.of([(start, "all") for start in starts])
    now = datetime(2026, 11, 22, tzinfo=UTC)
    assert day.switches(SHANGHAI, now, now + timedelta(days=7)) == []
    assert day.window_at(now, SHANGHAI) == "all day"
