"""The marks of a running order."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from chargecloud.charging.tracking import Track
from chargecloud.domain.cut_off import CutOff
from chargecloud.domain.order_value import Order, OrderState
from chargecloud.domain.tariff import Mark, Usage
from chargecloud.money.time_of_use import TimeOfUse
from tests.harness import NOW

ZONE = ZoneInfo("Asia/Shanghai")
TARIFF = TimeOfUse()
TERMS = TARIFF.check(
    {
        "rates": {
            "a": {"electricity": 100_000, "service": 20_000},
            "b": {"electricity": 30_000, "service": 20_000},
        },
        "day": [
            {"from": "00:00", "rate": "a"},
            {"from": "09:10", "rate": "b"},
            {"from": "09:50", "rate": "a"},
            {"from": "13:00", "rate": "b"},
        ],
    }
)


def _boundaries(after: datetime, until: datetime) -> list[datetime]:
    return list(TARIFF.boundaries(TERMS, ZONE, after, until))


def _track() -> Track:
    order = Order(
        id=1,
        tenant_id=1,
        site_id=1,
        charger_id=1,
        port=1,
        customer_id=None,
        tariff_id=1,
        tariff_version=1,
        time_zone="Asia/Shanghai",
        created_at=NOW,
        start_key="1",
        started_at=NOW,
        state=OrderState.CHARGING,
        marks=(Mark(NOW, 0),),
    )
    return Track(order, _boundaries, 4000, CutOff())


readings = st.lists(
    st.tuples(st.integers(1, 5000), st.integers(0, 50_000)), min_size=1, max_size=60
)


@given(readings)
def test_few_marks_make_the_same_bill_as_all_readings(steps: list[tuple[int, int]]) -> None:
    """What is forgotten changes no line."""
    track, every = _track(), [Mark(NOW, 0)]
    for seconds, energy_mwh in steps:
        last = every[-1]
        every.append(Mark(last.at + timedelta(seconds=seconds), last.meter_mwh + energy_mwh))
        track.observe(every[-1])
    end = Mark(every[-1].at + timedelta(seconds=7), every[-1].meter_mwh + 11)
    few = Usage(ZONE, 1, track.until(end))
    all_of_them = Usage(ZONE, 1, (*every, end))
    assert TARIFF.lines(TERMS, few) == TARIFF.lines(TERMS, all_of_them)
    crossed = len(_boundaries(NOW, end.at))
    assert len(few.marks) <= 3 + 2 * crossed


@given(readings)
def test_readings_that_go_back_are_passed_over(steps: list[tuple[int, int]]) -> None:
    """Totals are monotonic: a reading of the past, or a smaller register, says nothing."""
    track = _track()
    at, meter = NOW, 0
    for seconds, energy_mwh in steps:
        at, meter = at + timedelta(seconds=seconds), meter + energy_mwh
        track.observe(Mark(at, meter))
        before = track.marks
        assert track.observe(Mark(at - timedelta(seconds=1), meter + 1)) is False
        assert track.observe(Mark(at + timedelta(seconds=1), meter - 1)) is False
        assert track.marks == before
