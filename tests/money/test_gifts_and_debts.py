"""Gift money, debts, withdrawals and transfers: over HTTP, with the books gone through."""

import urllib.parse
from pathlib import Path
from typing import Any

import pytest
from twisted.logger import ILogObserver, formatEvent, globalLogPublisher
from zope.interface import implementer

from chargecloud.domain.events import ChargeEnded, OfflineStart, StopReason
from tests.paying import Till
from tests.world import Box, World

UID = "04A1B2C3"


@pytest.fixture
def till(tmp_path: Path) -> Till:
    """A platform with a sandbox."""
    return Till(tmp_path)


def wallet(world: World, customer: str) -> dict[str, int]:
    """A customer's money."""
    shown = world.get(f"/wallets/{customer}")
    return {name.removesuffix("_fen"): shown[name] for name in shown if name.endswith("_fen")}


def charged(world: World, customer: str, minutes: int = 30, **more: Any) -> Any:
    """A charge of a fen a minute by a new box, and the order of it."""
    box = world.box(identity=f"EB-{len(world.get('/chargers')['items'])}").connect()
    order = world.order(box, customer, **more)
    started = box.begin()
    world.pass_time(60 * minutes, lambda: box.report(10_000))
    box.end(2, started.order_id, 5_000_000, 60 * minutes)
    return world.get(f"/orders/{order['id']}")


def offline(world: World, box: Box, energy_mwh: int, number: int = 1) -> None:
    """A charge by the card that was begun and ended without a connection."""
    told = OfflineStart(number, UID)
    end = ChargeEnded(
        None,
        1,
        box.meter_mwh,
        box.meter_mwh + energy_mwh,
        3600,
        StopReason.FULL,
        box.now,
        told,
    )
    box.record(number, end)
    box.meter_mwh += energy_mwh


def owing(till: Till, balance_fen: int = 15) -> tuple[str, Box, str]:
    """A customer whose card has charged for 40 fen and had less."""
    world = till.world
    customer = world.customer(balance_fen)
    card = world.make("/cards", {"uid": UID, "customer_id": customer})["id"]
    box = world.box()
    world.pass_time(2 * 3600)
    offline(world, box.connect(), 400_000)
    return customer, box, card


def test_what_was_paid_in_is_spent_first(till: Till) -> None:
    """A hold takes it first, a bill too, and what it does not use goes back as it came."""
    world = till.world
    rider = world.customer(0)
    top_up = world.make(f"/wallets/{rider}/top-ups", {"amount_fen": 20, "gift_fen": 50})
    assert (top_up["balance_fen"], top_up["gift_fen"]) == (70, 50)
    assert till.balances() == {"cash": -20, "gifts": -50, "wallet": 20, "gift": 50}
    order = charged(world, rider, prepaid_fen=60)
    assert order["amount_fen"] == 30
    assert wallet(world, rider) == {"balance": 40, "gift": 40, "held": 0, "owed": 0}
    movements = world.get(f"/wallets/{rider}/movements")["items"]
    assert [(each["cause"], each["money"], each["amount_fen"]) for each in movements] == [
        ("top_up", "wallet", 20),
        ("gift", "gift", 50),
        ("hold", "wallet", -20),
        ("hold", "gift", -40),
        ("release", "gift", 30),
    ]
    till.balances()


def test_gift_money_is_not_paid_out(till: Till) -> None:
    """Neither in cash nor to another customer."""
    world = till.world
    rider, friend = world.customer(0), world.customer(0)
    world.make(f"/wallets/{rider}/top-ups", {"amount_fen": 20, "gift_fen": 50})
    for path, body in (
        ("withdrawals", {"reason": "moves"}),
        ("transfers", {"to_customer_id": friend}),
    ):
        with pytest.raises(AssertionError, match="insufficient-funds"):
            world.make(f"/wallets/{rider}/{path}", body | {"amount_fen": 21})
    assert wallet(world, rider)["balance"] == 70


def test_a_withdrawal_goes_the_way_the_money_came(till: Till) -> None:
    """Through the newest payments first, and in cash what came in cash; once for a key."""
    world = till.world
    rider = world.customer(30)
    for amount_fen in (100, 200):
        till.pay(till.open(amount_fen, customer_id=rider))
    for _ in range(2):
        made = world.make(
            f"/wallets/{rider}/withdrawals", {"amount_fen": 310, "reason": "moves"}, "k"
        )
    till.wait(20)
    assert (made["cash_fen"], [each["amount_fen"] for each in made["refunds"]]) == (10, [200, 100])
    assert till.balances() == {"cash": -20, "wallet": 20}
    assert {each["state"] for each in world.get("/refunds")["items"]} == {"done"}
    assert wallet(world, rider)["balance"] == 20


def test_what_another_has_given_is_not_withdrawn(till: Till) -> None:
    """It did not come through this customer's payments: it may be spent, or given back."""
    world = till.world
    rider, friend = world.customer(30), world.customer(0)
    given = world.make(
        f"/wallets/{rider}/transfers", {"to_customer_id": friend, "amount_fen": 25}, "k"
    )
    again = world.make(
        f"/wallets/{rider}/transfers", {"to_customer_id": friend, "amount_fen": 25}, "k"
    )
    assert (given["id"], given["balance_fen"]) == (again["id"], again["balance_fen"])
    assert (wallet(world, rider)["balance"], wallet(world, friend)["balance"]) == (5, 25)
    with pytest.raises(AssertionError, match="insufficient-funds"):
        world.make(f"/wallets/{friend}/withdrawals", {"amount_fen": 1, "reason": "cash"})
    world.make(f"/wallets/{friend}/transfers", {"to_customer_id": rider, "amount_fen": 25})
    assert till.balances() == {"cash": -30, "wallet": 30}


def test_a_card_that_spent_more_than_it_had_is_blocked_until_that_is_paid(till: Till) -> None:
    """What it had is taken, the rest is owed and collected from the next money, bit by bit."""
    world = till.world
    rider, box, card = owing(till)
    assert wallet(world, rider) == {"balance": 0, "gift": 0, "held": 0, "owed": 25}
    shown = world.get(f"/cards/{card}")
    assert (shown["status"], shown["blocked_for"]) == ("blocked", "debt")
    answer = box.card(7, UID)
    assert answer is not None
    assert answer.code == "blocked-card"
    world.make(f"/wallets/{rider}/top-ups", {"amount_fen": 10, "gift_fen": 3})
    assert wallet(world, rider) == {"balance": 3, "gift": 3, "held": 0, "owed": 15}
    assert world.get(f"/cards/{card}")["status"] == "blocked"
    till.pay(till.open(40, customer_id=rider))
    assert wallet(world, rider) == {"balance": 28, "gift": 3, "held": 0, "owed": 0}
    shown = world.get(f"/cards/{card}")
    assert (shown["status"], shown["blocked_for"]) == ("active", None)
    till.balances()
    (debt,) = world.get("/ledger/accounts?kind=receivable")["items"]
    assert (debt["owner_id"], debt["balance_fen"]) == (rider, 0)


def test_who_blocks_a_card_decides_it(till: Till) -> None:
    """One that a person has blocked is not good again because a debt was paid."""
    world = till.world
    rider, _, card = owing(till)
    assert world.http("PATCH", f"/cards/{card}", {"status": "blocked"})[0] == 200
    world.make(f"/wallets/{rider}/top-ups", {"amount_fen": 100})
    shown = world.get(f"/cards/{card}")
    assert (shown["status"], shown["blocked_for"]) == ("blocked", None)
    till.balances()


def test_money_for_a_charge_is_not_taken_for_a_debt(till: Till) -> None:
    """Who pays for a charge has it."""
    world = till.world
    rider, box, _ = owing(till)
    order = {"charger_id": str(box.id), "port": 1}
    payment = till.pay(till.open(60, customer_id=rider, order=order))
    assert payment["order_part"] == "placed"
    assert wallet(world, rider)["owed"] == 25


def test_a_bill_that_is_corrected_gives_gift_money_back_as_such(till: Till) -> None:
    """What was paid with gift money does not become money that can be taken out."""
    world = till.world
    rider = world.customer(0)
    world.make(f"/wallets/{rider}/top-ups", {"amount_fen": 20, "gift_fen": 50})
    box = world.box().connect()
    world.order(box, rider, prepaid_fen=60)
    started = box.begin()
    world.pass_time(1800, lambda: box.report(10_000))
    box.end(2, started.order_id, 5_000_000, 1800)
    box.meter_mwh -= 200_000
    box.end(3, started.order_id, 5_000_000, 1800)
    (dispute,) = world.get("/orders/disputes")["items"]
    decided = {"action": "correct", "reason": "x"}
    path = f"/orders/disputes/{dispute['id']}/resolve"
    assert world.http("POST", path, decided)[0] == 200
    assert world.get(f"/orders/{started.order_id}")["amount_fen"] == 10
    assert wallet(world, rider) == {"balance": 60, "gift": 50, "held": 0, "owed": 0}
    till.balances()


def test_the_ledger_is_looked_at(till: Till) -> None:
    """By account and time, page by page; and what all accounts come to is nothing."""
    world = till.world
    rider = world.customer(100)
    order = charged(world, rider)
    found = world.get("/ledger/accounts")["items"]
    assert sum(each["balance_fen"] for each in found) == 0
    assert {each["account"]: each["balance_fen"] for each in found if each["balance_fen"]} == {
        "cash": -100,
        "wallet": 70,
        "electricity_fees": 18,
        "service_fees": 12,
    }
    of_order = world.get(f"/ledger?reference_id={order['id']}")["items"]
    assert [each["cause"] for each in of_order] == ["hold", "capture", "capture", "release"]
    assert [each["seq"] for each in of_order] == [2, 3, 4, 5]
    first = world.get(f"/ledger?account=wallet&owner_id={rider}&limit=1")
    assert [each["cause"] for each in first["items"]] == ["top_up"]
    rest = world.get(f"/ledger?account=wallet&owner_id={rider}&cursor={first['next']}")["items"]
    assert [each["cause"] for each in rest] == ["hold", "release"]
    at = urllib.parse.quote(of_order[1]["at"])
    assert len(world.get(f"/ledger?from={at}")["items"]) == 3
    assert len(world.get(f"/ledger?to={at}")["items"]) == 2


def test_where_the_chains_end_is_logged_once_a_day(till: Till) -> None:
    """So that it is kept where the log goes."""
    till.world.customer(5)
    told: list[str] = []

    @implementer(ILogObserver)
    def observe(event: Any) -> None:
        if event.get("log_format", "").startswith("ledger head"):
            told.append(formatEvent(event))

    observer: Any = observe
    globalLogPublisher.addObserver(observer)
    try:
        till.wait(300)
        (head,) = told
        assert " 1 1 " in head
        assert len(head.split()[-1]) == 64
        # at once, and not minute by minute
        till.world.clock.advance(24 * 3600)
        till.wait(300)
    finally:
        globalLogPublisher.removeObserver(observer)
    assert told == [head, head]
