"""What a person decides: once, with a reason, and to the fen."""

from pathlib import Path
from typing import Any

import pytest

from chargecloud.charging import unmatched
from chargecloud.charging.disputes import MOST_OPEN
from chargecloud.domain.events import ChargeEnded, Outcome, StopReason
from chargecloud.storage.audit import ledger_faults
from tests.harness import result_of
from tests.world import Box, World

HOUR_S = 3600
START_MWH = 5_000_000


def sound(world: World) -> None:
    """The books agree with each other."""
    assert result_of(world.store.read(lambda connection: list(ledger_faults(connection)))) == []


def held(folder: Path) -> tuple[World, Box, str, str]:
    """An order whose end cannot be right; its id, and the customer's."""
    world = World(folder)
    box, customer = world.box().connect(), world.customer(1000)
    order = world.order(box, customer, prepaid_fen=500)
    box.begin()
    world.pass_time(HOUR_S, lambda: box.report(10_000))
    box.meter_mwh += 90_000_000
    box.end(2, int(order["id"]), START_MWH, HOUR_S)
    assert world.get(f"/orders/{order['id']}")["state"] == "held"
    return world, box, order["id"], customer


def settled(folder: Path) -> tuple[World, Box, str, str]:
    """An order of 600 Wh, settled at 60 fen, and a later record of 800 Wh."""
    world = World(folder)
    box, customer = world.box().connect(), world.customer(1000)
    order = world.order(box, customer, prepaid_fen=500)
    box.begin()
    world.pass_time(HOUR_S, lambda: box.report(10_000))
    box.end(2, int(order["id"]), START_MWH, HOUR_S)
    assert world.get(f"/orders/{order['id']}")["amount_fen"] == 60
    box.meter_mwh += 200_000
    box.end(3, int(order["id"]), START_MWH, HOUR_S)
    return world, box, order["id"], customer


def resolve(world: World, path: str, **body: Any) -> tuple[int, Any]:
    """Decide something."""
    return world.http("POST", f"{path}/resolve", {"reason": "looked at the meter", **body})


def kinds(world: World, order_id: str) -> list[tuple[str, str | None]]:
    """What happened to an order, and why."""
    return [
        (each["kind"], each["why"]) for each in world.get(f"/orders/{order_id}/events")["items"]
    ]


def test_a_held_order_is_billed_by_a_persons_figure(tmp_path: Path) -> None:
    """And it stays known that it was a person's."""
    world, _, order_id, customer = held(tmp_path)
    status, after = resolve(world, f"/orders/{order_id}", action="adjust", energy_wh=600)
    assert status == 200
    assert (after["state"], after["energy_wh"], after["amount_fen"]) == ("settled", 600, 60)
    assert (after["basis"], after["failure"]) == ("by-hand", None)
    wallet = world.get(f"/wallets/{customer}")
    assert (wallet["balance_fen"], wallet["held_fen"]) == (940, 0)
    assert ("order.judged", "looked at the meter") in kinds(world, order_id)
    sound(world)


def test_a_held_order_is_cancelled(tmp_path: Path) -> None:
    """All of the money goes back."""
    world, _, order_id, customer = held(tmp_path)
    status, after = resolve(world, f"/orders/{order_id}", action="cancel")
    assert (status, after["state"]) == (200, "cancelled")
    wallet = world.get(f"/wallets/{customer}")
    assert (wallet["balance_fen"], wallet["held_fen"]) == (1000, 0)
    sound(world)


def test_a_held_order_is_billed_as_it_is(tmp_path: Path) -> None:
    """The person has seen that it is right; what the wallet does not cover is owed."""
    world, _, order_id, customer = held(tmp_path)
    status, after = resolve(world, f"/orders/{order_id}", action="settle")
    assert (status, after["state"]) == (200, "settled")
    assert after["amount_fen"] > 1000
    assert world.get(f"/wallets/{customer}")["balance_fen"] == 0
    sound(world)


def test_what_was_decided_is_not_decided_again(tmp_path: Path) -> None:
    """Two people look at the same list."""
    world, _, order_id, _ = held(tmp_path)
    assert resolve(world, f"/orders/{order_id}", action="cancel")[0] == 200
    assert resolve(world, f"/orders/{order_id}", action="settle")[0] == 409
    sound(world)


@pytest.mark.parametrize(
    "body",
    [
        {"action": "adjust"},
        {"action": "settle", "energy_wh": 5},
        {"action": "burn"},
        {"action": "cancel", "reason": ""},
    ],
)
def test_a_decision_says_all_that_it_must(tmp_path: Path, body: dict[str, Any]) -> None:
    """And nothing is done by half of one."""
    world, _, order_id, _ = held(tmp_path)
    assert resolve(world, f"/orders/{order_id}", **body)[0] == 422
    assert world.get(f"/orders/{order_id}")["state"] == "held"


def test_a_dispute_is_corrected_with_a_credit_and_a_new_bill(tmp_path: Path) -> None:
    """The first bill is never edited: it is credited, and the new one paid."""
    world, _, order_id, customer = settled(tmp_path)
    (dispute,) = world.get("/orders/disputes")["items"]
    status, _ = resolve(world, f"/orders/disputes/{dispute['id']}", action="correct")
    assert status == 200
    after = world.get(f"/orders/{order_id}")
    assert (after["state"], after["energy_wh"], after["amount_fen"]) == ("settled", 800, 80)
    assert world.get(f"/wallets/{customer}")["balance_fen"] == 920
    movements = world.get(f"/wallets/{customer}/movements")["items"]
    assert [each["amount_fen"] for each in movements if each["cause"] == "credit"] == [36, 24]
    assert world.get("/orders/disputes")["items"] == []
    assert "order.corrected" in [kind for kind, _ in kinds(world, order_id)]
    sound(world)


def test_a_settled_order_is_corrected_by_a_credit_note_and_a_new_bill(tmp_path: Path) -> None:
    """What was billed stays to be seen; the books have both."""
    world, _, order_id, customer = settled(tmp_path)
    before = world.get(f"/orders/{order_id}/bill")
    assert (before["number"], before["credit_notes"]) == (f"{order_id}-1", [])
    status, after = resolve(world, f"/orders/{order_id}", action="adjust", energy_wh=500)
    assert (status, after["state"], after["amount_fen"]) == (200, "settled", 50)
    bill = world.get(f"/orders/{order_id}/bill")
    assert (bill["number"], bill["amount_fen"], bill["incl_vat"]) == (f"{order_id}-2", 50, "0.5")
    (note,) = bill["credit_notes"]
    assert (note["number"], note["bill_number"]) == (f"{order_id}-1-C", f"{order_id}-1")
    assert (note["amount_fen"], note["reason"]) == (-60, "looked at the meter")
    assert note["lines"] == before["lines"]
    assert world.get(f"/wallets/{customer}")["balance_fen"] == 950
    assert resolve(world, f"/orders/{order_id}", action="cancel")[0] == 409
    sound(world)


def test_a_dispute_is_kept_as_it_was(tmp_path: Path) -> None:
    """With the reason, and it is off the list."""
    world, _, order_id, _ = settled(tmp_path)
    before = world.get(f"/orders/{order_id}")
    (dispute,) = world.get("/orders/disputes")["items"]
    assert resolve(world, f"/orders/disputes/{dispute['id']}", action="keep")[0] == 200
    assert resolve(world, f"/orders/disputes/{dispute['id']}", action="correct")[0] == 409
    assert world.get(f"/orders/{order_id}") == before
    assert world.get("/orders/disputes")["items"] == []
    assert ("dispute.kept", "looked at the meter") in kinds(world, order_id)
    sound(world)


def test_an_unmatched_record_is_settled_for_a_customer(tmp_path: Path) -> None:
    """An order is made of it, and billed at the price of its site."""
    world = World(tmp_path)
    box, customer = world.box().connect(), world.customer(1000)
    box.record(
        1,
        ChargeEnded(4711, 1, START_MWH, START_MWH + 600_000, HOUR_S, StopReason.FULL, box.now),
    )
    (record,) = world.get("/orders/unmatched")["items"]
    status, made = resolve(
        world, f"/orders/unmatched/{record['id']}", action="settle", customer_id=customer
    )
    assert status == 200
    order = made["order"]
    assert (order["state"], order["origin"], order["amount_fen"]) == ("settled", "record", 60)
    assert world.get(f"/wallets/{customer}")["balance_fen"] == 940
    assert world.get("/orders/unmatched")["items"] == []
    sound(world)


def test_an_absurd_record_is_not_settled(tmp_path: Path) -> None:
    """910 kWh in an hour: whoever presses the wrong button bills nobody for it."""
    world = World(tmp_path)
    box, customer = world.box().connect(), world.customer(1000)
    box.record(
        1,
        ChargeEnded(4711, 1, 0, 910_000_000, HOUR_S, StopReason.FULL, box.now),
    )
    (record,) = world.get("/orders/unmatched")["items"]
    path = f"/orders/unmatched/{record['id']}"
    status, _ = resolve(world, path, action="settle", customer_id=customer)
    assert status == 409
    assert world.get(f"/wallets/{customer}")["balance_fen"] == 1000
    assert resolve(world, path, action="dismiss")[0] == 200


def test_an_unmatched_record_is_dismissed(tmp_path: Path) -> None:
    """And never comes back."""
    world = World(tmp_path)
    box = world.box().connect()
    event = ChargeEnded(4711, 1, START_MWH, START_MWH + 600_000, HOUR_S, StopReason.FULL, box.now)
    box.record(1, event)
    (record,) = world.get("/orders/unmatched")["items"]
    assert resolve(world, f"/orders/unmatched/{record['id']}", action="dismiss")[0] == 200
    box.record(1, event)
    assert world.get("/orders/unmatched")["items"] == []
    assert world.get("/orders")["items"] == []


def test_a_new_story_each_time_does_not_fill_the_lists(tmp_path: Path) -> None:
    """Of one order so many versions wait for a person, and no more; the charger may forget
    the others.  What was kept before is still known."""
    world, box, order_id, _ = settled(tmp_path)
    for number in range(MOST_OPEN + 5):
        box.end(10 + number, int(order_id), START_MWH, HOUR_S + number)
    waiting = world.get("/orders/disputes?limit=100")["items"]
    assert len(waiting) == MOST_OPEN
    answers = {kept.record: kept.outcome for kept in box.kept()}
    assert answers[10 + MOST_OPEN + 4] is Outcome.REFUSED
    box.end(11, int(order_id), START_MWH, HOUR_S + 1)
    assert box.kept()[-1].outcome is Outcome.KEPT
    resolve(world, f"/orders/disputes/{waiting[0]['id']}", action="keep")
    box.end(90, int(order_id), START_MWH, HOUR_S + 500)
    assert len(world.get("/orders/disputes?limit=100")["items"]) == MOST_OPEN


def test_what_matches_no_order_stays_with_its_charger_when_too_much_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not lost: it is sent again, and kept when a person has decided others."""
    monkeypatch.setattr(unmatched, "MOST_OPEN", 2)
    world = World(tmp_path)
    box = world.box().connect()
    for number in (1, 2, 3):
        box.end(number, 1000 + number, START_MWH, HOUR_S)
    first, _ = world.get("/orders/unmatched")["items"]
    assert [kept.record for kept in box.kept()] == [1, 2]
    resolve(world, f"/orders/unmatched/{first['id']}", action="dismiss")
    box.end(3, 1003, START_MWH, HOUR_S)
    assert [kept.record for kept in box.kept()] == [1, 2, 3]
