"""Figures that cannot be right are doubted, and no others are; what is missing is taken by a
rule that has a name."""

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from chargecloud.domain.charger import ChargerTime
from chargecloud.domain.events import ChargeEnded, StopReason
from chargecloud.domain.plausible import (
    FIRST_READING,
    LAST_READING,
    LEAST_DRAWN_MWH,
    REGISTER_BEFORE,
    TOLERANCE_PERCENT,
    TOLERANCE_S,
    Figures,
    Known,
    believed_start,
    drew_nothing,
    is_told,
    judge,
    most_mwh,
)
from chargecloud.domain.tariff import Mark
from tests.harness import NOW

#: 1000 W for an hour
RECORD = ChargeEnded(
    order_id=1,
    port=1,
    start_meter_mwh=5_000_000,
    end_meter_mwh=6_000_000,
    duration_s=3600,
    reason=StopReason.FULL,
    at=ChargerTime(1, 4000),
)
KNOWN = Known(
    told_start_mwh=5_000_000,
    start_known=True,
    marks=(Mark(NOW, 5_000_000),),
    rated_w=1000,
    age_s=3600,
    own_s=3600,
)
#: a charge of which nothing but its record is known
UNHEARD = Known(rated_w=1000, age_s=3600, own_s=3600)

registers = st.integers(0, 10**12)


def test_a_right_record_is_believed() -> None:
    """Within the rated power and with the meter that was told at the start."""
    assert judge(RECORD, KNOWN) == Figures(5_000_000, 6_000_000, 3600)


def test_a_start_that_was_never_told_cannot_differ() -> None:
    """The end record may be the first that the platform hears of the start."""
    assert judge(RECORD, UNHEARD) == Figures(5_000_000, 6_000_000, 3600)


@pytest.mark.parametrize(
    ("record", "why"),
    [
        (evolve(RECORD, end_meter_mwh=4_999_999), "meter-went-back"),
        (evolve(RECORD, start_meter_mwh=5_000_001), "start-meter-differs"),
        (evolve(RECORD, end_meter_mwh=915_000_000), "more-than-rated-power"),
        (evolve(RECORD, duration_s=315_360_000), "longer-than-its-order"),
        (evolve(RECORD, duration_s=-1), "longer-than-its-order"),
    ],
)
def test_a_wrong_record_is_doubted(record: ChargeEnded, why: str) -> None:
    """Each kind of fault has its own word."""
    assert judge(record, KNOWN).doubt == why


@pytest.mark.parametrize("told_mwh", [None, 0])
def test_a_start_from_nothing_is_not_billed(told_mwh: int | None) -> None:
    """A register that was absent and taken for zero makes 910 kWh out of 0.083: with the
    port's register it is billed by that, and without one it is doubted."""
    record = evolve(RECORD, start_meter_mwh=told_mwh, end_meter_mwh=910_000_000)
    before = evolve(UNHEARD, register_before_mwh=909_917_000)
    assert judge(record, before) == Figures(909_917_000, 910_000_000, 3600, REGISTER_BEFORE)
    doubt = "no-start-meter" if told_mwh is None else "more-than-rated-power"
    assert judge(record, UNHEARD).doubt == doubt


def test_a_charger_that_counts_each_charge_from_zero() -> None:
    """Its zero is a zero: the register of the charge before fits nothing."""
    record = evolve(RECORD, start_meter_mwh=0, end_meter_mwh=400_000)
    before = evolve(UNHEARD, register_before_mwh=700_000)
    assert judge(record, before) == Figures(0, 400_000, 3600)


def test_a_register_that_went_on_did_not_begin_at_zero() -> None:
    """1.2 kWh were on it, 1.5 are now: 0.3 were charged, whatever the zero says."""
    record = evolve(RECORD, start_meter_mwh=0, end_meter_mwh=1_500_000, duration_s=7200)
    before = evolve(UNHEARD, register_before_mwh=1_200_000, age_s=7200)
    assert judge(record, before) == Figures(1_200_000, 1_500_000, 7200, REGISTER_BEFORE)


def test_an_end_that_was_not_told_is_the_last_reading() -> None:
    """A record without its register is billed by what the charger said before."""
    marks = (Mark(NOW, 5_000_000), Mark(NOW, 5_800_000))
    figures = judge(evolve(RECORD, end_meter_mwh=None), evolve(KNOWN, marks=marks))
    assert figures == Figures(5_000_000, 5_800_000, 3600, LAST_READING)


def test_without_any_register_there_is_nothing_to_bill_by() -> None:
    """It is doubted, not billed as nothing and not as everything."""
    record = evolve(RECORD, start_meter_mwh=None, end_meter_mwh=None)
    assert judge(record, UNHEARD).doubt == "no-start-meter"
    record = evolve(RECORD, end_meter_mwh=None)
    assert judge(record, UNHEARD).doubt is not None


def test_time_that_was_not_told_is_by_our_own_account() -> None:
    """The seconds that we saw it charge."""
    assert judge(evolve(RECORD, duration_s=None), evolve(KNOWN, own_s=3500)).charged_s == 3500


def test_the_rule_of_the_first_mark_is_the_rule_of_the_bill() -> None:
    """What was taken from a reading stays told so."""
    known = evolve(KNOWN, told_start_mwh=None, basis=FIRST_READING)
    assert judge(evolve(RECORD, start_meter_mwh=None), known).basis == FIRST_READING


@pytest.mark.parametrize(
    ("drawn_mwh", "energy_mwh", "doubt"),
    [
        (LEAST_DRAWN_MWH, LEAST_DRAWN_MWH // 10 - 1, "meter-stood-still"),
        (LEAST_DRAWN_MWH, LEAST_DRAWN_MWH // 10, None),
        # so little power proves nothing
        (LEAST_DRAWN_MWH - 1, 0, None),
    ],
)
def test_a_meter_that_repeats_itself(drawn_mwh: int, energy_mwh: int, doubt: str | None) -> None:
    """Power flowed for long and the register did not move: two samples of one quantity that
    contradict each other."""
    record = evolve(RECORD, end_meter_mwh=5_000_000 + energy_mwh)
    assert judge(record, evolve(KNOWN, drawn_mwh=drawn_mwh)).doubt == doubt


@given(st.integers(1, 500_000), st.integers(0, 200_000), st.data())
def test_the_most_that_is_believed(rated_w: int, duration_s: int, data: st.DataObject) -> None:
    """Whatever the rated power gives in the time is believed; more than the tolerances
    allow is not."""
    known = evolve(KNOWN, rated_w=rated_w, age_s=duration_s)
    believed = rated_w * duration_s * 1000 // 3600
    doubted = rated_w * (duration_s + TOLERANCE_S) * (100 + TOLERANCE_PERCENT) * 10 // 3600 + 1
    energy_mwh = data.draw(st.integers(0, believed))
    record = evolve(RECORD, duration_s=duration_s, end_meter_mwh=5_000_000 + energy_mwh)
    assert judge(record, known).doubt is None
    energy_mwh = data.draw(st.integers(doubted, 2 * doubted))
    record = evolve(record, end_meter_mwh=5_000_000 + energy_mwh)
    assert judge(record, known).doubt == "more-than-rated-power"


@given(
    told_mwh=st.none() | registers,
    end_mwh=st.none() | registers,
    duration_s=st.none() | st.integers(-(10**6), 10**9),
    before_mwh=st.none() | registers,
    rated_w=st.integers(1, 500_000),
    age_s=st.integers(0, 10**7),
    own_s=st.integers(0, 10**7),
)
def test_nothing_impossible_is_billed(
    told_mwh: int | None,
    end_mwh: int | None,
    duration_s: int | None,
    before_mwh: int | None,
    rated_w: int,
    age_s: int,
    own_s: int,
) -> None:
    """Whatever a record holds: what is not doubted is neither negative nor more than the
    rated power gives in a time that is no longer than its order."""
    record = evolve(RECORD, start_meter_mwh=told_mwh, end_meter_mwh=end_mwh, duration_s=duration_s)
    known = Known(register_before_mwh=before_mwh, rated_w=rated_w, age_s=age_s, own_s=own_s)
    figures = judge(record, known)
    longest_s = age_s * (100 + TOLERANCE_PERCENT) // 100 + TOLERANCE_S
    assert 0 <= figures.charged_s <= longest_s
    if figures.doubt is None:
        assert figures.start_mwh is not None
        assert figures.end_mwh is not None
        assert 0 <= figures.end_mwh - figures.start_mwh <= most_mwh(rated_w, longest_s)
        assert figures.start_mwh in (told_mwh, before_mwh)
        assert (figures.basis is None) == (figures.start_mwh == told_mwh)


@given(st.none() | registers, st.none() | registers, registers, st.integers(0, 10**9))
def test_a_believed_start_is_possible(
    told_mwh: int | None, known_mwh: int | None, later_mwh: int, most: int
) -> None:
    """It is one of the two registers, and what flowed since is possible."""
    found = believed_start(told_mwh, known_mwh, later_mwh, most)
    if found is not None:
        start_mwh, basis = found
        assert 0 <= later_mwh - start_mwh <= most
        assert start_mwh == (told_mwh if basis is None else known_mwh)
    else:
        assert told_mwh is None or not 0 <= later_mwh - told_mwh <= most


@pytest.mark.parametrize(("told_mwh", "told"), [(None, False), (0, False), (1, True)])
def test_missing_is_not_zero(told_mwh: int | None, told: bool) -> None:
    """And a zero is not yet a register."""
    assert is_told(told_mwh) is told


def test_an_empty_port_costs_nothing() -> None:
    """3 W for an hour is what the electronics of a port take; a Wh more is a charge."""
    assert drew_nothing(3000, 3600, no_load_dw=30)
    assert not drew_nothing(4000, 3600, no_load_dw=30)
    assert drew_nothing(0, 0, no_load_dw=30)
