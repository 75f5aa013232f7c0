"""A tariff: what every bill of it has to be, for terms from its author (C{--terms FILE})."""

import copy
import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from attrs import frozen
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from zope.interface.verify import verifyObject

from chargecloud.conformance.usages import FIRST, ZONES, gone_on, on_the_line, usages
from chargecloud.domain.errors import TariffError
from chargecloud.domain.tariff import Bill, Fee, Usage
from chargecloud.domain.units import half_up
from chargecloud.interfaces import ITariff

#: a slow tariff is not a wrong one, and the fixture only gives what it has read
PATIENT = settings(
    deadline=None,
    max_examples=60,
    report_multiple_bugs=False,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@frozen
class Priced:
    """
    A tariff with terms.

    @ivar falls: it has caps, discounts or tiers, by which more may cost less.
    """

    tariff: ITariff
    terms: Mapping[str, Any]
    falls: bool = False

    def bill(self, usage: Usage) -> Bill:
        """What it makes of a charge."""
        return Bill(1, 1, tuple(self.tariff.lines(self.terms, usage)))


def test_it_keeps_to_the_interface(tariff: ITariff) -> None:
    """Each method is there, and takes what it is given."""
    verifyObject(ITariff, tariff)


def test_terms_it_has_checked_are_their_own_canonical_form(all_priced: Sequence[Priced]) -> None:
    """They are kept as JSON, and read back as they were."""
    for priced in all_priced:
        kept = json.loads(json.dumps(priced.terms))
        assert kept == priced.terms
        assert priced.tariff.check(kept) == priced.terms


def test_faults_in_terms_are_named_with_their_places(tariff: ITariff, refused_terms: Any) -> None:
    """All of them at once: a person mends them by what is said."""
    with pytest.raises(TariffError) as caught:
        tariff.check(refused_terms)
    errors: Any = caught.value.facts["errors"]
    assert errors
    assert all(each["what"] and isinstance(each["where"], str) for each in errors)


@PATIENT
@given(usage=usages())
def test_lines_sum_to_the_bill_and_no_fee_is_below_zero(
    all_priced: Sequence[Priced], usage: Usage
) -> None:
    """What is exact rounds to what is paid."""
    for priced in all_priced:
        bill = priced.bill(usage)
        assert all(bill.fee_fen(fee) >= 0 for fee in Fee), priced.terms
        assert sum(line.amount_fen for line in bill.lines) == bill.amount_fen, priced.terms
        assert half_up(bill.incl_vat * 100) == bill.amount_fen, priced.terms


@PATIENT
@given(usage=usages())
def test_the_same_charge_has_the_same_bill_for_ever(
    all_priced: Sequence[Priced], usage: Usage
) -> None:
    """Nothing is remembered from one charge for the next, and terms are left as they are."""
    for priced in all_priced:
        before = copy.deepcopy(priced.terms)
        assert priced.bill(usage) == priced.bill(usage), before
        assert priced.terms == before


@PATIENT
@given(pair=on_the_line())
def test_a_reading_that_says_what_was_assumed_changes_nothing(
    all_priced: Sequence[Priced], pair: tuple[Usage, Usage]
) -> None:
    """What the register is taken to have been between two readings, it may as well have said."""
    plain, denser = pair
    for priced in all_priced:
        assert _told(priced.bill(plain)) == _told(priced.bill(denser)), priced.terms


@PATIENT
@given(pair=gone_on())
def test_more_never_costs_less(all_priced: Sequence[Priced], pair: tuple[Usage, Usage]) -> None:
    """More energy, and more time, at the end of a charge."""
    before, after = pair
    for priced in all_priced:
        if not priced.falls:
            bill = priced.bill(after)
            assert bill.amount_fen >= priced.bill(before).amount_fen, priced.terms


@PATIENT
@given(zone=st.sampled_from(ZONES), began_s=st.integers(0, 200_000), for_s=st.integers(1, 200_000))
def test_prices_change_at_the_boundaries_alone(
    all_priced: Sequence[Priced], zone: str, began_s: int, for_s: int
) -> None:
    """Readings are taken there, and a charger reckons with them while the platform is away."""
    after = FIRST + timedelta(seconds=began_s)
    span = (ZoneInfo(zone), after, after + timedelta(seconds=for_s))
    for priced in all_priced:
        boundaries = list(priced.tariff.boundaries(priced.terms, *span))
        assert boundaries == sorted(set(boundaries)), priced.terms
        assert all(span[1] < each <= span[2] for each in boundaries), priced.terms
        prices = priced.tariff.prices(priced.terms, *span)
        if prices is not None:
            changes = [price.until_s for price in prices[:-1]]
            assert changes == sorted(set(changes)), priced.terms
            assert set(changes) <= {int(each.timestamp()) for each in boundaries}, priced.terms


def _told(bill: Bill) -> list[tuple[Fee, int, int, str]]:
    return [(line.fee, line.quantity, line.amount_fen, line.rule) for line in bill.lines]
