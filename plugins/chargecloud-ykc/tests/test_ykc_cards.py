"""Cards and cars at YKC piles: who may charge, and what the pile is told."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from chargecloud_ykc.pile import GROUP_S
from chargecloud_ykc.trades import NO_TRADE, write_trade
from tests.world import World
from ykc_pile import (
    CARD,
    Pile,
    pass_time,
    pile,
    ykc_world,
)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A platform."""
    made = ykc_world(tmp_path)
    yield made
    made.killed()


@pytest.fixture
def dc(world: World) -> Pile:
    """A pile that has logged in, and told of its guns."""
    made = pile(world)
    made.login()
    made.reading()
    made.reading(gun=2, is_plugged=0)
    return made


def with_card(world: World, uid: str = CARD, balance_fen: int = 5_000) -> str:
    """A customer with a card; their id."""
    customer = world.customer(balance_fen)
    world.make("/cards", {"uid": uid, "customer_id": customer, "status": "active"})
    return customer


def test_a_card_may_charge(world: World, dc: Pile) -> None:
    """The answer names the order, and the gun starts by it: there is no start besides."""
    with_card(world)
    dc.ask_start()
    told = dc.last("may_start")
    assert told["is_authorised"] == 1
    assert 0 < told["balance_fen"] <= 5_000
    assert not dc.told("start")
    dc.reading(told["trade"])
    (made,) = world.get(f"/orders?charger_id={dc.charger_id}")["items"]
    assert (made["state"], made["origin"]) == ("charging", "card")
    assert told["trade"] == write_trade(int(made["id"]))


@pytest.mark.parametrize(
    ("balance_fen", "card", "reason"), [(0, CARD, 3), (5_000, "00000000D14B0A55", 1)]
)
def test_a_card_that_may_not_is_told_why(
    world: World, dc: Pile, balance_fen: int, card: str, reason: int
) -> None:
    """In YKC's numbers."""
    with_card(world, balance_fen=balance_fen)
    dc.ask_start(card=card)
    told = dc.last("may_start")
    assert (told["is_authorised"], told["reason"], told["trade"]) == (0, reason, NO_TRADE)


def test_a_question_that_comes_again_makes_no_second_order(world: World, dc: Pile) -> None:
    """The pile has lost the answer, and asks with the same sequence."""
    with_card(world)
    for _ in range(2):
        dc.ask_start(sequence=b"\0\x55")
    first, second = (fields["trade"] for _, fields in dc.told("may_start"))
    assert first == second
    assert len(world.get(f"/orders?charger_id={dc.charger_id}")["items"]) == 1


def test_a_car_charges_by_its_vin(world: World, dc: Pile) -> None:
    """Which comes backwards, and is registered like a card."""
    vin = "LSVAU033X72170001"
    with_card(world, vin)
    dc.ask_start(mode=3, card="0" * 16, vin=vin[::-1].encode())
    assert dc.last("may_start")["is_authorised"] == 1
    dc.ask_start(gun=2, mode=3, card="0" * 16, vin=b"Z" * 17)
    assert dc.last("may_start")["reason"] == 9


def test_an_account_with_a_password_is_nobodys(world: World, dc: Pile) -> None:
    """Customers of the platform have none at piles."""
    dc.ask_start(mode=2)
    assert dc.last("may_start")["reason"] == 1


def test_an_offline_charge_is_billed_to_its_card(world: World, dc: Pile) -> None:
    """It comes with a trade number of the pile's own, after the login."""
    with_card(world)
    trade = f"{dc.number}012601050900000001"
    dc.record(trade, 20_000, begun_by=4, card=bytes.fromhex(CARD))
    assert dc.last("record_reply")["trade"] == trade
    (made,) = world.get(f"/orders?charger_id={dc.charger_id}")["items"]
    assert (made["state"], made["card_uid"], made["energy_mwh"]) == ("settled", CARD, 2_000_000)
    dc.record(trade, 20_000, begun_by=4, card=bytes.fromhex(CARD))
    assert len(world.get(f"/orders?charger_id={dc.charger_id}")["items"]) == 1


def test_a_question_after_a_charge_is_another(world: World, dc: Pile) -> None:
    """A pile's sequence stands still, or has begun anew: the order before is paid already."""
    with_card(world)
    trades = []
    for _ in range(2):
        dc.ask_start(sequence=b"\0\1")
        trades.append(dc.last("may_start")["trade"])
        dc.reading(trades[-1])
        pass_time(world, dc, 60)
        dc.record(trades[-1], 500, started=world.calendar.now() - timedelta(seconds=60))
        dc.reading()
    assert len(set(trades)) == 2


def test_a_question_that_comes_again_may_spend_no_more(world: World, dc: Pile) -> None:
    """The order's own limit, and not what is in the wallet."""
    with_card(world, balance_fen=9_000)
    for sequence in (b"\0\1", b"\0\2"):
        dc.ask_start(sequence=sequence)
    first, second = (fields["balance_fen"] for _, fields in dc.told("may_start"))
    assert first == second < 9_000


GROUP = "202601050900"


def test_guns_that_charge_together_start_together(world: World, dc: Pile) -> None:
    """Only when both may."""
    with_card(world)
    with_card(world, "00000000D14B0A99")
    dc.ask_start(is_main=1, group=GROUP)
    assert not dc.told("may_start_parallel")
    dc.ask_start(gun=2, card="00000000D14B0A99", is_main=0, group=GROUP)
    told = [fields for _, fields in dc.told("may_start_parallel")]
    assert [(each["gun"], each["is_authorised"], each["group"]) for each in told] == [
        (1, 1, GROUP),
        (2, 1, GROUP),
    ]


def test_a_gun_of_a_group_may_ask_again(world: World, dc: Pile) -> None:
    """Its answer was lost."""
    with_card(world)
    with_card(world, "00000000D14B0A99")
    dc.ask_start(sequence=b"\0\1", is_main=1, group=GROUP)
    dc.ask_start(gun=2, card="00000000D14B0A99", is_main=0, group=GROUP)
    dc.ask_start(sequence=b"\0\1", is_main=1, group=GROUP)
    told = [fields["is_authorised"] for _, fields in dc.told("may_start_parallel")]
    assert told == [1, 1, 1]


@pytest.mark.parametrize("asks", [True, False])
def test_of_guns_that_charge_together_none_starts_alone(world: World, dc: Pile, asks: bool) -> None:
    """The other may not, or never asks; the order that was made for the first fails."""
    with_card(world)
    dc.ask_start(is_main=1, group=GROUP)
    if asks:
        dc.ask_start(gun=2, card="00000000D14B0A99", is_main=0, group=GROUP)
    else:
        pass_time(world, dc, int(GROUP_S) + 10)
    assert {fields["is_authorised"] for _, fields in dc.told("may_start_parallel")} == {0}
    pass_time(world, dc, 10)
    (made,) = world.get(f"/orders?charger_id={dc.charger_id}")["items"]
    assert made["state"] == "failed"
