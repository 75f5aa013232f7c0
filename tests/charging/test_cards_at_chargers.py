"""Cards at chargers: known, unknown, blocked, poor; the same card ends what it began."""

from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from chargecloud.dialects.native.received import CardAnswered
from chargecloud.domain.commands import StartCharge
from chargecloud.domain.events import CardAsked, Outcome, StopReason
from tests.harness import result_of
from tests.world import Box, World

UID = "04A1B2C3D4"


def site_with_card(
    folder: Path, *, balance_fen: int = 1000, status: str = "active"
) -> tuple[World, Box, str]:
    """A box that is connected, and a customer with a card."""
    world = World(folder)
    customer = world.customer(balance_fen)
    world.make("/cards", {"uid": UID, "customer_id": customer, "status": status})
    return world, world.box().connect(), customer


def test_a_known_card_charges(tmp_path: Path) -> None:
    """The person is told, the money is held, and the start comes as for any order."""
    world, box, customer = site_with_card(tmp_path)
    answer = box.card(1, "04:a1:b2:c3:d4")
    assert answer is not None
    (order,) = world.get("/orders")["items"]
    assert (order["origin"], order["card_uid"], order["customer_id"]) == ("card", UID, customer)
    assert (answer.code, answer.order_id) == ("ok", int(order["id"]))
    assert answer.balance_fen == 1000 - order["held_fen"] == 500
    command = box.begin()
    assert command.order_id == answer.order_id
    assert world.get(f"/orders/{order['id']}")["state"] == "charging"


def test_what_is_told_is_what_the_wallet_has(tmp_path: Path) -> None:
    """Also where it changes while the order waits for the charger's turn."""
    world, box, customer = site_with_card(tmp_path)
    gate: Deferred[None] = Deferred()

    async def hold() -> None:
        await gate

    world.platform.book.turns.take(box.id, hold)
    assert box.card(1, UID) is None
    world.make(f"/wallets/{customer}/top-ups", {"amount_fen": 500})
    gate.callback(None)
    box.pump()
    (answer,) = [each for each in box.heard if isinstance(each, CardAnswered)]
    assert answer.balance_fen == world.get(f"/wallets/{customer}")["balance_fen"] == 1000


@pytest.mark.parametrize(
    ("status", "code"), [("blocked", "blocked-card"), ("expired", "expired-card")]
)
def test_a_card_that_is_not_active_does_not(tmp_path: Path, status: str, code: str) -> None:
    """And whoever stands there is told why."""
    world, box, _ = site_with_card(tmp_path, status=status)
    answer = box.card(1, UID)
    assert answer is not None
    assert (answer.code, answer.order_id) == (code, None)
    assert world.get("/orders")["items"] == []
    assert box.orders(StartCharge) == []


def test_an_unknown_card_does_not(tmp_path: Path) -> None:
    """Nor one that belongs to nobody."""
    world, box, _ = site_with_card(tmp_path)
    world.make("/cards", {"uid": "99"})
    for number, uid in enumerate(("FFFF", "99", "\x7f"), start=1):
        answer = box.card(number, uid) if uid.isprintable() else None
        assert answer is None or answer.code == "unknown-card"
    assert world.get("/orders")["items"] == []


def test_a_poor_card_does_not(tmp_path: Path) -> None:
    """An empty wallet holds nothing."""
    world, box, _ = site_with_card(tmp_path, balance_fen=0)
    answer = box.card(1, UID)
    assert answer is not None
    assert (answer.code, answer.balance_fen) == ("insufficient-funds", 0)
    assert world.get("/orders")["items"] == []


def test_the_same_question_has_the_same_answer(tmp_path: Path) -> None:
    """Its answer was lost; the card is not charged twice."""
    world, box, _ = site_with_card(tmp_path)
    first = box.card(1, UID)
    second = box.card(1, UID)
    assert first == second
    assert len(world.get("/orders")["items"]) == 1
    assert len(box.orders(StartCharge)) == 1


def test_the_same_card_ends_its_charge(tmp_path: Path) -> None:
    """As its owner expects; the order's end is by the user."""
    world, box, _ = site_with_card(tmp_path)
    answer = box.card(1, UID)
    assert answer is not None
    box.begin()
    world.pass_time(600, lambda: box.report(10_000))
    assert box.card(2, UID) is None
    box.accept(box.stops()[-1])
    box.pump()
    stopped = next(each for each in box.heard if getattr(each, "code", None) == "stopped")
    assert getattr(stopped, "order_id", None) == answer.order_id
    box.end(2, int(answer.order_id or 0), 5_000_000, 600, StopReason.REMOTE)
    settled = world.get(f"/orders/{answer.order_id}")
    assert (settled["state"], settled["stop_reason"]) == ("settled", "user")


def test_another_card_does_not_end_it(tmp_path: Path) -> None:
    """A port that is taken is taken."""
    world, box, _ = site_with_card(tmp_path)
    other = world.customer(1000)
    world.make("/cards", {"uid": "AABB", "customer_id": other})
    box.card(1, UID)
    box.begin()
    answer = box.card(2, "AABB")
    assert answer is not None
    assert answer.code == "port-busy"
    assert box.stops() == []


def test_a_card_of_another_tenant_is_unknown(tmp_path: Path) -> None:
    """Cards are each tenant's own."""
    world, box, _ = site_with_card(tmp_path)
    (card,) = world.get("/cards")["items"]
    assert card["uid"] == UID
    world.http("PATCH", f"/cards/{card['id']}", {"status": "blocked"})
    answer = box.card(1, UID)
    assert answer is not None
    assert answer.code == "blocked-card"


@pytest.mark.parametrize(
    ("more", "uid", "code"),
    [
        ({}, "04:a1:b2:c3:d4", "ok"),
        ({}, "FFFF", "unknown-card"),
        ({}, " ", "unknown-card"),
        ({"status": "blocked"}, UID, "blocked-card"),
        ({"status": "expired"}, UID, "expired-card"),
        ({"balance_fen": 0}, UID, "insufficient-funds"),
    ],
)
def test_asking_about_a_card_begins_nothing(tmp_path: Path, more: Any, uid: str, code: str) -> None:
    """A charger that begins by itself only asks whether it may; no money is held for that."""
    world, box, customer = site_with_card(tmp_path, **more)
    gateway = world.platform.gateway
    found = gateway.presence.find(box.id)
    assert found is not None
    asked = gateway.events.receive(found.admission, CardAsked(uid), world.calendar.now())
    reply = result_of(asked)
    assert reply.code == code
    assert (reply.outcome is Outcome.KEPT) is (code == "ok")
    assert world.get("/orders")["items"] == []
    assert world.get(f"/wallets/{customer}")["held_fen"] == 0


def month_card(world: World, customer: str, **about: Any) -> str:
    """Sold for all that a wallet of 1000 fen has."""
    new = {"customer_id": customer, "price_fen": 1000, "days": 30} | about
    made: str = world.make("/month-cards", new)["id"]
    return made


def test_a_month_card_of_its_person_covers_the_charge(tmp_path: Path) -> None:
    """Nobody names one at a charger: the wallet is empty, and nothing is held or paid."""
    world, box, customer = site_with_card(tmp_path)
    covers = month_card(world, customer, hours_a_day=3)
    answer = box.card(1, UID)
    assert answer is not None
    assert answer.code == "ok"
    (order,) = world.get("/orders")["items"]
    assert (order["month_card_id"], order["held_fen"]) == (covers, 0)
    assert order["limit"]["duration_s"] == 3 * 3600
    box.begin()
    world.pass_time(3600, lambda: box.report(8_340))
    box.end(2, int(order["id"]), 5_000_000, 3600)
    settled = world.get(f"/orders/{order['id']}")
    assert (settled["state"], settled["amount_fen"]) == ("settled", 0)


@pytest.mark.parametrize("elsewhere", [True, False])
def test_a_month_card_that_does_not_cover_it(tmp_path: Path, elsewhere: bool) -> None:
    """The wallet pays, as for anybody."""
    world, box, customer = site_with_card(tmp_path, balance_fen=1500)
    month_card(world, customer, **({"site_ids": [world.site()]} if elsewhere else {"days": 1}))
    world.clock.advance(86_400)
    box.connect().card(1, UID)
    (order,) = world.get("/orders")["items"]
    assert (order["month_card_id"], order["held_fen"]) == (None, 500)


def test_of_several_month_cards_the_one_that_ends_first(tmp_path: Path) -> None:
    """And the next one when that is spent."""
    world, box, customer = site_with_card(tmp_path, balance_fen=2000)
    later = month_card(world, customer)
    first = month_card(world, customer, days=2, charges_a_day=1)
    for number, covers in ((1, first), (3, later)):
        box.card(number, UID)
        box.begin(number)
        order = world.get("/orders")["items"][-1]
        assert order["month_card_id"] == covers
        world.pass_time(600, lambda: box.report(8_340))
        box.end(number + 1, int(order["id"]), box.meter_mwh - 83_400, 600)


def test_a_month_card_that_is_given_back_meanwhile(tmp_path: Path) -> None:
    """The wallet pays."""
    world, box, customer = site_with_card(tmp_path)
    covers = month_card(world, customer)
    gate: Deferred[None] = Deferred()

    async def hold() -> None:
        await gate

    world.platform.book.turns.take(box.id, hold)
    box.card(1, UID)
    assert world.http("POST", f"/month-cards/{covers}/return")[0] == 200
    gate.callback(None)
    box.pump()
    (order,) = world.get("/orders")["items"]
    assert (order["month_card_id"], order["held_fen"] > 0) == (None, True)
