"""Coupons: each use of one is one order's."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from chargecloud.domain.coupon import COUPON
from chargecloud.domain.decision import Stale
from chargecloud.storage.audit import ledger_faults
from tests.charging.test_waiting_orders import RATES
from tests.charging.test_waiting_orders import ask as waits
from tests.harness import failure_of, result_of
from tests.nodes.in_step import know_each_other
from tests.world import Box, World

VALID = {"valid_from": "2026-01-01T00:00:00Z", "valid_until": "2027-01-01T00:00:00Z"}


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A whole platform in memory."""
    return World(tmp_path)


def coupon(world: World, **about: Any) -> Any:
    """A coupon for one order."""
    about = about if {"percent", "amount_fen"} & set(about) else about | {"amount_fen": 20}
    return world.make("/coupons", {"code": "spring"} | VALID | about)


def ask(world: World, box: Box, customer: str | None = None, **more: Any) -> tuple[int, Any]:
    """Ask for an order with it."""
    body = {"charger_id": str(box.id), "port": 1, "coupon": " Spring", "customer_id": customer}
    return world.http("POST", "/orders", body | more)


def charged(world: World, box: Box, order: Any, record: int = 1, fen: int = 50) -> Any:
    """The order when its charge, which comes to so much, is over."""
    box.pump().begin(record)
    meter_mwh = box.meter_mwh
    world.pass_time(3600, lambda: box.report(fen * 1000 // 6))
    box.end(record + 1, int(order["id"]), meter_mwh, 3600)
    return world.get(f"/orders/{order['id']}")


def used(world: World) -> int:
    """How often it is used."""
    count: int = world.get("/coupons")["items"][0]["used"]
    return count


def sound(world: World) -> None:
    """The books agree with each other."""
    assert result_of(world.store.read(lambda connection: list(ledger_faults(connection)))) == []


def test_a_line_of_its_own(world: World) -> None:
    """The bill has what it was, and what was taken off; the customer pays the rest."""
    coupon(world)
    box, customer = world.box().connect(), world.customer(1000)
    status, order = ask(world, box, customer, prepaid_fen=300)
    assert (status, order["coupon"], used(world)) == (201, "SPRING", 1)
    settled = charged(world, box, order)
    bill = world.get(f"/orders/{order['id']}/bill")
    line = bill["lines"][-1]
    assert (line["amount_fen"], line["fee"]) == (-20, "service")
    assert line["rule"].startswith(f"{COUPON} SPRING")
    full_fen = sum(line["amount_fen"] for line in bill["lines"][:-1])
    assert settled["amount_fen"] == bill["amount_fen"] == full_fen - 20
    assert world.get(f"/wallets/{customer}")["balance_fen"] == 1000 - bill["amount_fen"]
    assert (settled["coupon"], used(world)) == ("SPRING", 1)
    sound(world)


def test_it_is_used_once(world: World) -> None:
    """And again when the order that had it has failed."""
    coupon(world)
    box = world.box(ports=2).connect()
    first = ask(world, box)[1]
    status, problem = ask(world, box, port=2)
    assert (status, problem["type"], problem["why"]) == (409, "/problems/coupon-refused", "spent")
    # nobody confirms the first
    world.pass_time(120, box.heartbeat)
    failed = world.get(f"/orders/{first['id']}")
    assert (failed["state"], failed["coupon"], used(world)) == ("failed", None, 0)
    assert ask(world, box, port=2)[0] == 201


def test_a_request_that_is_sent_again_uses_it_once(world: World) -> None:
    """The order is there already."""
    coupon(world, uses=9)
    box = world.box().connect()
    body = {"charger_id": str(box.id), "port": 1, "coupon": "SPRING"}
    made = [world.make("/orders", body, key="one") for _ in range(2)]
    assert made[0]["id"] == made[1]["id"]
    assert used(world) == 1


def test_what_costs_nothing_gives_it_back(world: World) -> None:
    """Nothing was drawn, or it was taken back while it waited."""
    coupon(world)
    box = world.box().connect()
    order = ask(world, box)[1]
    box.pump().begin()
    box.end(2, int(order["id"]), 5_000_000, 3)
    cancelled = world.get(f"/orders/{order['id']}")
    assert (cancelled["state"], cancelled["coupon"], used(world)) == ("cancelled", None, 0)
    there, customer = world.box(world.site(RATES), "EB-2").connect(), world.customer(1000)
    order = world.make("/orders", waits(there, customer, timedelta(hours=8), coupon="spring"))
    assert (order["state"], used(world)) == ("waiting", 1)
    withdrawn = world.http("POST", f"/orders/{order['id']}/stop")[1]
    assert (withdrawn["state"], withdrawn["coupon"], used(world)) == ("cancelled", None, 0)


def test_all_of_a_bill(world: World) -> None:
    """Nobody is paid for charging."""
    coupon(world, percent=100)
    box, customer = world.box().connect(), world.customer(1000)
    settled = charged(world, box, ask(world, box, customer)[1])
    assert (settled["state"], settled["amount_fen"], used(world)) == ("settled", 0, 1)
    assert world.get(f"/wallets/{customer}")["balance_fen"] == 1000
    sound(world)


def test_a_corrected_bill_has_it_too(world: World) -> None:
    """The coupon is of the order, not of a bill."""
    coupon(world)
    box, customer = world.box().connect(), world.customer(1000)
    order = charged(world, box, ask(world, box, customer)[1])
    body = {"action": "adjust", "energy_wh": 1000, "reason": "the meter was read"}
    status, after = world.http("POST", f"/orders/{order['id']}/resolve", body)
    assert status == 200, after
    lines = world.get(f"/orders/{order['id']}/bill")["lines"]
    assert lines[-1]["amount_fen"] == -20
    assert after["amount_fen"] == sum(line["amount_fen"] for line in lines) > order["amount_fen"]
    sound(world)


@pytest.mark.parametrize(
    ("about", "why"),
    [
        ({"code": "AUTUMN"}, "unknown"),
        ({"valid_from": "2026-12-24T00:00:00Z"}, "not-yet"),
        ({"valid_until": "2026-01-02T00:00:00Z"}, "expired"),
    ],
)
def test_a_coupon_that_is_not_for_it(world: World, about: Any, why: str) -> None:
    """Nothing is held, and the port stays free."""
    coupon(world, **about)
    box = world.box().connect()
    status, problem = ask(world, box)
    assert (status, problem["why"]) == (409, why)
    assert world.get("/orders")["items"] == []


def test_a_coupon_of_another_place_or_person(world: World) -> None:
    """It says whose it is."""
    box, customer = world.box().connect(), world.customer()
    coupon(world, site_id=world.site())
    assert ask(world, box)[1]["why"] == "elsewhere"
    coupon(world, code="HERS", customer_id=customer)
    assert ask(world, box, coupon="hers")[1]["why"] == "somebody-elses"
    assert ask(world, box, customer, coupon="hers")[0] == 201


def test_a_revoked_coupon(world: World) -> None:
    """Those that have it keep it."""
    made = coupon(world, uses=5)
    box = world.box(ports=2).connect()
    order = ask(world, box)[1]
    status, revoked = world.http("POST", f"/coupons/{made['id']}/revoke")
    assert status == 200, revoked
    assert revoked["revoked_at"] is not None
    assert world.http("POST", f"/coupons/{made['id']}/revoke")[0] == 409
    assert ask(world, box, port=2)[1]["why"] == "revoked"
    assert charged(world, box, order)["coupon"] == "SPRING"


def test_two_nodes_give_it_once(tmp_path: Path) -> None:
    """The row is the claim: whoever is second finds it taken when it writes."""
    here = World(tmp_path)
    there = World(tmp_path, here.clock, slot=2)
    know_each_other(here, there)
    coupon(here)
    site = here.site()
    box, other = here.box(site, "EB-1").connect(), here.box(site, "EB-2")
    other.world = there
    other.connect()
    order = here.order(box)
    track = here.platform.book.tracked(int(order["id"]))
    assert track is not None
    # both have looked before either writes
    claim = here.platform.placing.coupons.claim(track.order, "SPRING")
    _order, first = result_of(Deferred.fromCoroutine(claim))
    assert ask(there, other)[0] == 201
    assert failure_of(here.store.writer.decide(first), Stale).table == "coupon_uses"
    assert used(here) == 1


def test_many_orders_and_some_uses(world: World) -> None:
    """All of them are used, and no more."""
    coupon(world, uses=12)
    box = world.box(ports=14).connect()
    asked = [ask(world, box, port=port)[0] for port in range(1, 15)]
    assert asked == [201] * 12 + [409] * 2
    assert used(world) == 12


def test_one_code_is_one_coupon(world: World) -> None:
    """Whoever types it in whatever letters."""
    coupon(world)
    again = {"code": "SPRING", "percent": 5} | VALID
    assert world.http("POST", "/coupons", again)[1]["type"] == "/problems/already-exists"


@pytest.mark.parametrize(
    "wrong",
    [
        {"percent": 5, "amount_fen": 5},
        {"percent": None},
        {"most_fen": 5, "amount_fen": 5, "percent": None},
        {"valid_until": "2025-01-01T00:00:00Z"},
        {"code": "a b"},
        {"uses": 0},
    ],
)
def test_what_makes_no_coupon(world: World, wrong: Any) -> None:
    """It is told."""
    assert world.http("POST", "/coupons", {"code": "A", "percent": 5} | VALID | wrong)[0] == 422
