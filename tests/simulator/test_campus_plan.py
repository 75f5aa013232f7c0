"""The campus day as it is planned."""

import itertools
from collections import Counter, defaultdict
from random import Random

import pytest

from chargecloud.domain.commands import StartCharge
from chargecloud.domain.cut_off import CutOff
from chargecloud.domain.events import StopReason
from chargecloud.domain.units import HOUR
from chargecloud.simulator.campus import LASTS_S, Visit, draw_day
from chargecloud.simulator.charge import Charge

#: of the reference
ENERGY_KWH, SAVED_KWH = 6_000, 400


def charge_of(visit: Visit, rules: CutOff) -> tuple[int, StopReason]:
    """What somebody draws who is charged from coming to going, and what ends it."""
    limit = visit.limit or {}
    duration_s = limit.get("duration_s")
    assert duration_s is None or isinstance(duration_s, int)
    start = StartCharge(1, visit.port, 0, limit_duration_s=duration_s, cut_off=rules)
    charge = Charge.ordered(start, 0)
    charge.come(visit.bike.curve, visit.bike.place_s)
    stay_s, ending = visit.goes_s - visit.comes_s, charge.ending
    by_itself = ending is not None and ending.after_s < stay_s
    charge.charged_s = ending.after_s if ending and by_itself else stay_s
    reason = ending.reason if ending and by_itself else StopReason.UNPLUGGED
    return charge.meter_mwh(visit.bike.curve), reason


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_drawn_day_is_the_references(seed: int) -> None:
    """Whatever the seed: 4,000 charges, 6,000 kWh, and 400 kWh that the cut-off saves."""
    day = draw_day(Random(seed), 200, 10)
    cut = [charge_of(visit, CutOff()) for visit in day]
    uncut = [charge_of(visit, CutOff(float_hold_s=86_400)) for visit in day]
    energy_kwh = sum(energy for energy, _ in cut) / 1e6
    more_kwh = sum(energy for energy, _ in uncut) / 1e6 - energy_kwh
    assert len(day) == 4_000
    assert energy_kwh == pytest.approx(ENERGY_KWH, rel=0.01)
    assert more_kwh == pytest.approx(SAVED_KWH, rel=0.05)
    reasons = Counter(reason for _, reason in cut)
    assert reasons[StopReason.FULL] > reasons[StopReason.UNPLUGGED] > reasons[StopReason.LIMIT_TIME]


def test_nobody_finds_their_port_taken() -> None:
    """Between two visits of a port there is a quarter of an hour at the least."""
    visits = defaultdict(list)
    for visit in draw_day(Random(1), 20, 10):
        visits[visit.box, visit.port].append((visit.comes_s, visit.goes_s))
    for times in visits.values():
        for (_, gone_s), (comes_s, goes_s) in itertools.pairwise(times):
            assert gone_s + HOUR // 6 <= comes_s < goes_s < LASTS_S


def test_the_same_seed_is_the_same_day() -> None:
    """And another one is another."""
    assert draw_day(Random(1), 2, 10) == draw_day(Random(1), 2, 10)
    assert draw_day(Random(1), 2, 10) != draw_day(Random(2), 2, 10)
