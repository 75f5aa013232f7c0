"""The simulator's OCPP chargers on the platform: both sides by the same tables."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from chargecloud.domain.events import StopReason
from chargecloud_ocpp.simulated import SimulatedOcpp
from ocpp_authority import Authority, settings
from ocpp_point import ocpp_world
from tests.stations import Station, pass_time
from tests.web.resources.asking import Asking


@pytest.fixture
def simulated(tmp_path: Path) -> Iterator[Station]:
    """A charger on a platform."""
    world = ocpp_world(tmp_path)
    yield Station(world, SimulatedOcpp())
    world.killed()


def test_a_charge_ends_as_a_bill(simulated: Station) -> None:
    """At the energy that was ordered or a little before, explained by its curve."""
    order_id = simulated.plug().order(limit={"energy_wh": 300})
    assert simulated.world.get(f"/orders/{order_id}")["state"] == "charging"
    pass_time(3 * 3_600, simulated)
    order = simulated.world.get(f"/orders/{order_id}")
    assert (order["state"], order["stop_reason"]) == ("settled", "limit_energy")
    (ended,) = simulated.ended
    assert ended.end_meter_mwh is not None
    assert order["energy_mwh"] == ended.end_meter_mwh // 1_000 * 1_000
    assert 299_000 <= order["energy_mwh"] <= 300_000
    bill = simulated.world.get(f"/orders/{order_id}/bill")
    assert (order["amount_fen"], sum(line["amount_fen"] for line in bill["lines"])) == (30, 30)
    # nothing of it waits any more
    assert not simulated.charger.memory.records


def test_a_lost_acknowledgement_makes_no_second_bill(simulated: Station) -> None:
    """The end is told again on the next connection, with another message's number."""
    order_id = simulated.plug().order()
    pass_time(600, simulated)
    simulated.charger.end(simulated.charger.port(1), StopReason.USER)
    simulated.world.clock.advance(0)
    # that nothing charges any more is told and answered first; what is answered to the end is lost
    simulated.wire.carry()
    simulated.wire.carry()
    simulated.wire.cloud.dataReceived(simulated.wire.station.transport.value())
    simulated.wire.drop()
    assert simulated.charger.memory.records
    bill = simulated.world.get(f"/orders/{order_id}")
    simulated.connect()
    pass_time(120, simulated)
    assert not simulated.charger.memory.records
    assert simulated.world.get(f"/orders/{order_id}") == bill
    assert (bill["state"], bill["stop_reason"]) == ("settled", "user")


def test_a_card_begins_and_ends_a_charge(simulated: Station) -> None:
    """The charge point asks whether it may, and begins by itself."""
    world, uid = simulated.world, "04A1B2C3"
    world.make("/cards", {"uid": uid, "customer_id": world.customer(), "status": "active"})
    simulated.plug()
    simulated.present(uid)
    pass_time(600, simulated)
    (order,) = world.get(f"/orders?charger_id={simulated.id}")["items"]
    assert (order["state"], order["origin"]) == ("charging", "offline")
    simulated.present(uid)
    pass_time(30, simulated)
    bill = world.get(f"/orders/{order['id']}")
    assert (bill["state"], bill["stop_reason"]) == ("settled", "user")


def test_it_asks_for_a_certificate_and_takes_it(tmp_path: Path) -> None:
    """When it is told to ask, of the organization that it is told."""
    world = ocpp_world(tmp_path, settings(Authority(tmp_path)))
    station = Station(world, SimulatedOcpp())
    path = f"/chargers/{station.id}/ocpp"
    named = {"key": "CpoName", "value": "Example Energy"}
    wanted = {"requestedMessage": "SignChargePointCertificate"}
    for action, payload in (("ChangeConfiguration", named), ("ExtendedTriggerMessage", wanted)):
        asked = Asking(world).begin("POST", f"{path}/{action}", {"payload": payload})
        pass_time(5, station)
        assert asked.answer().json["accepted"]
    pass_time(10, station)
    shown = world.get(path)["certificates"]
    assert set(shown) == {"installed"}
    # one that it has not asked for is none of its own
    again = {"payload": {"certificateChain": shown["installed"]["chain"]}}
    asked = Asking(world).begin("POST", f"{path}/CertificateSigned", again)
    pass_time(5, station)
    assert not asked.answer().json["accepted"]
    world.killed()
