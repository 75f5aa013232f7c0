"""A charger whose mains fail, and come back."""

from datetime import timedelta

import pytest

from chargecloud.domain.charger import ChargerTime
from chargecloud.domain.commands import StopCharge
from chargecloud.domain.events import StopReason
from chargecloud.simulator.charger import Unpowered
from tests.simulator.charger_parts import NOW, ORDER, Stand, bike, new_stand


def charging(*, resumes: bool, **limits: int) -> Stand:
    """An order that has run for ten minutes when the power is cut."""
    stand = new_stand()
    stand.charger.resumes = resumes
    stand.charger.plug(1, bike(), stand.after(100))
    assert stand.start(**limits) == "ok"
    stand.charger.cut_power(stand.after(600))
    return stand


def test_a_charge_goes_on_without_the_time_of_the_cut() -> None:
    """In a new start of the charger, and to the same exact end."""
    stand = charging(resumes=True, limit_duration_s=1_000)
    stand.charger.advance(stand.after(5_000))
    assert stand.charger.next_end_s is not None
    assert stand.charger.port(1).meter_mwh == bike().curve.energy_mwh(600)
    stand.charger.power_up(stand.now)
    assert (stand.charger.memory.boot, stand.charger.uptime_s) == (2, 0)
    stand.charger.advance(stand.after(10_000))
    assert stand.ended.reason is StopReason.LIMIT_TIME
    assert stand.ended.duration_s == 1_000
    assert stand.ended.end_meter_mwh == bike().curve.energy_mwh(1_000)
    assert stand.ended.at == ChargerTime(2, 400)


def test_a_charge_that_does_not_go_on_ended_with_the_power() -> None:
    """Its record is made when the power is back, and dated when it went."""
    stand = charging(resumes=False)
    assert stand.book == []
    stand.charger.power_up(stand.after(300))
    assert stand.ended.reason is StopReason.POWER_CUT
    assert stand.ended.at == ChargerTime(1, 700)
    assert stand.ended.duration_s == 600
    assert stand.ended.end_meter_mwh == bike().curve.energy_mwh(600)
    assert stand.book == [(stand.ended, NOW + timedelta(seconds=700))]
    assert stand.charger.port(1).bike == bike(600)


def test_nothing_is_asked_of_a_charger_without_power() -> None:
    """Neither by the cloud nor by a card."""
    stand = charging(resumes=True)
    stand.charger.memory.cards.append("CARD")
    stand.charger.plug(2, bike(), stand.now)
    with pytest.raises(Unpowered):
        stand.charger.obey(StopCharge(ORDER, 1), stand.now)
    stand.charger.present_card(2, "CARD", stand.now)
    assert stand.charger.port(2).charge is None


def test_power_that_is_there_does_not_come_back() -> None:
    """That is a fault of the caller."""
    with pytest.raises(ValueError, match="has power"):
        new_stand().charger.power_up(NOW)


def test_a_charger_that_comes_back_does_not_know_the_time() -> None:
    """A start that may be late is refused until the cloud has told it."""
    stand = charging(resumes=False)
    stand.charger.power_up(stand.after(60))
    assert stand.start(order_id=ORDER + 1) == "expired"
    stand.charger.set_clock(int(stand.now.timestamp()))
    assert stand.start(order_id=ORDER + 1) == "ok"


def test_a_plug_that_is_pulled_in_the_dark_is_waited_for_in_the_light() -> None:
    """The grace begins when the charger can see that it is out."""
    stand = charging(resumes=True)
    stand.charger.unplug(1, stand.after(60))
    stand.charger.power_up(stand.after(500))
    stand.charger.advance(stand.after(119))
    assert stand.book == []
    stand.charger.advance(stand.after(1))
    assert (stand.ended.reason, stand.ended.duration_s) == (StopReason.UNPLUGGED, 720)


def test_a_charge_without_its_bike_ends_with_the_power() -> None:
    """The bike was taken away in the dark."""
    stand = charging(resumes=False)
    stand.charger.unplug(1, stand.after(60))
    stand.charger.power_up(stand.after(500))
    assert (stand.ended.reason, stand.ended.duration_s) == (StopReason.POWER_CUT, 600)
    assert stand.charger.port(1).bike is None
