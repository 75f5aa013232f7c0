"""What a charge used, and the lines and sums of a bill."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargecloud.domain.tariff import Bill, BillLine, Fee, Mark, Usage

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def usage_of(*marks: tuple[int, int]) -> Usage:
    """From marks of (seconds after noon, mWh)."""
    return Usage(
        SHANGHAI,
        charged_s=max(0, marks[-1][0] - marks[0][0]),
        marks=tuple(Mark(NOON + timedelta(seconds=second), meter) for second, meter in marks),
    )


@st.composite
def usages(draw: st.DrawFn) -> Usage:
    """Marks with gaps of any length between them, none among these."""
    second, meter = 0, draw(st.integers(0, 10**9))
    marks = [(second, meter)]
    steps = st.tuples(st.integers(0, 7_200), st.integers(0, 10**7))
    for later, more in draw(st.lists(steps, max_size=8)):
        second, meter = second + later, meter + more
        marks.append((second, meter))
    return usage_of(*marks)


INSTANTS = st.integers(-3_600, 80_000).map(lambda second: NOON + timedelta(seconds=second))


@given(usages(), st.lists(INSTANTS, min_size=2, max_size=10))
def test_energy_telescopes(usage: Usage, instants: list[datetime]) -> None:
    """The parts between any instants sum to the energy between the first and the last."""
    instants.sort()
    parts = [usage.energy_between(start, end) for start, end in pairwise(instants)]
    assert min(parts) >= 0
    assert sum(parts) == usage.energy_between(instants[0], instants[-1])


@given(usages())
def test_all_energy_lies_within_the_charge(usage: Usage) -> None:
    """Outside of the marks nothing flows, inside all of it."""
    before, after = usage.started_at - timedelta(seconds=1), usage.ended_at
    assert usage.energy_between(before, after) == usage.energy_mwh
    assert usage.energy_between(after, after + timedelta(days=1)) == 0


def test_the_register_between_marks_is_interpolated_and_rounded_down() -> None:
    """Energy between two marks flows evenly."""
    usage = usage_of((0, 1_000), (30, 1_100), (60, 1_100))
    seconds = (0, 15, 20, 30, 45, 60)
    meters = [usage.meter_at(NOON + timedelta(seconds=second)) for second in seconds]
    assert meters == [1_000, 1_050, 1_066, 1_100, 1_100, 1_100]


def test_the_register_outside_of_the_marks() -> None:
    """Before the first and after the last mark it stands still."""
    usage = usage_of((0, 1_000), (60, 1_600))
    assert usage.meter_at(NOON - timedelta(days=1)) == 1_000
    assert usage.meter_at(NOON + timedelta(days=1)) == 1_600
    assert (usage.started_at, usage.ended_at) == (NOON, NOON + timedelta(seconds=60))


@pytest.mark.parametrize(
    "marks",
    [
        pytest.param([(60, 1_000), (0, 2_000)], id="time goes back"),
        pytest.param([(0, 2_000), (60, 1_999)], id="meter goes back"),
        pytest.param([(0, 0), (60, 5), (60, 4), (90, 9)], id="meter goes back at one instant"),
    ],
)
def test_marks_that_go_back_are_refused(marks: list[tuple[int, int]]) -> None:
    """Registers and times only grow."""
    with pytest.raises(ValueError, match="go back"):
        usage_of(*marks)


def test_a_line_of_energy_is_rounded_once() -> None:
    """12.345 Wh at 1 yuan for a kWh are 1.2345 fen: one."""
    end = NOON + timedelta(hours=1)
    line = BillLine.of_energy(Fee.SERVICE, NOON, end, 12_345, 100_000, "rate all")
    assert line == BillLine(
        fee=Fee.SERVICE,
        start=NOON,
        end=end,
        quantity=12_345,
        unit="mWh",
        unit_price=100_000,
        price_per="kWh",
        amount_fen=1,
        rule="rate all",
    )


@given(st.lists(st.tuples(st.sampled_from(Fee), st.integers(0, 10**9), st.integers(0, 10**7))))
def test_the_fees_make_the_amount(parts: list[tuple[Fee, int, int]]) -> None:
    """What is for electricity and what is for service sum to what is to be paid."""
    lines = tuple(
        BillLine.of_energy(fee, NOON, NOON, energy, price, "") for fee, energy, price in parts
    )
    bill = Bill(tariff_id=1, tariff_version=2, lines=lines)
    assert sum(bill.fee_fen(fee) for fee in Fee) == bill.amount_fen
    assert bill.amount_fen == sum(line.amount_fen for line in lines)


def test_a_bill_without_lines_costs_nothing() -> None:
    """No line, no amount."""
    assert Bill(tariff_id=1, tariff_version=1, lines=()).amount_fen == 0
