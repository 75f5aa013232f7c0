"""Month cards: sold, used, given back, and what they have earned."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from chargecloud.domain.decision import Stale
from chargecloud.domain.events import StopReason
from chargecloud.storage.audit import ledger_faults
from chargecloud.storage.schema import month_card_uses, postings
from tests.harness import NOW, failure_of, result_of, rows_of
from tests.world import Box, World

DAY_S = 86_400
HOUR_S = 3_600


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A whole platform in memory."""
    return World(tmp_path)


def sold(world: World, customer: str, **about: Any) -> Any:
    """A card for 30 days and 30 yuan."""
    return world.make(
        "/month-cards", {"customer_id": customer, "price_fen": 3000, "days": 30} | about
    )


def ask(world: World, box: Box, customer: str | None, card: Any, **more: Any) -> tuple[int, Any]:
    """Ask for an order with it."""
    body = {"charger_id": str(box.id), "port": 1, "month_card_id": card["id"]}
    return world.http("POST", "/orders", body | {"customer_id": customer} | more)


def charged(world: World, box: Box, order: Any, record: int = 1, hours: int = 1) -> Any:
    """The order when its charge of some hours, at 50 fen each, is over."""
    box.pump().begin(record)
    meter_mwh = box.meter_mwh
    world.pass_time(hours * HOUR_S, lambda: box.report(8_340))
    box.end(record + 1, int(order["id"]), meter_mwh, hours * HOUR_S)
    return world.get(f"/orders/{order['id']}")


def earned(world: World) -> dict[int, int]:
    """By site."""
    fees: dict[int, int] = {}
    for row in rows_of(world.store, postings):
        if row["credit_kind"] == "card_fees":
            assert row["cause"] == "earn"
            fees[row["credit_owner_id"]] = fees.get(row["credit_owner_id"], 0) + row["amount_fen"]
    return fees


def wallet(world: World, customer: str) -> int:
    """What is in it."""
    fen: int = world.get(f"/wallets/{customer}")["balance_fen"]
    return fen


def over(world: World) -> None:
    """What is due is done."""
    result_of(world.platform.shared_rounds["end month cards"].work())


def sound(world: World) -> None:
    """The books agree with each other."""
    assert result_of(world.store.read(lambda connection: list(ledger_faults(connection)))) == []


def test_it_is_paid_from_the_wallet_and_covers_a_charge(world: World) -> None:
    """Nothing is held, and nothing is paid."""
    box, customer = world.box().connect(), world.customer(3000)
    card = sold(world, customer)
    assert (card["state"], wallet(world, customer)) == ("active", 0)
    assert card["ends_at"] == (NOW + timedelta(days=30)).isoformat()
    status, order = ask(world, box, customer, card)
    assert (status, order["held_fen"], order["month_card_id"]) == (201, 0, card["id"])
    settled = charged(world, box, order)
    assert (settled["state"], settled["amount_fen"]) == ("settled", 0)
    lines = world.get(f"/orders/{order['id']}/bill")["lines"]
    assert sum(line["amount_fen"] for line in lines if line["amount_fen"] > 0) == 50
    assert lines[-1]["rule"] == f"month card {card['id']}: 3600 of 3600 s"
    sound(world)


def test_it_is_not_sold_for_what_is_not_there(world: World) -> None:
    """Gift money buys none: it would come back as money."""
    customer = world.customer(2999)
    world.make(f"/wallets/{customer}/top-ups", {"amount_fen": 1, "gift_fen": 500})
    new = {"customer_id": customer, "price_fen": 3001, "days": 30}
    assert world.http("POST", "/month-cards", new)[1]["type"] == "/problems/insufficient-funds"
    assert world.make("/month-cards", new | {"price_fen": 3000}, key="a")["state"] == "active"
    # the same request
    assert world.make("/month-cards", new | {"price_fen": 3000}, key="a")["state"] == "active"
    assert len(world.get("/month-cards")["items"]) == 1
    sound(world)


def test_its_hours_of_a_day(world: World) -> None:
    """A charge ends with them, or pays for what is beyond; the next day has hours again."""
    box, customer = world.box().connect(), world.customer(5000)
    card = sold(world, customer, hours_a_day=3)
    first = ask(world, box, customer, card)[1]
    assert first["limit"]["duration_s"] == 3 * HOUR_S
    assert charged(world, box, first, hours=2)["amount_fen"] == 0
    # an hour is left
    second = ask(world, box, customer, card, prepaid_fen=500)[1]
    assert second["limit"]["duration_s"] is None
    assert charged(world, box, second, record=3, hours=2)["amount_fen"] == 50
    assert ask(world, box, customer, card)[1]["why"] == "spent-today"
    world.pass_time(DAY_S / 2, box.heartbeat)
    assert ask(world, box, customer, card)[0] == 201
    sound(world)


def test_what_is_left_of_a_day_is_one_orders(world: World) -> None:
    """Two charges at once do not have the same hours."""
    box, customer = world.box(ports=2).connect(), world.customer(5000)
    card = sold(world, customer, hours_a_day=3)
    order = ask(world, box, customer, card)[1]
    assert ask(world, box, customer, card, port=2)[1]["why"] == "spent-today"
    # it was not begun
    world.pass_time(120, box.heartbeat)
    assert world.get(f"/orders/{order['id']}")["month_card_id"] is None
    assert ask(world, box, customer, card, port=2)[0] == 201


def test_its_charges_of_a_day(world: World) -> None:
    """They are counted as they are placed."""
    box, customer = world.box(ports=3).connect(), world.customer(5000)
    card = sold(world, customer, charges_a_day=2)
    asked = [ask(world, box, customer, card, port=port)[0] for port in (1, 2, 3)]
    assert asked == [201, 201, 409]


def test_it_does_not_cover_more_power_than_it_says(world: World) -> None:
    """The charge is paid like any other, and does not count."""
    box, customer = world.box().connect(), world.customer(5000)
    card = sold(world, customer, power_w=400, charges_a_day=1)
    settled = charged(world, box, ask(world, box, customer, card, prepaid_fen=300)[1])
    assert (settled["amount_fen"], settled["month_card_id"]) == (50, None)
    assert wallet(world, customer) == 1950
    assert ask(world, box, customer, card)[0] == 201
    sound(world)


def test_who_draws_too_much_for_it_is_not_let_go_on_for_nothing(world: World) -> None:
    """Where no money is held, it is stopped when that is known, and pays before the next time."""
    box, customer = world.box().connect(), world.customer(3000)
    card = sold(world, customer, power_w=400)
    order = ask(world, box, customer, card)[1]
    box.pump().begin()
    meter_mwh = box.meter_mwh
    # a step of the meter, and then just its power
    world.pass_time(60, lambda: box.report(10_000))
    world.pass_time(780, lambda: box.report(6_600))
    assert box.stops() == []
    world.pass_time(120, lambda: box.report(10_000))
    box.accept(box.stops()[-1])
    box.end(2, int(order["id"]), meter_mwh, 960, StopReason.REMOTE)
    settled = world.get(f"/orders/{order['id']}")
    assert settled["stop_reason"] == "limit_amount"
    assert world.get(f"/wallets/{customer}")["owed_fen"] == settled["amount_fen"] > 0
    status, problem = ask(world, box, customer, card)
    assert (status, problem["type"]) == (409, "/problems/insufficient-funds")
    world.make(f"/wallets/{customer}/top-ups", {"amount_fen": settled["amount_fen"]})
    assert ask(world, box, customer, card)[0] == 201


def test_who_has_money_held_goes_on(world: World) -> None:
    """It is stopped before the money is spent."""
    box, customer = world.box().connect(), world.customer(5000)
    card = sold(world, customer, power_w=400)
    charged(world, box, ask(world, box, customer, card, prepaid_fen=300)[1])
    assert box.stops() == []


@pytest.mark.parametrize(("starts_in_days", "why"), [(1, "not-yet"), (-30, "expired")])
def test_a_card_that_is_not_good_now(world: World, starts_in_days: int, why: str) -> None:
    """Nothing happens."""
    box, customer = world.box(), world.customer(5000)
    starts_at = NOW + timedelta(days=starts_in_days, seconds=1)
    card = sold(world, customer, starts_at=starts_at.isoformat())
    world.clock.advance(2)
    assert ask(world, box.connect(), customer, card)[1]["why"] == why
    assert world.get("/orders")["items"] == []


@pytest.mark.parametrize(
    "starts_at",
    [
        (NOW - timedelta(days=30)).isoformat(),
        (NOW + timedelta(days=367)).isoformat(),
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T00:00:00-12:00",
    ],
)
def test_a_card_whose_days_are_over_or_far_away_is_not_sold(world: World, starts_at: str) -> None:
    """Nobody pays for nothing."""
    customer = world.customer(5000)
    new = {"customer_id": customer, "price_fen": 3000, "days": 30, "starts_at": starts_at}
    status, problem = world.http("POST", "/month-cards", new)
    assert (status, [each["pointer"] for each in problem["errors"]]) == (422, ["/starts_at"])
    assert (wallet(world, customer), world.get("/month-cards")["items"]) == (5000, [])


def test_a_card_of_another_place_or_person(world: World) -> None:
    """And one that there is none of."""
    box, customer = world.box().connect(), world.customer(5000)
    there = sold(world, customer, site_ids=[world.site()])
    assert ask(world, box, customer, there)[1]["why"] == "elsewhere"
    assert ask(world, box, world.customer(5000), there)[1]["why"] == "somebody-elses"
    assert ask(world, box, None, there)[1]["why"] == "somebody-elses"
    assert ask(world, box, customer, {"id": "5"})[1]["why"] == "unknown"


def test_given_back_early(world: World) -> None:
    """By days: of 30, three have begun; what was used is earned where it was used."""
    customer = world.customer(5000)
    sites = [world.site(), world.site()]
    boxes = [world.box(site, f"EB-{number}") for number, site in enumerate(sites)]
    card = sold(world, customer)
    for box, count in zip(boxes, (1, 2), strict=True):
        box.connect()
        for number in range(count):
            charged(world, box, ask(world, box, customer, card)[1], 1 + 2 * number)
    world.clock.advance(2 * DAY_S)
    status, back = world.http("POST", f"/month-cards/{card['id']}/return")
    assert (status, back["state"], back["returned_fen"]) == (200, "returned", 2700)
    assert wallet(world, customer) == 2000 + 2700
    assert earned(world) == {int(sites[0]): 100, int(sites[1]): 200}
    assert world.http("POST", f"/month-cards/{card['id']}/return")[0] == 409
    assert ask(world, boxes[0].connect(), customer, card)[1]["why"] == "closed"
    sound(world)


def test_what_it_is_to_cover_yet_keeps_it(world: World) -> None:
    """Nobody has the money back and the charge, too; also at its end, it is counted first."""
    box, customer = world.box().connect(), world.customer(5000)
    card = sold(world, customer, days=1)
    order = ask(world, box, customer, card)[1]
    status, problem = world.http("POST", f"/month-cards/{card['id']}/return")
    assert (status, problem["order_ids"]) == (409, [order["id"]])
    world.pass_time(DAY_S - HOUR_S / 2, box.heartbeat)
    order = ask(world, box, customer, card)[1]
    box.pump().begin(1)
    meter_mwh = box.meter_mwh
    world.pass_time(HOUR_S, lambda: box.report(8_340))
    over(world)
    assert (earned(world), world.get(f"/month-cards/{card['id']}")["state"]) == ({}, "active")
    box.end(2, int(order["id"]), meter_mwh, HOUR_S)
    over(world)
    assert world.get(f"/month-cards/{card['id']}")["state"] == "ended"
    assert sum(earned(world).values()) == 3000
    sound(world)


def test_what_goes_back_pays_what_is_owed_first(world: World) -> None:
    """As all money that comes into a wallet."""
    box, customer = world.box().connect(), world.customer(3000)
    card = sold(world, customer, power_w=400)
    charged(world, box, ask(world, box, customer, card)[1])
    assert world.get(f"/wallets/{customer}")["owed_fen"] == 50
    assert world.http("POST", f"/month-cards/{card['id']}/return")[1]["returned_fen"] == 2900
    kept = world.get(f"/wallets/{customer}")
    assert (kept["owed_fen"], kept["balance_fen"]) == (0, 2850)
    sound(world)


def test_at_its_end_it_is_earned(world: World) -> None:
    """Once, whoever looks; one that nobody used is of no site."""
    customer = world.customer(5000)
    card = sold(world, customer, days=1)
    over(world)
    assert earned(world) == {}
    world.clock.advance(DAY_S)
    over(world)
    over(world)
    ended = world.get(f"/month-cards/{card['id']}")
    assert (ended["state"], ended["returned_fen"]) == ("ended", 0)
    assert earned(world) == {0: 3000}
    sound(world)


def test_a_use_and_an_end_at_once(world: World) -> None:
    """Whoever is second looks again: no use is left out of what is counted."""
    box, customer = world.box().connect(), world.customer(5000)
    card = sold(world, customer)
    other = world.order(box, customer)
    track = world.platform.book.tracked(int(other["id"]))
    assert track is not None
    claim = world.platform.placing.month_cards.claim(track.order, int(card["id"]))
    _order, late = result_of(Deferred.fromCoroutine(claim))
    assert world.http("POST", f"/month-cards/{card['id']}/return")[0] == 200
    assert failure_of(world.store.writer.decide(late), Stale).table == "month_cards"
    assert rows_of(world.store, month_card_uses) == []


def test_the_books_tell_of_a_price_that_is_lost(world: World) -> None:
    """As with all money."""
    customer = world.customer(5000)
    card = sold(world, customer)
    result_of(
        world.store.writer.transact(
            lambda found: found.exec_driver_sql("UPDATE month_cards SET price_fen = 5")
        )
    )
    (fault,) = result_of(world.store.read(lambda connection: list(ledger_faults(connection))))
    assert fault.startswith(f"month card {card['id']} is active")
