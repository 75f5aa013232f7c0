"""The simulator's YKC piles on the platform: both sides by the same tables."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from chargecloud_ykc.prices import NO_MODEL
from chargecloud_ykc.simulated import SimulatedYkc, YkcSession
from tests.stations import Station, pass_time
from ykc_pile import ykc_world


@pytest.fixture
def simulated(tmp_path: Path) -> Iterator[Station]:
    """A charger on a platform."""
    world = ykc_world(tmp_path)
    yield Station(world, SimulatedYkc())
    world.killed()


def test_a_charge_ends_as_a_bill(simulated: Station) -> None:
    """The pile knows no limit of energy: the platform ends the charge by its readings, and the
    record says what was drawn to the last 0.0001 kWh."""
    simulated.plug()
    order_id = simulated.order(limit={"energy_wh": 50})
    assert simulated.world.get(f"/orders/{order_id}")["state"] == "charging"
    pass_time(3_600, simulated)
    order = simulated.world.get(f"/orders/{order_id}")
    assert (order["state"], order["stop_reason"]) == ("settled", "limit_energy")
    (ended,) = simulated.ended
    assert ended.end_meter_mwh is not None
    assert ended.start_meter_mwh is not None
    drawn_mwh = ended.end_meter_mwh - ended.start_meter_mwh
    assert order["energy_mwh"] == drawn_mwh // 100 * 100
    assert not simulated.charger.memory.records


def test_the_plug_may_come_later(simulated: Station) -> None:
    """Within the second chance."""
    order_id = simulated.order()
    assert simulated.world.get(f"/orders/{order_id}")["state"] == "starting"
    pass_time(30, simulated)
    simulated.plug()
    pass_time(15, simulated)
    assert simulated.world.get(f"/orders/{order_id}")["state"] == "charging"


def test_a_card_begins_a_charge(simulated: Station) -> None:
    """By the answer to its question."""
    world, uid = simulated.world, f"{7:016X}"
    world.make("/cards", {"uid": uid, "customer_id": world.customer(), "status": "active"})
    simulated.plug()
    simulated.present(uid)
    pass_time(30, simulated)
    (order,) = world.get(f"/orders?charger_id={simulated.id}")["items"]
    assert (order["state"], order["origin"]) == ("charging", "card")


def test_it_is_given_a_billing_model(simulated: Station) -> None:
    """It has none when it comes."""
    session = simulated.wire.station.session
    assert isinstance(session, YkcSession)
    assert session.model != NO_MODEL
