"""Charges that a charger began without a connection, and tells of later."""

from pathlib import Path

from attrs import evolve

from chargecloud.domain.charger import ChargerTime
from chargecloud.domain.events import (
    ChargeEnded,
    ChargeStarted,
    OfflineStart,
    Outcome,
    StopReason,
)
from chargecloud.storage.audit import ledger_faults
from tests.harness import result_of
from tests.world import Box, World

UID = "04A1B2C3D4"
HOUR_S = 3600
START_MWH = 5_000_000


def away(
    folder: Path, *, balance_fen: int = 1000, status: str = "active"
) -> tuple[World, Box, str]:
    """A box that has been running for two hours without a connection, and comes back."""
    world = World(folder)
    customer = world.customer(balance_fen)
    world.make("/cards", {"uid": UID, "customer_id": customer, "status": status})
    box = world.box()
    world.pass_time(2 * HOUR_S)
    return world, box.connect(), customer


def ago(box: Box, seconds: int) -> ChargerTime:
    """A moment before now, by the box."""
    return ChargerTime(box.boot, box.uptime_s - seconds)


def started(box: Box, number: int = 1, uid: str | None = UID) -> ChargeStarted:
    """It began an hour ago."""
    return ChargeStarted(None, 1, START_MWH, ago(box, HOUR_S), OfflineStart(number, uid))


def ended(box: Box, energy_mwh: int, number: int = 1, uid: str | None = UID) -> ChargeEnded:
    """It began an hour ago, and ends now."""
    return ChargeEnded(
        None,
        1,
        START_MWH,
        START_MWH + energy_mwh,
        HOUR_S,
        StopReason.FULL,
        box.now,
        OfflineStart(number, uid),
    )


def sound(world: World) -> None:
    """The books agree with each other."""
    assert result_of(world.store.read(lambda connection: list(ledger_faults(connection)))) == []


def test_it_gets_its_order_when_it_is_told(tmp_path: Path) -> None:
    """From then on it is an order like any other, and the charger knows its id."""
    world, box, customer = away(tmp_path)
    box.record(1, started(box))
    (order,) = world.get("/orders")["items"]
    assert (order["state"], order["origin"], order["held_fen"]) == ("charging", "offline", 500)
    assert box.kept()[-1].order_id == int(order["id"])
    world.pass_time(600, lambda: box.report(3_000, order_id=int(order["id"])))
    assert box.stops() == []
    box.end(2, int(order["id"]), START_MWH, HOUR_S + 600)
    settled = world.get(f"/orders/{order['id']}")
    assert (settled["state"], settled["energy_mwh"]) == ("settled", 30_000)
    assert world.get(f"/wallets/{customer}")["held_fen"] == 0
    sound(world)


def test_both_records_may_come_at_once_and_twice(tmp_path: Path) -> None:
    """It began and ended while it was away; a resend has the same answer."""
    world, box, customer = away(tmp_path)
    for _ in range(2):
        box.record(1, started(box))
        box.record(2, ended(box, 400_000))
    (order,) = world.get("/orders")["items"]
    assert (order["state"], order["amount_fen"]) == ("settled", 40)
    assert {(each.outcome, each.order_id) for each in box.kept()} == {
        (Outcome.KEPT, int(order["id"]))
    }
    assert world.get(f"/wallets/{customer}")["balance_fen"] == 960
    assert world.get("/orders/disputes")["items"] == []
    sound(world)


def test_an_end_alone_is_enough(tmp_path: Path) -> None:
    """The record of its start was lost in a full memory."""
    world, box, customer = away(tmp_path)
    for _ in range(2):
        box.record(2, ended(box, 400_000))
    (order,) = world.get("/orders")["items"]
    assert (order["state"], order["amount_fen"]) == ("settled", 40)
    assert order["charged_s"] == HOUR_S
    assert world.get(f"/wallets/{customer}")["balance_fen"] == 960
    sound(world)


def test_an_end_that_cannot_be_right_is_held(tmp_path: Path) -> None:
    """Offline or not, nobody is billed for what the charger cannot give."""
    world, box, customer = away(tmp_path)
    box.record(2, ended(box, 90_000_000))
    (order,) = world.get("/orders")["items"]
    assert (order["state"], order["failure"]) == ("held", "more-than-rated-power")
    assert world.get(f"/wallets/{customer}")["balance_fen"] == 1000
    sound(world)


def test_a_card_that_would_be_refused_is_stopped(tmp_path: Path) -> None:
    """What was drawn until then is its owner's."""
    world, box, customer = away(tmp_path, status="blocked")
    box.record(1, started(box))
    (order,) = world.get("/orders")["items"]
    assert [each.command.order_id for each in box.stops()] == [int(order["id"])]  # type: ignore[union-attr]
    box.accept(box.stops()[-1])
    box.meter_mwh += 100_000
    box.end(2, int(order["id"]), START_MWH, HOUR_S, StopReason.REMOTE)
    settled = world.get(f"/orders/{order['id']}")
    assert (settled["state"], settled["stop_reason"]) == ("settled", "operator")
    assert settled["customer_id"] == customer
    sound(world)


def test_an_empty_wallet_owes(tmp_path: Path) -> None:
    """It is stopped, and what was drawn is owed and not lost."""
    world, box, _ = away(tmp_path, balance_fen=0)
    box.record(1, started(box))
    assert len(box.stops()) == 1
    box.record(2, ended(box, 400_000))
    (order,) = world.get("/orders")["items"]
    assert (order["state"], order["amount_fen"]) == ("settled", 40)
    sound(world)


def test_a_card_that_nobody_knows_is_stopped_and_listed(tmp_path: Path) -> None:
    """There is an order, without a customer; it is never guessed whose it is."""
    world, box, _ = away(tmp_path)
    box.record(1, started(box, uid="FFFF"))
    (order,) = world.get("/orders")["items"]
    assert (order["customer_id"], order["card_uid"]) == (None, "FFFF")
    assert len(box.stops()) == 1
    sound(world)


def test_a_charge_at_no_port_of_the_charger_is_kept_for_a_person(tmp_path: Path) -> None:
    """It makes no order, and is not told again for ever."""
    world, box, _ = away(tmp_path)
    box.record(1, evolve(started(box), port=9))
    box.record(2, evolve(ended(box, 100_000), port=9))
    assert [each.outcome for each in box.kept()] == [Outcome.KEPT] * 2
    assert world.get("/orders")["items"] == []
    kept = world.get("/orders/unmatched")["items"]
    assert {each["why"] for each in kept} == {"no such port, or no tariff there"}


def test_it_takes_the_port_from_an_order_that_was_forgotten(tmp_path: Path) -> None:
    """Another charge has begun there, so the one before is over, by its last reading."""
    world, box, _ = away(tmp_path)
    customer = world.customer(1000)
    before = world.order(box, customer, prepaid_fen=300)
    box.begin(5)
    world.pass_time(600, lambda: box.report(3_000, order_id=int(before["id"])))
    box.drop()
    world.pass_time(2 * HOUR_S)
    box.power_up()
    box.record(9, ChargeStarted(None, 1, box.meter_mwh, box.now, OfflineStart(9, UID)))
    closed = world.get(f"/orders/{before['id']}")
    assert (closed["state"], closed["stop_reason"]) == ("settled", "watchdog")
    (running,) = world.get("/orders?state=charging")["items"]
    assert running["origin"] == "offline"
    sound(world)


def test_it_takes_the_port_from_a_start_that_never_came(tmp_path: Path) -> None:
    """The platform went down before the start was on its way, and somebody used a card."""
    world = World(tmp_path)
    box, customer = world.box().connect(), world.customer(1000)
    world.make("/cards", {"uid": UID, "customer_id": customer})
    waiting = world.order(box, world.customer(1000), prepaid_fen=300)
    world.killed()
    box.world = world = World(tmp_path, world.clock)
    world.clock.advance(10)
    box.connect()
    box.record(1, ChargeStarted(None, 1, START_MWH, ago(box, 5), OfflineStart(1, UID)))
    lost, begun = (world.get(f"/orders/{each['id']}") for each in world.get("/orders")["items"])
    assert (lost["id"], lost["state"], lost["failure"]) == (
        waiting["id"],
        "failed",
        "another-began-there",
    )
    assert (begun["state"], begun["origin"]) == ("charging", "offline")
    assert box.kept()[-1].order_id == int(begun["id"])
    sound(world)


def test_an_older_charge_takes_no_port_from_a_newer_one(tmp_path: Path) -> None:
    """Its start is told late, after another order has begun there: it has ended, and its end
    record makes its order."""
    world, box, _ = away(tmp_path)
    order = world.order(box, world.customer(1000))
    box.begin(7)
    world.pass_time(600, lambda: box.report(3_000))
    box.record(1, started(box))
    assert world.get(f"/orders/{order['id']}")["state"] == "charging"
    assert [kept.record for kept in box.kept()] == [7]
    box.record(2, ended(box, 400_000))
    box.record(1, started(box))
    assert {kept.record for kept in box.kept()} == {7, 2, 1}
    assert world.get(f"/orders/{order['id']}")["state"] == "charging"
    (older,) = world.get("/orders?origin=offline")["items"]
    assert (older["state"], older["energy_mwh"]) == ("settled", 400_000)
    sound(world)
