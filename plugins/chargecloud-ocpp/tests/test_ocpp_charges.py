"""Charge points on the platform: a charge from the order to its bill, and all that goes wrong."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chargecloud.charging.settings import ChargingSettings
from chargecloud_ocpp.numbers import order_tag, transaction_id
from ocpp_point import Point, charging, energy, ocpp_world, point
from tests.web.resources.asking import Asking
from tests.world import World

CONFIRM_S = ChargingSettings().confirm_deadline_s


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A platform."""
    made = ocpp_world(tmp_path)
    yield made
    made.killed()


@pytest.fixture
def there(world: World) -> Point:
    """A charge point that was started."""
    return point(world).boot()


def order(world: World, order_id: str) -> Any:
    """An order as the API shows it."""
    return world.get(f"/orders/{order_id}")


def orders(world: World, there: Point) -> Any:
    """All of a charge point's."""
    return world.get(f"/orders?charger_id={there.charger_id}")["items"]


# --------------------------------------------------------------------------------------- charging


def test_a_charge_is_billed(world: World, there: Point) -> None:
    """From the order to the bill, by the energy that the charge point has told."""
    order_id, number = charging(world, there)
    assert number == transaction_id(int(order_id))
    assert order(world, order_id)["state"] == "charging"
    there.plug("Charging")
    world.pass_time(3_600, lambda: there.meter(number, energy(1_200)))
    assert "idTagInfo" in there.stop(number, 1_500)
    bill = order(world, order_id)
    assert (bill["state"], bill["energy_mwh"], bill["amount_fen"]) == ("settled", 500_000, 50)
    assert (bill["stop_reason"], bill["charged_s"]) == ("user", 3_600)


def test_accepted_is_not_started(world: World, there: Point) -> None:
    """A start that was accepted and not begun is given up, and costs nothing; a transaction that
    begins all the same is stopped."""
    there.plug()
    body = {"charger_id": there.charger_id, "port": 1, "customer_id": world.customer()}
    made = world.make("/orders", body)
    call = there.take("RemoteStartTransaction")
    there.answer(call, status="Accepted")
    assert order(world, made["id"])["state"] == "starting"
    there.live(CONFIRM_S + 30)
    assert order(world, made["id"])["state"] == "failed"
    number = there.start(call.payload["idTag"])
    assert there.take("RemoteStopTransaction").payload == {"transactionId": number}


def test_a_refused_start_costs_nothing(world: World, there: Point) -> None:
    """The order fails."""
    body = {"charger_id": there.charger_id, "port": 1, "customer_id": world.customer()}
    made = world.make("/orders", body)
    there.answer(there.take("RemoteStartTransaction"), status="Rejected")
    shown = order(world, made["id"])
    assert (shown["state"], shown["amount_fen"]) == ("failed", None)


def test_stopping_names_the_transaction(world: World, there: Point) -> None:
    """The order ends with the charge point's word, and not before."""
    order_id, number = charging(world, there)
    world.pass_time(60, lambda: there.meter(number, energy(1_050)))
    asked = Asking(world).begin("POST", f"/orders/{order_id}/stop")
    call = there.take("RemoteStopTransaction")
    assert call.payload == {"transactionId": number}
    there.answer(call, status="Accepted")
    assert asked.answer().status == 200
    assert order(world, order_id)["state"] == "charging"
    there.stop(number, 1_100, reason="Remote")
    bill = order(world, order_id)
    assert (bill["state"], bill["energy_mwh"]) == ("settled", 100_000)


def test_an_order_is_stopped_at_its_energy(world: World, there: Point) -> None:
    """Before it is over its limit, by the power that it draws."""
    order_id, number = charging(world, there, limit={"energy_wh": 1_000})
    there.meter(number, energy(1_900), {"value": "3600", "measurand": "Power.Active.Import"})
    assert there.calls == []
    # 100 Wh are left, which take 100 s
    world.clock.advance(96)
    there.pump()
    assert there.calls == []
    world.clock.advance(2)
    there.answer(there.take("RemoteStopTransaction"), status="Accepted")
    there.stop(number, 1_999, reason="Remote")
    bill = order(world, order_id)
    assert (bill["stop_reason"], bill["energy_mwh"]) == ("limit_energy", 999_000)


# ----------------------------------------------------------------------------- said more than once


def test_a_start_that_comes_again_is_one(world: World, there: Point) -> None:
    """The same message, with another id of its own: one order, one number."""
    order_id, number = charging(world, there)
    tag, at = order_tag(int(order_id)), there.now
    again = {"connectorId": 1, "idTag": tag, "meterStart": 1_000, "timestamp": at}
    for _ in range(2):
        assert there.call("StartTransaction", again)["transactionId"] == number
    assert len(orders(world, there)) == 1


def test_a_stop_that_comes_again_is_one(world: World, there: Point) -> None:
    """Also on another connection, and after the platform was started anew."""
    order_id, number = charging(world, there)
    world.pass_time(1_800, lambda: there.meter(number, energy(1_100)))
    told = {"transactionId": number, "meterStop": 1_400, "timestamp": there.now}
    assert there.call("StopTransaction", told) is not None
    bill = order(world, order_id)
    assert there.call("StopTransaction", told) is not None
    there.drop()
    there.connect()
    assert there.call("StopTransaction", told) is not None
    assert order(world, order_id) == bill
    assert world.get("/orders/disputes")["items"] == []


def test_a_charge_outlives_the_platform(tmp_path: Path) -> None:
    """Its number is known again, and its end finds its order."""
    world = ocpp_world(tmp_path)
    there = point(world).boot()
    order_id, number = charging(world, there)
    world.killed()
    again = ocpp_world(tmp_path)
    there.world = again
    there.connect()
    there.meter(number, energy(1_100))
    again.pass_time(600, lambda: there.meter(number, energy(1_100)))
    there.stop(number, 1_200)
    bill = order(again, order_id)
    assert (bill["state"], bill["energy_mwh"]) == ("settled", 200_000)
    again.killed()


def test_a_charge_that_the_platform_has_closed_is_stopped(world: World, there: Point) -> None:
    """It goes on there all the same, and says so: also on another connection."""
    there.plug()
    body = {"charger_id": there.charger_id, "port": 1, "customer_id": world.customer()}
    made = world.make("/orders", body)
    there.answer(there.take("RemoteStartTransaction"), status="Accepted")
    there.drop()
    world.clock.advance(CONFIRM_S + 1)
    assert order(world, made["id"])["state"] == "failed"
    there.connect()
    number = there.start(order_tag(int(made["id"])))
    there.answer(there.take("RemoteStopTransaction"), status="Accepted")
    there.meter(number, energy(1_001))
    assert there.take("RemoteStopTransaction").payload == {"transactionId": number}


# ------------------------------------------------------------------------- numbers that are no help


@pytest.mark.parametrize("number", [0, -1, 77])
def test_a_stop_without_its_number_is_known_by_its_tag(
    world: World, there: Point, number: int
) -> None:
    """The answer to its start was lost."""
    order_id, _ = charging(world, there)
    world.pass_time(600, lambda: there.meter(0, energy(1_050)))
    there.stop(number, 1_200, idTag=order_tag(int(order_id)).lower())
    assert order(world, order_id)["energy_mwh"] == 200_000


@pytest.mark.parametrize("number", [0, -1, 77])
def test_a_stop_of_nothing_is_answered_all_the_same(
    world: World, there: Point, number: int
) -> None:
    """It ends no order, and the charge point need not say it again."""
    order_id, _ = charging(world, there)
    assert there.stop(number, 1_200) == {}
    assert there.stop(number, 1_200, idTag="04A1B2C3") == {}
    assert order(world, order_id)["state"] == "charging"


def test_a_stop_never_ends_another_charge_points_order(world: World, there: Point) -> None:
    """Whatever number and tag it names."""
    order_id, number = charging(world, there)
    other = point(world, identity="CP-2").boot()
    assert other.stop(number, 9_000, idTag=order_tag(int(order_id))) == {}
    assert order(world, order_id)["state"] == "charging"


# -------------------------------------------------------------------------------------- odd meters


def test_an_end_below_its_beginning_is_never_billed(world: World, there: Point) -> None:
    """A person decides."""
    order_id, number = charging(world, there, meter_wh=5_000)
    there.live(600)
    there.stop(number, 4_000)
    assert order(world, order_id)["state"] == "held"


@pytest.mark.parametrize(
    ("samples", "wh"),
    [
        ([{"value": "1500"}], 500),
        ([{"value": "1.5", "unit": "kWh"}], 500),
        ([{"value": "1500.0", "measurand": "Energy.Active.Import.Register"}], 500),
        # counted from the charge's own beginning
        ([{"value": "500"}], 500),
        # its beginning was rounded up
        ([{"value": "999.7"}], 0),
        # by phases, without their total
        ([{"value": "500", "phase": f"L{number}"} for number in (1, 2, 3)], 500),
        # measurands and units that no list has, and none at all
        ([{"value": "7", "measurand": "Request.Energy"}, {"value": "1500"}], 500),
        ([{"value": "50", "unit": "Hz"}, {"value": "1500"}], 500),
        ([], None),
        ([{"value": "nothing"}], None),
    ],
)
def test_meters_are_understood(
    world: World, there: Point, samples: list[Any], wh: int | None
) -> None:
    """Whatever a charge point leaves out."""
    order_id, number = charging(world, there)
    there.live(3_600)
    there.meter(number, *samples)
    shown = order(world, order_id)
    assert shown["energy_mwh"] == (0 if wh is None else wh * 1_000)


@pytest.mark.parametrize("number", [None, 0, 77])
def test_a_reading_without_its_number_is_the_ports(
    world: World, there: Point, number: int | None
) -> None:
    """What charges there is what was started there."""
    order_id, _ = charging(world, there)
    there.live(600)
    there.meter(number, energy(1_100))
    assert order(world, order_id)["energy_mwh"] == 100_000


def test_a_clock_that_was_never_set_dates_nothing(world: World, there: Point) -> None:
    """1970: a fact is dated by when it came."""
    there.plug("Available", timestamp="1970-01-01T00:00:12Z")
    order_id, number = charging(world, there)
    world.pass_time(1_800, lambda: there.meter(number, energy(1_100)))
    there.stop(number, 1_500, timestamp="1970-01-01T00:30:12Z")
    bill = order(world, order_id)
    assert bill["ended_at"].startswith("2026-11-23")
    assert bill["state"] == "settled"


def test_a_clock_that_is_wrong_dates_nothing(world: World, there: Point) -> None:
    """It shows when it tells of something that happens now."""
    there.plug("Available", timestamp="2026-11-20T00:00:00")
    order_id, number = charging(world, there)
    there.plug("Charging", timestamp="2026-11-20T00:00:30")
    world.pass_time(1_800, lambda: there.meter(number, energy(1_100)))
    there.stop(number, 1_500, timestamp="2026-11-20T00:30:30")
    assert order(world, order_id)["ended_at"].startswith("2026-11-23")


# ------------------------------------------------------------------------------------------ cards


def card(world: World, uid: str = "04A1B2C3", balance_fen: int = 700, **more: Any) -> str:
    """A card of somebody with money; the customer's id."""
    customer = world.customer(balance_fen=balance_fen)
    world.make("/cards", {"uid": uid, "customer_id": customer, "status": "active", **more})
    return customer


def test_a_card_is_asked_about_and_nothing_begins(world: World, there: Point) -> None:
    """It may charge; that it does is told by the charge point."""
    card(world)
    told = there.call("Authorize", {"idTag": "04a1b2c3"})
    assert told == {"idTagInfo": {"status": "Accepted"}}
    assert orders(world, there) == []


@pytest.mark.parametrize(
    ("uid", "more", "status"),
    [
        ("FFFF", {}, "Invalid"),
        ("04A1B2C3", {"status": "blocked"}, "Blocked"),
        ("04A1B2C3", {"status": "expired"}, "Expired"),
        ("04A1B2C3", {"balance_fen": 0}, "Blocked"),
    ],
)
def test_a_card_that_may_not_charge_is_told_so(
    world: World, there: Point, uid: str, more: Any, status: str
) -> None:
    """In the words of the specification."""
    card(world, **more)
    assert there.call("Authorize", {"idTag": uid})["idTagInfo"]["status"] == status


def test_an_order_is_authorized_where_it_is(world: World, there: Point) -> None:
    """A charge point that asks about what it was told to start."""
    order_id, _ = charging(world, there)
    told = there.call("Authorize", {"idTag": order_tag(int(order_id))})
    assert told["idTagInfo"]["status"] == "Accepted"
    told = there.call("Authorize", {"idTag": order_tag(int(order_id) + 1)})
    assert told["idTagInfo"]["status"] == "Invalid"


def test_a_charge_by_card_is_billed(world: World, there: Point) -> None:
    """Its transaction's number follows from the order that is made of it; told again, it is the
    same one."""
    customer = card(world)
    at = there.now
    number = there.start("04A1B2C3", timestamp=at)
    assert there.start("04A1B2C3", timestamp=at) == number
    (made,) = orders(world, there)
    assert number == transaction_id(int(made["id"]))
    assert (made["customer_id"], made["state"]) == (customer, "charging")
    world.pass_time(1_800, lambda: there.meter(number, energy(1_100)))
    there.stop(number, 1_300, idTag="04A1B2C3")
    assert order(world, made["id"])["energy_mwh"] == 300_000


def test_a_charge_by_card_is_known_by_its_card(world: World, there: Point) -> None:
    """On another connection too, as the number was lost; however its bytes are written."""
    card(world)
    there.start("04:a1:b2:c3")
    (made,) = orders(world, there)
    there.drop()
    there.connect()
    world.pass_time(600, lambda: there.meter(0, energy(1_050)))
    there.stop(-1, 1_200, idTag="04A1B2C3")
    assert order(world, made["id"])["energy_mwh"] == 200_000


# ------------------------------------------------------------------------------------------ states


def test_a_connector_tells_its_state(world: World, there: Point) -> None:
    """And what no list has changes nothing."""
    for state, shown in (
        ("Available", "idle"),
        ("Preparing", "plugged"),
        ("Faulted", "fault"),
        ("Error", "fault"),
    ):
        assert there.plug(state) == {}
        ports = world.get(f"/chargers/{there.charger_id}")["port_states"]
        assert ports[0]["state"] == shown


def test_what_is_dangerous_is_an_alarm(world: World, there: Point) -> None:
    """Until it is over."""
    there.plug("Faulted", errorCode="GroundFailure")
    (alarm,) = world.logged("alarm.raised")
    assert (alarm["level"], alarm["rule"]) == ("critical", "leakage")
    there.plug("Faulted", errorCode="GroundFailure")
    there.plug("Available")
    assert [each["evidence"]["is_over"] for each in world.logged("alarm.raised")] == [False, True]


def test_a_charge_that_the_site_holds_up_rests(world: World, there: Point) -> None:
    """Its time is not counted meanwhile."""
    order_id, number = charging(world, there)
    there.plug("SuspendedEVSE")
    assert order(world, order_id)["state"] == "suspended"
    there.plug("Charging")
    there.meter(number, energy(1_001))
    assert order(world, order_id)["state"] == "charging"


def test_a_start_anew_forgets_what_charged(world: World, there: Point) -> None:
    """A charge point that says nothing of a transaction after it was started has none."""
    order_id, _ = charging(world, there)
    there.drop()
    there.boot()
    there.plug("Preparing")
    there.meter(None, energy(1_500))
    world.pass_time(900, lambda: there.plug("Preparing"))
    assert order(world, order_id)["state"] in ("settled", "cancelled", "held")
