"""What hostile and confused charge points say of charges: no free charge, and no lost one."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chargecloud.charging.settings import ChargingSettings
from chargecloud_ocpp.numbers import order_tag
from ocpp_point import Point, charging, energy, ocpp_world, point
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


def card(world: World, uid: str = "04A1B2C3", balance_fen: int = 700, **more: Any) -> str:
    """A card of somebody with money; the customer's id."""
    customer = world.customer(balance_fen=balance_fen)
    world.make("/cards", {"uid": uid, "customer_id": customer, "status": "active", **more})
    return customer


@pytest.mark.parametrize(
    "odd", [{"idTag": " "}, {"idTag": "A" * 200}, {"meterStart": -5}, {"meterStart": 10**16}]
)
def test_what_no_meter_and_no_card_says_breaks_nothing(
    world: World, there: Point, odd: dict[str, Any]
) -> None:
    """Orders are shown as ever, and the charge point is answered."""
    card(world)
    there.plug()
    there.start("04A1B2C3", **odd)
    for meter_wh in (-1, 10**16):
        there.stop(-1, meter_wh, idTag="04A1B2C3")
    for each in orders(world, there):
        assert world.get(f"/orders/{each['id']}")


def test_the_tag_of_an_order_that_is_paid_starts_nothing(world: World, there: Point) -> None:
    """It is told so, and stopped if it does all the same."""
    order_id, number = charging(world, there)
    there.live(600)
    there.stop(number, 2_000)
    assert order(world, order_id)["state"] == "settled"
    there.live(600)
    answer = there.call(
        "StartTransaction",
        {"connectorId": 1, "idTag": order_tag(int(order_id)), "meterStart": 2_000,
         "timestamp": there.now},
    )  # fmt: skip
    assert answer["idTagInfo"]["status"] == "Invalid"
    assert there.take("RemoteStopTransaction").payload == {"transactionId": number}


@pytest.mark.parametrize("tag", [order_tag(77), "04FFFFFF"])
def test_a_start_at_no_connector_of_its_is_stopped(world: World, there: Point, tag: str) -> None:
    """Nobody would pay for it; that it was is kept for a person."""
    answer = there.call(
        "StartTransaction",
        {"connectorId": 7, "idTag": tag, "meterStart": 5, "timestamp": there.now},
    )
    assert answer["idTagInfo"]["status"] == "Invalid"
    assert there.take("RemoteStopTransaction").payload == {"transactionId": answer["transactionId"]}
    assert len(world.get("/orders/unmatched")["items"]) == 1


def test_a_stop_of_the_charge_before_does_not_end_this_one(world: World, there: Point) -> None:
    """It comes again after a reconnect, without a number and with the same card."""
    card(world, balance_fen=5_000)
    there.plug()
    there.start("04A1B2C3", 1_000)
    there.live(600)
    stopped = {"idTag": "04A1B2C3", "timestamp": there.now}
    there.stop(-1, 3_000, **stopped)
    there.live(60)
    there.start("04A1B2C3", 3_000)
    there.drop()
    there.connect().boot()
    there.stop(-1, 3_000, **stopped)
    assert sorted(each["state"] for each in orders(world, there)) == ["charging", "settled"]


def test_a_reading_of_the_charge_before_says_nothing_of_this_one(
    world: World, there: Point
) -> None:
    """It was late: taken for this one's, everything would be counted twice."""
    _, before = charging(world, there)
    there.live(600)
    late = there.now
    there.live(60)
    there.stop(before, 1_500)
    order_id, number = charging(world, there, 1_500)
    there.meter(before, meterValue=[{"timestamp": late, "sampledValue": [energy(1_450)]}])
    there.live(1_800)
    there.meter(number, energy(2_000))
    assert order(world, order_id)["energy_mwh"] == 500_000


def test_a_first_reading_a_little_below_is_the_meter_all_the_same(
    world: World, there: Point
) -> None:
    """It is read in two ways; the charge is not twice as large for that."""
    order_id, number = charging(world, there, 500_000)
    there.live(60)
    there.meter(number, energy(499_980))
    there.live(1_800)
    there.meter(number, energy(500_400))
    assert order(world, order_id)["energy_mwh"] == 400_000


def test_a_start_told_again_on_another_connection_is_the_same_charge(
    world: World, there: Point
) -> None:
    """And its end without a number is its end."""
    card(world, balance_fen=5_000)
    there.plug()
    begun = {"timestamp": there.now}
    first = there.start("04A1B2C3", 1_000, **begun)
    there.live(600)
    there.drop()
    there.connect().boot()
    assert there.start("04A1B2C3", 1_000, **begun) == first
    there.stop(-1, 1_600, idTag="04A1B2C3")
    (made,) = orders(world, there)
    assert (made["state"], made["energy_mwh"]) == ("settled", 600_000)


def test_charges_without_a_clock_are_told_apart(world: World, there: Point) -> None:
    """By how many there were before; a register of zero is none, and the one before is taken."""
    card(world, balance_fen=5_000)
    blind = {"timestamp": "23/11/2026 01:00"}
    for meter_wh in (400, 700):
        there.plug()
        number = there.start("04A1B2C3", 0, **blind)
        there.live(600)
        there.stop(number, meter_wh, **blind)
    assert sorted(each["energy_mwh"] for each in orders(world, there)) == [300_000, 400_000]


def test_a_stop_that_matches_nothing_is_kept_for_a_person(world: World, there: Point) -> None:
    """It may be money."""
    assert there.stop(12_345, 9_000) == {}
    assert len(world.get("/orders/unmatched")["items"]) == 1


def test_a_charge_point_of_one_connector_may_call_it_zero(world: World, there: Point) -> None:
    """Its order knows better."""
    there.plug()
    body = {"charger_id": there.charger_id, "port": 1, "customer_id": world.customer()}
    made = world.make("/orders", body)
    call = there.take("RemoteStartTransaction")
    there.answer(call, status="Accepted")
    there.start(call.payload["idTag"], connectorId=0)
    assert order(world, made["id"])["state"] == "charging"


def test_a_start_older_than_what_charges_is_answered(world: World, there: Point) -> None:
    """What waits behind it in the charge point's queue would else wait for ever."""
    card(world)
    order_id, _ = charging(world, there)
    there.live(600)
    older = there.start("04A1B2C3", 500, timestamp="2026-11-22T23:00:00Z")
    assert older > 0
    assert order(world, order_id)["state"] == "charging"
