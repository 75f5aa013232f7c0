"""What a month card covers, and what of its price goes back."""

from datetime import timedelta
from zoneinfo import ZoneInfo

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from chargecloud.domain.coupon import Coupon, reduced
from chargecloud.domain.decision import Change
from chargecloud.domain.month_card import STOPS_WITHIN_S, Cover, covered, is_covered, unused_fen
from chargecloud.domain.occurrences import Billed, StartRefused, Waived
from chargecloud.domain.order import decide
from chargecloud.domain.order_rows import order_of, order_row
from chargecloud.domain.order_value import OrderState
from chargecloud.domain.tariff import Bill, Fee, Mark, Usage
from chargecloud.money.month_cards import spread
from tests.domain.order_samples import an_order, bill_line, bills
from tests.harness import NOW

ZONE = ZoneInfo("Asia/Shanghai")
DAY = timedelta(days=1)
maybe_s = st.none() | st.integers(0, 90_000)


def usage(charged_s: int, energy_mwh: int = 0) -> Usage:
    """A charge."""
    end = NOW + timedelta(seconds=charged_s)
    return Usage(ZONE, charged_s, (Mark(NOW, 5), Mark(end, 5 + energy_mwh)))


@given(bills, st.integers(0, 90_000), maybe_s)
def test_no_more_than_its_share_of_each_fee(
    bill: Bill, charged_s: int, seconds: int | None
) -> None:
    """All of a charge in its hours, a part of a longer one; never more than there is."""
    after = covered(bill, Cover(id=9, number=1, seconds=seconds), usage(charged_s))
    assert after.lines[: len(bill.lines)] == bill.lines
    for fee in Fee:
        assert 0 <= after.fee_fen(fee) <= bill.fee_fen(fee)
    if charged_s and (seconds is None or seconds >= charged_s):
        assert after.amount_fen == 0
    elif seconds is not None and charged_s > seconds + STOPS_WITHIN_S:
        for fee in Fee:
            assert after.fee_fen(fee) >= bill.fee_fen(fee) * (charged_s - seconds) // charged_s
    assert is_covered(after) == (after.amount_fen < bill.amount_fen)


@given(bills, st.integers(0, 90_000), maybe_s, st.integers(1, 3000))
def test_with_a_coupon_a_bill_is_still_not_below_zero(
    bill: Bill, charged_s: int, seconds: int | None, fen: int
) -> None:
    """The card first, the coupon of what is left."""
    coupon = Coupon(id=1, number=1, code="A", amount_fen=fen)
    some = covered(bill, Cover(id=9, number=1, seconds=seconds), usage(charged_s))
    after = reduced(some, coupon, NOW, NOW)
    assert after.amount_fen == max(0, some.amount_fen - fen)
    assert min(after.fee_fen(fee) for fee in Fee) >= 0


def test_a_charge_above_its_power_is_not_covered() -> None:
    """One at just its power is."""
    cover = Cover(id=9, number=1, power_w=400)
    assert cover.covered_s(usage(3600, 400_000)) == 3600
    assert cover.covered_s(usage(3600, 401_000)) == 0
    # a short time of it is enough
    half = NOW + timedelta(minutes=30)
    marks = (Mark(NOW, 0), Mark(half, 300_000), Mark(NOW + timedelta(hours=1), 300_000))
    assert cover.covered_s(evolve(usage(3600), marks=marks)) == 0


def test_a_coarse_meter_makes_no_power_of_a_moment() -> None:
    """Two readings at a change of price, and a step of the meter between them, are no more than
    their quarter of an hour was; neither is the rest of a charge."""
    cover = Cover(id=9, number=1, power_w=400)
    steps = [(0, 0), (2, 10_000), (3_590, 300_000), (3_600, 310_000)]
    marks = tuple(Mark(NOW + timedelta(seconds=at_s), mwh) for at_s, mwh in steps)
    assert cover.covered_s(evolve(usage(3600), marks=marks)) == 3600
    # a short charge is what it was as a whole
    assert cover.covered_s(usage(60, 6_000)) == 60
    assert cover.covered_s(usage(60, 7_000)) == 0


@given(st.integers(1, 10**7), st.integers(1, 366), st.integers(-(10**8), 10**8))
def test_what_goes_back_is_for_days_that_have_not_begun(
    price_fen: int, days: int, since_s: int
) -> None:
    """All before it begins, nothing in its last day, and less with each day."""
    at = NOW + timedelta(seconds=since_s)
    back_fen = unused_fen(price_fen, days, NOW, at)
    assert 0 <= back_fen <= price_fen
    assert unused_fen(price_fen, days, NOW, at + DAY) <= back_fen
    if at <= NOW:
        assert back_fen == price_fen
    if at > NOW + (days - 1) * DAY:
        assert back_fen == 0
    still = sum(NOW + day * DAY >= at for day in range(days))
    assert 0 <= price_fen * still - back_fen * days < days


@given(st.integers(0, 10**7), st.dictionaries(st.integers(1, 99), st.integers(1, 500), max_size=6))
def test_earnings_are_spread_to_the_last_fen(amount_fen: int, counted: dict[int, int]) -> None:
    """By charges; each within a fen of its part."""
    parts = spread(amount_fen, counted)
    assert sum(parts.values()) == amount_fen
    assert all(fen > 0 for fen in parts.values())
    whole = sum(counted.values())
    for site_id, count in counted.items():
        assert abs(parts.get(site_id, 0) - amount_fen * count / whole) < 1 + 1e-6
    assert counted or set(parts) <= {0}


COVER = Cover(id=9, number=4, seconds=3600, power_w=None)


def test_an_order_keeps_it_as_a_row() -> None:
    """And has it back."""
    order = an_order(month_card=COVER)
    assert order_of(order_row(order)) == order


def test_its_hours_are_the_orders_until_they_are_counted() -> None:
    """What fails gives them back, and what is settled keeps those that it used."""
    key = {"card_id": 9, "number": 4}
    back = Change("month_card_uses", key, {"order_id": None, "seconds": 0}, {"order_id": 40})
    failed = decide(an_order(month_card=COVER), StartRefused(NOW, "busy"))
    ended = an_order(
        month_card=COVER,
        state=OrderState.ENDED,
        ended_at=NOW,
        charged_s=600,
        marks=usage(600, 1000).marks,
    )
    waived = decide(ended, Waived(NOW, "nothing-drawn"))
    for step in (failed, waived):
        assert back in step.decision.writes
        assert step.order.month_card is None
    full = Bill(50, 2, (bill_line(Fee.SERVICE, 50),))
    settled = decide(ended, Billed(NOW, covered(full, COVER, ended.usage), 0))
    used = Change("month_card_uses", key, {"seconds": 600}, {"order_id": 40})
    assert used in settled.decision.writes
    assert settled.order.bill is not None
    assert (settled.order.bill.amount_fen, settled.order.month_card) == (0, COVER)


def test_nobody_pays_for_the_seconds_that_a_charger_takes_to_stop() -> None:
    """A fen that nobody has would be a debt."""
    bill = Bill(50, 2, (bill_line(Fee.SERVICE, 5000),))
    assert covered(bill, COVER, usage(3600 + STOPS_WITHIN_S)).amount_fen == 0
    assert covered(bill, COVER, usage(3601 + STOPS_WITHIN_S)).amount_fen > 0
