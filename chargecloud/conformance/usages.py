"""Charges to price: any, and pairs of which a tariff's rules say how their bills compare."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from attrs import evolve
from hypothesis import strategies as st

from chargecloud.domain.tariff import Mark, Stay, StayKind, Usage

SECOND = timedelta(seconds=1)
#: one without summer time, and two whose clocks are changed on different days
ZONES = ("Asia/Shanghai", "Europe/Berlin", "America/New_York")
#: the clocks of Berlin are put back within the first two days, a week before New York's
FIRST = datetime(2026, 10, 24, tzinfo=UTC)


@st.composite
def usages(draw: st.DrawFn) -> Usage:
    """Charges of some readings, some of which are followed by parking."""
    start = FIRST + timedelta(seconds=draw(st.integers(0, 200_000)))
    marks = [Mark(start, 5_000)]
    steps = st.tuples(st.integers(1, 7_200), st.integers(0, 5_000_000))
    for later, more in draw(st.lists(steps, min_size=1, max_size=5)):
        marks.append(Mark(marks[-1].at + later * SECOND, marks[-1].meter_mwh + more))
    end = marks[-1].at
    stays: tuple[Stay, ...] = ()
    if draw(st.booleans()):
        marks.append(Mark(end + draw(st.integers(1, 9_000)) * SECOND, marks[-1].meter_mwh))
        stays = (Stay(end, marks[-1].at, StayKind.PARKED),)
    zone = ZoneInfo(draw(st.sampled_from(ZONES)))
    charged_s = (end - start) // SECOND
    return Usage(zone, charged_s - draw(st.integers(0, charged_s // 4)), tuple(marks), stays)


@st.composite
def on_the_line(draw: st.DrawFn) -> tuple[Usage, Usage]:
    """A charge, and the same with one more reading on the line between two of its own."""
    usage = draw(usages())
    index = draw(st.integers(0, len(usage.marks) - 2))
    before, after = usage.marks[index : index + 2]
    # a multiple of as many steps as there are seconds lies on the line in whole mWh
    seconds = (after.at - before.at) // SECOND
    a_second_mwh, shift = divmod(after.meter_mwh - before.meter_mwh, seconds)
    moved = [*usage.marks[: index + 1]]
    moved += [evolve(mark, meter_mwh=mark.meter_mwh - shift) for mark in usage.marks[index + 1 :]]
    step = draw(st.integers(0, seconds))
    between = [Mark(before.at + step * SECOND, before.meter_mwh + step * a_second_mwh)]
    if step in (0, seconds):
        between = []
    denser = sorted([*moved, *between], key=lambda mark: mark.at)
    return evolve(usage, marks=tuple(moved)), evolve(usage, marks=tuple(denser))


@st.composite
def gone_on(draw: st.DrawFn) -> tuple[Usage, Usage]:
    """A charge, and the same that went on for longer or drew more at its end."""
    usage = draw(usages())
    last, longer_s = usage.marks[-1], draw(st.integers(0, 7_200))
    later = Mark(last.at + longer_s * SECOND, last.meter_mwh + draw(st.integers(0, 5_000_000)))
    whole_s = (usage.ended_at - usage.started_at) // SECOND
    before = evolve(usage, charged_s=whole_s, stays=())
    return before, evolve(before, marks=(*before.marks, later), charged_s=whole_s + longer_s)
