"""The simulator's DNY chargers on the platform: both sides by the same tables."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from chargecloud_dny.simulated import REPORT_S, SimulatedDny
from dny_box import dny_world
from tests.stations import Station, pass_time


@pytest.fixture
def simulated(tmp_path: Path) -> Iterator[Station]:
    """A charger on a platform."""
    world = dny_world(tmp_path)
    yield Station(world, SimulatedDny())
    world.killed()


def test_a_charge_ends_as_a_bill(simulated: Station) -> None:
    """By the units that DNY has: hundredths of a kWh, of which it tells whole ones."""
    order_id = simulated.plug().order(limit={"energy_wh": 300})
    assert simulated.world.get(f"/orders/{order_id}")["state"] == "charging"
    pass_time(4 * 3_600, simulated)
    order = simulated.world.get(f"/orders/{order_id}")
    assert (order["state"], order["stop_reason"]) == ("settled", "limit_energy")
    (ended,) = simulated.ended
    assert ended.end_meter_mwh is not None
    assert ended.start_meter_mwh is not None
    assert order["energy_mwh"] == ended.end_meter_mwh - ended.start_meter_mwh == 300_000
    # nothing of it waits any more
    assert not simulated.charger.memory.records


def test_a_lost_acknowledgement_makes_no_second_bill(simulated: Station) -> None:
    """The settlement is told again on the next connection, with another number."""
    order_id = simulated.plug().order()
    pass_time(REPORT_S, simulated)
    simulated.charger.unplug(1, simulated.world.calendar.now())
    # what the cloud says to it is lost
    simulated.world.clock.advance(130)
    up = simulated.wire.station.transport.value()
    simulated.wire.cloud.dataReceived(up)
    simulated.wire.drop()
    assert simulated.charger.memory.records
    bill = simulated.world.get(f"/orders/{order_id}")
    simulated.connect()
    pass_time(120, simulated)
    assert not simulated.charger.memory.records
    assert simulated.world.get(f"/orders/{order_id}") == bill
    assert bill["state"] == "settled"


def test_a_card_is_asked_about(simulated: Station) -> None:
    """Its number is longer than DNY's own field, and stands in the one for such."""
    world = simulated.world
    uid = f"{7:016X}"
    world.make("/cards", {"uid": uid, "customer_id": world.customer(), "status": "active"})
    simulated.plug()
    simulated.present(uid)
    pass_time(30, simulated)
    (order,) = world.get(f"/orders?charger_id={simulated.id}")["items"]
    assert (order["state"], order["origin"]) == ("charging", "card")
