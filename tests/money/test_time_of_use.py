"""Energy priced by the time of day."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargecloud.domain.errors import TariffError
from chargecloud.domain.tariff import BillLine, Fee, Mark, Usage
from chargecloud.money.time_of_use import TimeOfUse

SHANGHAI = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")
NEW_YORK = ZoneInfo("America/New_York")

SINGLE_RATE: dict[str, Any] = {
    "rates": {"all": {"electricity": 60_000, "service": 40_000}},
    "day": [{"from": "00:00", "rate": "all"}],
}
#: electricity and service of the textbook: valley, flat and peak hours
PEAK_FLAT_VALLEY: dict[str, Any] = {
    "rates": {
        "valley": {"electricity": 40_000, "service": 80_000},
        "flat": {"electricity": 70_000, "service": 80_000},
        "peak": {"electricity": 100_000, "service": 80_000},
    },
    "day": [
        {"from": start, "rate": rate}
        for start, rate in [
            ("00:00", "valley"),
            ("07:00", "flat"),
            ("10:00", "peak"),
            ("15:00", "flat"),
            ("18:00", "peak"),
            ("21:00", "flat"),
            ("23:00", "valley"),
        ]
    ],
}
NIGHT_AND_DAY: dict[str, Any] = {
    "rates": {
        "night": {"electricity": 50_000, "service": 0},
        "day": {"electricity": 100_000, "service": 0},
    },
    "day": [{"from": "00:00", "rate": "night"}, {"from": "02:30", "rate": "day"}],
}


def bill_lines(terms: dict[str, Any], usage: Usage) -> Sequence[BillLine]:
    """The lines that terms make of a usage."""
    tariff = TimeOfUse()
    return tariff.lines(tariff.check(terms), usage)


def amount_fen(terms: dict[str, Any], usage: Usage) -> int:
    """What terms make a usage cost."""
    return sum(line.amount_fen for line in bill_lines(terms, usage))


def evenly(zone: ZoneInfo, start: datetime, hours: float, energy_mwh: int) -> Usage:
    """A charge at an even power, known by its first and its last mark."""
    end = start + timedelta(hours=hours)
    marks = (Mark(start, 7_000_000), Mark(end, 7_000_000 + energy_mwh))
    return Usage(zone, int(hours * 3_600), marks)


def energies(lines: Sequence[BillLine]) -> list[tuple[str, int]]:
    """The rate and the mWh of each line for electricity."""
    return [(line.rule.split()[1], line.quantity) for line in lines if line.fee is Fee.ELECTRICITY]


# -------------------------------------------------------------------------------- bills


def test_a_single_rate() -> None:
    """1 kWh at 0.6 and 0.4 yuan: 60 and 40 fen, whatever hours it took."""
    start = datetime(2026, 11, 22, 15, tzinfo=UTC)
    usage = evenly(SHANGHAI, start, 5, 1_000_000)
    end, price = usage.ended_at, "yuan/kWh all day"
    assert bill_lines(SINGLE_RATE, usage) == [
        BillLine.of_energy(
            Fee.ELECTRICITY, start, end, 1_000_000, 60_000, f"rate all 0.60000 {price}"
        ),
        BillLine.of_energy(Fee.SERVICE, start, end, 1_000_000, 40_000, f"rate all 0.40000 {price}"),
    ]
    assert [line.amount_fen for line in bill_lines(SINGLE_RATE, usage)] == [60, 40]


def test_energy_is_split_where_the_price_changes() -> None:
    """From 17:30 to 19:00 at 2 kW: 1 kWh flat, then 2 kWh peak."""
    start = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
    six = datetime(2026, 11, 22, 10, tzinfo=UTC)
    usage = evenly(SHANGHAI, start, 1.5, 3_000_000)
    lines = bill_lines(PEAK_FLAT_VALLEY, usage)
    shown = [(line.start, line.end, line.fee, line.amount_fen, line.rule) for line in lines]
    assert shown == [
        (start, six, Fee.ELECTRICITY, 70, "rate flat 0.70000 yuan/kWh 15:00-18:00"),
        (start, six, Fee.SERVICE, 80, "rate flat 0.80000 yuan/kWh 15:00-18:00"),
        (six, usage.ended_at, Fee.ELECTRICITY, 200, "rate peak 1.00000 yuan/kWh 18:00-21:00"),
        (six, usage.ended_at, Fee.SERVICE, 160, "rate peak 0.80000 yuan/kWh 18:00-21:00"),
    ]


def test_midnight_does_not_end_a_rate() -> None:
    """The valley from 23:00 to 07:00 is one stretch over two dates."""
    usage = evenly(SHANGHAI, datetime(2026, 11, 22, 14, tzinfo=UTC), 10, 10_000_000)
    lines = bill_lines(PEAK_FLAT_VALLEY, usage)
    assert energies(lines) == [("flat", 1_000_000), ("valley", 8_000_000), ("flat", 1_000_000)]
    assert lines[2].rule.endswith("23:00-07:00")


def test_a_price_holds_from_the_instant_it_starts() -> None:
    """A charge that begins at 18:00 is peak from its first mWh; one that ends then never."""
    six = datetime(2026, 11, 22, 10, tzinfo=UTC)
    from_six = bill_lines(PEAK_FLAT_VALLEY, evenly(SHANGHAI, six, 1, 1_000))
    until_six = bill_lines(PEAK_FLAT_VALLEY, evenly(SHANGHAI, six - timedelta(hours=1), 1, 1_000))
    assert energies(from_six) == [("peak", 1_000)]
    assert energies(until_six) == [("flat", 1_000)]


def test_a_stretch_without_energy_has_no_lines() -> None:
    """A battery that was full before the peak does not pay for the peak."""
    start = datetime(2026, 11, 22, 8, tzinfo=UTC)
    marks = (
        Mark(start, 0),
        Mark(start + timedelta(hours=1), 500_000),
        Mark(start + timedelta(hours=9), 500_000),
    )
    assert energies(bill_lines(PEAK_FLAT_VALLEY, Usage(SHANGHAI, 3_600, marks))) == [
        ("flat", 500_000)
    ]


def test_energy_between_marks_of_one_instant_is_billed() -> None:
    """A register that went on within one second loses nothing, at either end."""
    start = datetime(2026, 11, 22, 10, tzinfo=UTC)
    end = start + timedelta(hours=3)
    marks = (Mark(start, 0), Mark(start, 10), Mark(end, 300), Mark(end, 1_000))
    assert energies(bill_lines(PEAK_FLAT_VALLEY, Usage(SHANGHAI, 10_800, marks))) == [
        ("peak", 1_000)
    ]
    at_once = Usage(SHANGHAI, 0, (Mark(start, 0), Mark(start, 10)))
    assert energies(bill_lines(PEAK_FLAT_VALLEY, at_once)) == [("peak", 10)]


# ------------------------------------------------------------------ clocks that change


@pytest.mark.parametrize(
    ("zone", "midnight"),
    [
        pytest.param(BERLIN, datetime(2026, 3, 28, 23, tzinfo=UTC), id="Berlin"),
        pytest.param(NEW_YORK, datetime(2026, 3, 8, 5, tzinfo=UTC), id="New York"),
    ],
)
def test_clocks_that_go_forward(zone: ZoneInfo, midnight: datetime) -> None:
    """There is no 02:30, so the day's rate begins after two hours of night."""
    lines = bill_lines(NIGHT_AND_DAY, evenly(zone, midnight, 4, 4_000_000))
    assert energies(lines) == [("night", 2_000_000), ("day", 2_000_000)]
    assert sum(line.amount_fen for line in lines) == 300


@pytest.mark.parametrize(
    ("zone", "midnight"),
    [
        pytest.param(BERLIN, datetime(2026, 10, 24, 22, tzinfo=UTC), id="Berlin"),
        pytest.param(NEW_YORK, datetime(2026, 11, 1, 4, tzinfo=UTC), id="New York"),
    ],
)
def test_clocks_that_go_back(zone: ZoneInfo, midnight: datetime) -> None:
    """An hour that is shown twice has its rates both times.

    Berlin goes back at 03:00 to 02:00, after half an hour of day; New York at 02:00 to
    01:00, in the middle of the night.
    """
    lines = bill_lines(NIGHT_AND_DAY, evenly(zone, midnight, 5, 5_000_000))
    assert (
        energies(lines)
        == {
            BERLIN: [
                ("night", 2_500_000),
                ("day", 500_000),
                ("night", 500_000),
                ("day", 1_500_000),
            ],
            NEW_YORK: [("night", 3_500_000), ("day", 1_500_000)],
        }[zone]
    )


def test_shanghai_keeps_its_clocks() -> None:
    """Every day has 24 hours: eight of valley, eight of flat and eight of peak."""
    usage = evenly(SHANGHAI, datetime(2026, 3, 28, 16, tzinfo=UTC), 24, 24_000_000)
    totals = {"valley": 0, "flat": 0, "peak": 0}
    for rate, energy_mwh in energies(bill_lines(PEAK_FLAT_VALLEY, usage)):
        totals[rate] += energy_mwh
    assert totals == {"valley": 8_000_000, "flat": 8_000_000, "peak": 8_000_000}


def test_boundaries_are_in_the_sites_time() -> None:
    """Within (after, until], as instants."""
    tariff = TimeOfUse()
    terms = tariff.check(PEAK_FLAT_VALLEY)
    after = datetime(2026, 11, 22, 2, tzinfo=UTC)
    assert tariff.boundaries(terms, SHANGHAI, after, after + timedelta(hours=8)) == [
        datetime(2026, 11, 22, 7, tzinfo=UTC),
        datetime(2026, 11, 22, 10, tzinfo=UTC),
    ]


# --------------------------------------------------------------------------- properties

#: seconds and whole mWh in a second, so that the register is exact at every second
STEPS = st.lists(st.tuples(st.integers(1, 30_000), st.integers(0, 500)), min_size=1, max_size=6)
STARTS = st.tuples(
    st.sampled_from([SHANGHAI, BERLIN, NEW_YORK]),
    st.sampled_from([datetime(2026, 3, 28, tzinfo=UTC), datetime(2026, 10, 31, tzinfo=UTC)]),
    st.integers(0, 90_000),
)


def stepwise(start: tuple[ZoneInfo, datetime, int], steps: list[tuple[int, int]]) -> Usage:
    """A charge in steps of so many seconds at so many mWh a second."""
    zone, at, later = start
    marks = [Mark(at + timedelta(seconds=later), 0)]
    for seconds, pace in steps:
        last = marks[-1]
        marks.append(Mark(last.at + timedelta(seconds=seconds), last.meter_mwh + seconds * pace))
    return Usage(zone, sum(seconds for seconds, _ in steps), tuple(marks))


@given(STARTS, STEPS, st.data())
def test_a_mark_that_tells_nothing_new_changes_nothing(
    start: tuple[ZoneInfo, datetime, int], steps: list[tuple[int, int]], data: st.DataObject
) -> None:
    """One more reading on the line between two others leaves the bill as it is."""
    usage = stepwise(start, steps)
    index = data.draw(st.integers(0, len(steps) - 1))
    seconds, pace = steps[index]
    gone = data.draw(st.integers(0, seconds))
    before = usage.marks[index]
    added = Mark(before.at + timedelta(seconds=gone), before.meter_mwh + gone * pace)
    marks = (*usage.marks[: index + 1], added, *usage.marks[index + 1 :])
    more = Usage(usage.zone, usage.charged_s, marks)
    assert bill_lines(PEAK_FLAT_VALLEY, more) == bill_lines(PEAK_FLAT_VALLEY, usage)


@given(STARTS, STEPS, STEPS)
def test_a_charge_that_goes_on_never_costs_less(
    start: tuple[ZoneInfo, datetime, int],
    steps: list[tuple[int, int]],
    later: list[tuple[int, int]],
) -> None:
    """What was used is not cheaper for having used more."""
    amount = amount_fen(PEAK_FLAT_VALLEY, stepwise(start, steps))
    assert amount_fen(PEAK_FLAT_VALLEY, stepwise(start, steps + later)) >= amount


@given(STARTS, STEPS, st.data())
def test_more_energy_in_the_same_time_never_costs_less(
    start: tuple[ZoneInfo, datetime, int], steps: list[tuple[int, int]], data: st.DataObject
) -> None:
    """A higher power in any part of the charge never lowers the amount."""
    index = data.draw(st.integers(0, len(steps) - 1))
    seconds, pace = steps[index]
    stronger = [*steps]
    stronger[index] = (seconds, pace + data.draw(st.integers(1, 500)))
    amount = amount_fen(PEAK_FLAT_VALLEY, stepwise(start, steps))
    assert amount_fen(PEAK_FLAT_VALLEY, stepwise(start, stronger)) >= amount


@given(STARTS, STEPS)
def test_no_energy_is_lost_between_rates(
    start: tuple[ZoneInfo, datetime, int], steps: list[tuple[int, int]]
) -> None:
    """Electricity and service are each charged for exactly what the meter counted."""
    usage = stepwise(start, steps)
    lines = bill_lines(PEAK_FLAT_VALLEY, usage)
    for fee in Fee:
        assert sum(line.quantity for line in lines if line.fee is fee) == usage.energy_mwh
    rates = [rate for rate, _ in energies(lines)]
    assert len(lines) == 2 * len(rates)


# -------------------------------------------------------------------------------- terms


def test_every_fault_is_named_at_once() -> None:
    """A person who mends terms sees all that is to be mended."""
    terms = {
        "rates": {
            "peak": {"electricity": -1, "service": True},
            "flat": {"electricity": 60_000, "price": 1},
            "": {"electricity": 0, "service": 0},
        },
        "day": [
            {"from": "01:00", "rate": "peak"},
            {"from": "07:00", "rate": "sharp"},
            {"from": "07:00", "rate": "peak", "until": "08:00"},
            {"from": "24:00", "rate": ["peak"]},
            "flat",
        ],
        "name": "summer",
    }
    with pytest.raises(TariffError, match="15 faults") as refused:
        TimeOfUse().check(terms)
    errors = refused.value.facts["errors"]
    assert isinstance(errors, list)
    assert [(error["where"], error["what"]) for error in errors] == [
        ("/name", "is not known here"),
        ("/rates/peak/electricity", "must be a whole number from 0 to 10000000"),
        ("/rates/peak/service", "must be a whole number from 0 to 10000000"),
        ("/rates/flat/service", "is missing"),
        ("/rates/flat/price", "is not known here"),
        ("/rates/", "must have a name of 1 to 32 printable characters"),
        ("/day/0/from", "must be 00:00: the day begins with it"),
        ("/day/2/until", "is not known here"),
        ("/day/2/from", "must be later than 07:00, which comes before it"),
        ("/day/3/from", "must be a time of day from 00:00 to 23:59"),
        ("/day/4", "must be an object"),
        ("/day/1/rate", "must name one of the rates"),
        ("/day/3/rate", "must name one of the rates"),
        ("/rates/flat", "is not used in the day"),
        ("/rates/", "is not used in the day"),
    ]


@pytest.mark.parametrize("start", ["7:00", "07:60", "07:00:00", "0\uff17:00", "07:00\n", 7, None])
def test_a_start_is_a_whole_minute_of_the_day(start: object) -> None:
    """Two digits, a colon, two digits."""
    day = [*SINGLE_RATE["day"], {"from": start, "rate": "all"}]
    with pytest.raises(TariffError) as refused:
        TimeOfUse().check({**SINGLE_RATE, "day": day})
    assert refused.value.facts["errors"] == [
        {"where": "/day/1/from", "what": "must be a time of day from 00:00 to 23:59"}
    ]


@pytest.mark.parametrize(("count", "accepted"), [(1, True), (48, True), (49, False)])
def test_a_day_has_at_most_48_periods(count: int, accepted: bool) -> None:
    """Half hours are the finest that a table of prices is made of."""
    day = [
        {"from": f"{minute // 60:02}:{minute % 60:02}", "rate": "all"}
        for minute in range(0, 29 * count, 29)
    ]
    terms = {**SINGLE_RATE, "day": day}
    if accepted:
        assert TimeOfUse().check(terms) == terms
    else:
        with pytest.raises(TariffError) as refused:
            TimeOfUse().check(terms)
        assert refused.value.facts["errors"] == [
            {"where": "/day", "what": "must have 1 to 48 periods"}
        ]


@pytest.mark.parametrize(
    ("terms", "wheres"),
    [
        ({}, ["/rates", "/day"]),
        ({"rates": [], "day": {}}, ["/rates", "/day"]),
        ({"rates": {}, "day": []}, ["/day"]),
        ({"rates": {}, "day": [{}]}, ["/day/0/from", "/day/0/rate"]),
    ],
)
def test_hollow_terms(terms: dict[str, Any], wheres: list[str]) -> None:
    """What is not there is named where it should be."""
    with pytest.raises(TariffError) as refused:
        TimeOfUse().check(terms)
    errors = refused.value.facts["errors"]
    assert isinstance(errors, list)
    assert [error["where"] for error in errors] == wheres


def test_rates_may_have_names_in_any_script() -> None:
    """Operators name their rates as their customers know them."""
    terms = {
        "rates": {"谷": {"electricity": 40_000, "service": 80_000}},
        "day": [{"from": "00:00", "rate": "谷"}],
    }
    usage = evenly(SHANGHAI, datetime(2026, 11, 22, tzinfo=UTC), 1, 1_000_000)
    assert bill_lines(terms, usage)[0].rule == "rate 谷 0.40000 yuan/kWh all day"
