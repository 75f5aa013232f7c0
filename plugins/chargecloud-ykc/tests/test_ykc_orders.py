"""Charges at YKC piles: from the order to its bill, and all that goes wrong."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from chargecloud.charging.settings import ChargingSettings
from chargecloud_ykc.trades import NO_TRADE, write_trade
from tests.web.resources.asking import Asking
from tests.world import World
from ykc_pile import (
    Pile,
    charging,
    order,
    pass_time,
    pile,
    state,
    ykc_world,
)

CONFIRM_S = ChargingSettings().confirm_deadline_s
NOT_PLUGGED = 5


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


def test_a_charge_ends_as_an_explained_bill(world: World, dc: Pile) -> None:
    """Started, read, stopped, and settled by the record; which is acknowledged once it is kept."""
    order_id, trade = charging(world, dc)
    assert trade == write_trade(int(order_id))
    assert state(world, order_id)["state"] == "charging"
    for energy_e4 in range(10_000, 60_001, 10_000):
        pass_time(world, dc, 120)
        dc.reading(trade, energy_e4=energy_e4)
    Asking(world).begin("POST", f"/orders/{order_id}/stop", {})
    dc.say("stop_reply", dc.told("stop")[-1][0].sequence, gun=1, result=1, reason=0)
    dc.record(trade, 60_000, started=world.calendar.now() - timedelta(seconds=720))
    assert dc.last("record_reply") == {"trade": trade, "result": 0}
    shown = state(world, order_id)
    assert (shown["state"], shown["energy_mwh"]) == ("settled", 6_000_000)
    assert (shown["stop_reason"], shown["amount_fen"]) == ("user", 600)


def test_a_record_that_comes_again_is_no_second_bill(world: World, dc: Pile) -> None:
    """By its trade number; on another connection, too."""
    order_id, trade = charging(world, dc)
    pass_time(world, dc, 60)
    dc.record(trade, 500)
    bill = state(world, order_id)
    dc.wire.drop()
    dc.wire.connect()
    dc.login()
    dc.record(trade, 500)
    assert len(dc.told("record_reply")) == 2
    assert state(world, order_id) == bill


def test_a_gun_without_a_plug_has_a_second_chance(world: World, dc: Pile) -> None:
    """A failure for want of a plug is not final for a minute."""
    made = order(world, dc)
    dc.start_reply(0, NOT_PLUGGED)
    assert state(world, made["id"])["state"] == "starting"
    pass_time(world, dc, 40)
    dc.reading(dc.start_reply()["trade"])
    assert state(world, made["id"])["state"] == "charging"
    pass_time(world, dc, CONFIRM_S)
    assert state(world, made["id"])["state"] == "charging"


def test_a_second_chance_that_nobody_takes_fails_the_order(world: World, dc: Pile) -> None:
    """The money goes back, and the customer is told why."""
    made = order(world, dc)
    dc.start_reply(0, NOT_PLUGGED)
    pass_time(world, dc, CONFIRM_S + 10)
    shown = state(world, made["id"])
    assert (shown["state"], shown["failure"]) == ("failed", "not-plugged")


def test_a_start_after_all_is_stopped_at_once(world: World, dc: Pile) -> None:
    """Its order has failed: nobody would pay for it."""
    order(world, dc)
    dc.start_reply(0, NOT_PLUGGED)
    pass_time(world, dc, CONFIRM_S + 10)
    before = len(dc.told("stop"))
    trade = dc.start_reply()["trade"]
    assert dc.told("query")
    dc.reading(trade)
    assert len(dc.told("stop")) > before


@pytest.mark.parametrize(("reason", "code"), [(1, "refused"), (2, "busy"), (3, "fault")])
def test_a_refusal_fails_the_order(world: World, dc: Pile, reason: int, code: str) -> None:
    """At once, with the reason."""
    made = order(world, dc)
    dc.start_reply(0, reason)
    assert (state(world, made["id"])["state"], state(world, made["id"])["failure"]) == (
        "failed",
        code,
    )


def test_a_start_whose_answer_was_lost_is_known_by_the_reading(world: World, dc: Pile) -> None:
    """The gun tells of the order by its trade number."""
    made = order(world, dc)
    dc.reading(write_trade(int(made["id"])))
    assert state(world, made["id"])["state"] == "charging"


def test_a_stop_waits_until_it_is_known_whose_charge_it_ends(world: World, dc: Pile) -> None:
    """It names no order: after a new connection the gun is asked first."""
    order_id, trade = charging(world, dc)
    dc.wire.drop()
    dc.wire.connect()
    dc.login()
    Asking(world).begin("POST", f"/orders/{order_id}/stop", {})
    assert dc.told("query")
    assert not dc.told("stop")
    dc.reading(trade)
    assert len(dc.told("stop")) == 1


def test_the_stop_of_another_order_is_not_sent(world: World, dc: Pile) -> None:
    """The gun charges for somebody else by now."""
    order_id, _ = charging(world, dc)
    dc.reading(write_trade(int(order_id) + 1))
    told = len(dc.told("stop"))
    # the platform ends the stranger's charge, and no other stop follows for the order's own
    Asking(world).begin("POST", f"/orders/{order_id}/stop", {})
    assert len(dc.told("stop")) == told


def test_money_is_a_limit_that_the_pile_keeps(world: World, dc: Pile) -> None:
    """It is told what may be spent, and when that changes."""
    order(world, dc, prepaid_fen=3_000)
    assert dc.start_reply()["balance_fen"] == 3_000


def test_a_failed_start_has_a_record_and_no_bill(world: World, dc: Pile) -> None:
    """Piles make one for each start that they were told of."""
    made = order(world, dc)
    trade = dc.start_reply(0, 3)["trade"]
    dc.record(trade, 0, reason=0x4F)
    assert dc.last("record_reply")["trade"] == trade
    assert state(world, made["id"])["state"] == "failed"


@pytest.mark.parametrize("more", [{"state": 0}, {"state": 1}, {"state": 4}])
def test_a_stop_reaches_a_gun_whatever_state_it_tells(
    world: World, dc: Pile, more: dict[str, int]
) -> None:
    """It draws power in a state that no charge has: nothing but "idle" keeps a stop from it."""
    order_id, trade = charging(world, dc)
    dc.reading(trade, **more)
    Asking(world).begin("POST", f"/orders/{order_id}/stop", {})
    assert len(dc.told("stop")) == 1


def test_a_gun_that_names_no_order_is_stopped_at_its_limit(world: World, dc: Pile) -> None:
    """It charges under no trade number, and the money is used up."""
    charging(world, dc, prepaid_fen=100)
    for energy_e4 in range(0, 40_001, 4_000):
        pass_time(world, dc, 20)
        dc.reading(NO_TRADE, state=3, energy_e4=energy_e4)
    assert dc.told("stop")


def test_a_late_answer_to_an_old_start_ends_nobody_elses_charge(world: World, dc: Pile) -> None:
    """The gun charges for the next order by then."""
    order(world, dc)
    sequence, first = dc.told("start")[-1]
    dc.start_reply(0, 3)
    order_id, trade = charging(world, dc)
    stops = len(dc.told("stop"))
    told = {name: first[name] for name in ("trade", "gun")}
    dc.say("start_reply", sequence.sequence, **told, result=1, reason=0)
    dc.reading(trade)
    assert len(dc.told("stop")) == stops
    assert state(world, order_id)["state"] == "charging"


def test_a_yes_that_no_charge_follows_is_taken_back(world: World, dc: Pile) -> None:
    """Within 90 s both the answer and a reading are wanted (13.3(1))."""
    made = order(world, dc)
    dc.start_reply()
    pass_time(world, dc, CONFIRM_S + 10)
    assert state(world, made["id"])["state"] == "failed"
    assert len(dc.told("stop")) == 1


def test_an_answer_may_take_longer_than_other_commands(world: World, dc: Pile) -> None:
    """Piles have 90 s."""
    made = order(world, dc)
    pass_time(world, dc, 30)
    dc.reading(dc.start_reply()["trade"])
    assert state(world, made["id"])["state"] == "charging"


def test_a_record_of_a_gun_that_the_login_left_out_is_kept(world: World) -> None:
    """Nothing that may be money is dropped in silence."""
    made = pile(world)
    made.login(guns=0)
    made.record(f"{made.number}022601050900000001", 20_000, gun=2, begun_by=4)
    assert made.told("record_reply")
