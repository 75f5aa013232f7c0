"""What YKC piles tell of their clocks and of what charges cost, held against the platform's."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from chargecloud.features.metering.feature import MeteringFeature
from chargecloud.features.metering.model import MeteringSettings
from chargecloud_ykc.dialect import YkcDialect
from tests.harness import result_of
from tests.world import World, native_plugins
from ykc_pile import Pile, charging, new_wire, pass_time, pile

#: 30 kW
POWER = {"voltage_dv": 3_000, "current_da": 1_000}
PERIODS_TOLD = {"flat_price_e5": 100_000}


def metering_world(folder: Path) -> World:
    """A platform that speaks YKC, and looks at meters."""
    own = native_plugins(features={"metering": MeteringFeature()})
    plugins = evolve(own, dialects={**own.dialects, "ykc": YkcDialect()})
    return World(folder, plugins=plugins, feature_settings={"metering": MeteringSettings()})


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A platform."""
    made = metering_world(tmp_path)
    yield made
    made.killed()


@pytest.fixture
def dc(world: World) -> Pile:
    """A pile that has logged in."""
    made = pile(world)
    made.login()
    made.reading()
    return made


def charge(world: World, dc: Pile, behind_s: int, money_e4: int = 0, **placed: Any) -> str:
    """A charge of 2 kWh in four minutes, at a yuan each, told by a clock that is behind."""
    order_id, trade = charging(world, dc, **placed)
    begun = world.calendar.now() - timedelta(seconds=behind_s)
    for energy_e4 in (5_000, 10_000, 15_000, 20_000):
        pass_time(world, dc, 60)
        dc.reading(trade, energy_e4=energy_e4, **POWER)
    ended = world.calendar.now() - timedelta(seconds=behind_s)
    told = PERIODS_TOLD if money_e4 else {}
    dc.record(trade, 20_000, started=begun, ended=ended, money_e4=money_e4, **told)
    return order_id


def audit(world: World) -> None:
    """Have all that has ended looked at."""
    for each in world.platform.followings:
        each.startService()
        each.stopService()
    result_of(world.platform.shared_rounds["audit meters"].work())


def test_a_pile_that_is_far_behind_is_billed_by_our_clock(world: World, dc: Pile) -> None:
    """Once three records agree; the first two may as well have been late."""
    orders = [charge(world, dc, 600) for _ in range(4)]
    bills = [world.get(f"/orders/{each}/bill") for each in orders]
    assert [len(bill["remarks"]) for bill in bills] == [0, 0, 0, 1]
    shown = [world.get(f"/orders/{each}") for each in orders]
    assert shown[3]["ended_at"] > shown[2]["ended_at"]
    audit(world)
    metering = world.get(f"/metering/{dc.charger_id}")
    assert [each["ahead_s"] for each in metering["clocks"]] == [-600]
    assert metering["evidence"][0]["clock_ahead_s"] == -600


def restarted(world: World, dc: Pile, folder: Path) -> tuple[World, Pile]:
    """The platform and the pile after a kill."""
    dc.wire.drop()
    world.killed()
    after = World(
        folder,
        world.clock,
        plugins=world.plugins,
        feature_settings={"metering": MeteringSettings()},
    )
    again = Pile(new_wire(after), dc.number, dc.charger_id)
    again.login()
    again.reading()
    return after, again


def test_what_is_known_of_a_clock_outlives_a_restart(
    world: World, dc: Pile, tmp_path: Path
) -> None:
    """The next charge is billed by ours."""
    for _ in range(3):
        charge(world, dc, 600)
    after, again = restarted(world, dc, tmp_path)
    assert len(after.get(f"/orders/{charge(after, again, 600)}/bill")["remarks"]) == 1
    after.killed()


def test_what_was_known_of_a_clock_is_not_told_again(
    world: World, dc: Pile, tmp_path: Path
) -> None:
    """It was set meanwhile: one look is no reason to tell people that it is off, nor to write down
    what is there already."""
    for _ in range(3):
        charge(world, dc, 600)
    after, again = restarted(world, dc, tmp_path)
    charge(after, again, 0)
    assert [each["rule"] for each in after.logged("alarm.raised")] == ["clock-distrusted"]
    assert [each["ahead_ms"] for each in after.logged("charger.clock")] == [-600_000]
    for _ in range(2):
        charge(after, again, 0)
    assert [each["ahead_ms"] for each in after.logged("charger.clock")] == [-600_000, 0]
    after.killed()


def test_records_that_were_late_accuse_no_clock(world: World, dc: Pile) -> None:
    """Each is late by something else."""
    for behind_s in (3_600, 1_800, 7_200, 900):
        charge(world, dc, behind_s)
    audit(world)
    assert world.get(f"/metering/{dc.charger_id}")["clocks"] == []
    assert world.logged("alarm.raised") == []


def test_an_amount_that_differs_from_the_bill_is_ranked(world: World, dc: Pile) -> None:
    """By the order that says so; a pile that knows no prices tells none."""
    charge(world, dc, 0, money_e4=20_000)
    charge(world, dc, 0)
    audit(world)
    (right,) = world.get("/metering")["items"]
    assert right["times_limit"] == 0
    off = charge(world, dc, 0, money_e4=20_500)
    audit(world)
    (ranked,) = world.get("/metering")["items"]
    (payment,) = [each for each in ranked["found"] if each["quantity"] == "payment"]
    assert (payment["value"], payment["times_limit"]) == (50, 50)
    assert (ranked["evidence"][0]["order_id"], ranked["evidence"][0]["payment_error_fen"]) == (
        off,
        5,
    )


def test_what_a_pile_cannot_know_makes_its_amount_no_error(world: World, dc: Pile) -> None:
    """A coupon and a month card are taken off what the charge costs, and the pile tells that."""
    valid = {"valid_from": "2026-01-01T00:00:00Z", "valid_until": "2027-01-01T00:00:00Z"}
    world.make("/coupons", {"code": "SPRING", "amount_fen": 20, **valid})
    customer = world.customer(10_000)
    card = world.make("/month-cards", {"customer_id": customer, "price_fen": 3_000, "days": 30})
    reduced = charge(world, dc, 0, money_e4=20_000, coupon="SPRING")
    covered = {"customer_id": customer, "month_card_id": card["id"]}
    paid_before = charge(world, dc, 0, money_e4=20_000, **covered)
    shown = [world.get(f"/orders/{each}")["amount_fen"] for each in (reduced, paid_before)]
    assert shown == [180, 0]
    audit(world)
    items = world.get(f"/metering/{dc.charger_id}/orders")["items"]
    assert [each["payment_error_fen"] for each in items] == [0, 0]
