"""A charger's clock that is off: people are told where prices go by the time, and what is far off
is not billed by."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from chargecloud.charging.settings import ChargingSettings
from chargecloud.domain.charger import PortState
from chargecloud.domain.events import ChargeEnded, StopReason
from tests.harness import NOW, clock_at
from tests.world import FLAT, Box, World

#: dear from 10:00 at the site, which is 02:00 in UTC
TWO_PRICES = {
    "rates": {
        "night": {"electricity": 30_000, "service": 20_000},
        "day": {"electricity": 90_000, "service": 60_000},
    },
    "day": [
        {"from": "00:00", "rate": "night"},
        {"from": "10:00", "rate": "day"},
    ],
}
CHANGE = NOW + timedelta(hours=1)
assert datetime(2026, 11, 23, 2, 0, tzinfo=UTC) == CHANGE


def world_at(folder: Path, start: datetime = NOW, **settings: Any) -> World:
    """A platform."""
    return World(folder, clock_at(start), charging=ChargingSettings(**settings))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A platform."""
    made = world_at(tmp_path)
    yield made
    made.killed()


def connected(world: World, terms: Any) -> Box:
    """A box that has been up for an hour."""
    box = world.box(world.site(terms))
    box.booted_at -= 3_600
    return box.connect()


def look(world: World, box: Box, ahead_s: int, times: int = 3) -> None:
    """Have a box whose clock goes wrong tell of its idle port some times."""
    box.booted_at -= ahead_s
    for _ in range(times):
        world.clock.advance(30)
        box.report(state=PortState.IDLE, power_dw=0)


def rules(world: World) -> list[str]:
    """What people were told."""
    return [each["rule"] for each in world.logged("alarm.raised")]


def charge(world: World, box: Box, minutes: int) -> Any:
    """A charge of 6 Wh a minute, told each minute; its bill."""
    world.order(box, world.customer(10_000))
    start_mwh = box.meter_mwh
    order_id = box.begin().order_id
    for _ in range(minutes):
        world.clock.advance(60)
        box.report(6_000, 3_600, order_id=order_id)
    box.end(2, order_id, start_mwh, minutes * 60)
    return world.get(f"/orders/{order_id}/bill")


def by_price(bill: Any) -> Mapping[int, int]:
    """Of electricity, the energy at each price."""
    lines = [line for line in bill["lines"] if line["fee"] == "electricity"]
    return {line["unit_price"]: line["quantity"] for line in lines}


@pytest.mark.parametrize("ahead_s", [-600, 600])
def test_what_is_far_off_is_billed_by_our_clock(tmp_path: Path, ahead_s: int) -> None:
    """Half before a change of the price and half behind it, whatever the charger's clock shows;
    and the bill says so."""
    world = world_at(tmp_path, CHANGE - timedelta(seconds=30 * 60 + 90))
    box = connected(world, TWO_PRICES)
    look(world, box, ahead_s)
    bill = charge(world, box, 60)
    assert by_price(bill) == {30_000: 180_000, 90_000: 180_000}
    (remark,) = bill["remarks"]
    assert remark["code"] == "billed-by-our-clock"
    assert "600 s " + ("ahead of" if ahead_s > 0 else "behind") in remark["words"]
    (ended,) = world.logged("order.ended")
    assert abs(ended["clock_ahead_s"] - ahead_s) <= 1
    # what the charger told stays as it was told
    assert abs(ended["told_ms"] - ended["at_ms"] - ahead_s * 1_000) <= 1_000
    assert set(rules(world)) == {"clock-distrusted", "clock-off"}
    world.killed()


def test_what_was_noted_before_a_power_cut_was_noted_by_another_clock(world: World) -> None:
    """What the clock is off since then says nothing of it."""
    box = connected(world, TWO_PRICES)
    order = world.order(box, world.customer(10_000))
    start_mwh = box.meter_mwh
    box.begin()
    world.pass_time(600, lambda: box.report(6_000))
    ended = ChargeEnded(
        int(order["id"]), 1, start_mwh, box.meter_mwh, 600, StopReason.POWER_CUT, box.now
    )
    box.drop()
    world.clock.advance(60)
    box.power_up()
    look(world, box, 600)
    box.record(2, ended)
    (told,) = world.logged("order.ended")
    assert told["at_ms"] == told["told_ms"]
    assert "clock_ahead_s" not in told
    assert world.get(f"/orders/{order['id']}/bill")["remarks"] == []


def test_a_clock_that_is_believed_is_billed_by(tmp_path: Path) -> None:
    """The same, where ten minutes are let pass: what makes the difference is the rule."""
    world = world_at(tmp_path, CHANGE - timedelta(seconds=30 * 60 + 90), clock_distrusted_s=86_400)
    box = connected(world, TWO_PRICES)
    look(world, box, -600)
    bill = charge(world, box, 60)
    assert by_price(bill) != {30_000: 180_000, 90_000: 180_000}
    assert bill["remarks"] == []
    world.killed()


def test_a_remark_stays_with_the_bill_that_a_person_has_made_anew(tmp_path: Path) -> None:
    """It is billed by our clock again."""
    world = world_at(tmp_path)
    box = connected(world, TWO_PRICES)
    look(world, box, -600)
    bill = charge(world, box, 10)
    told = {"action": "adjust", "energy_wh": 40, "reason": "as a clamp meter said"}
    assert world.http("POST", f"/orders/{bill['order_id']}/resolve", told)[0] == 200
    assert world.get(f"/orders/{bill['order_id']}/bill")["remarks"] == bill["remarks"] != []
    world.killed()


def test_people_are_told_of_a_few_seconds_where_prices_go_by_the_time(world: World) -> None:
    """Once, until it is good again; and not for what whole seconds hide."""
    box = connected(world, TWO_PRICES)
    look(world, box, -6)
    assert rules(world) == []
    look(world, box, -1)
    look(world, box, 0)
    assert rules(world) == ["clock-off"]
    (alarm,) = world.logged("alarm.raised")
    assert alarm["evidence"] == {"ahead_s": -7, "limit_s": 5}
    look(world, box, 7)
    look(world, box, 9)
    assert rules(world) == ["clock-off", "clock-off"]
    assert [each["limit_s"] for each in world.logged("charger.clock")] == [5] * len(
        world.logged("charger.clock")
    )


def test_nobody_is_told_of_a_few_seconds_where_there_is_one_price(world: World) -> None:
    """It changes no bill; three minutes are too much anywhere."""
    box = connected(world, FLAT)
    look(world, box, -60)
    assert rules(world) == []
    look(world, box, -200)
    assert rules(world) == ["clock-distrusted"]


def test_a_login_sets_the_clock_of_a_box_that_counts_its_seconds(world: World) -> None:
    """What it showed before says nothing any more."""
    box = connected(world, TWO_PRICES)
    look(world, box, -600)
    box.drop()
    box.connect()
    assert charge(world, box, 1)["remarks"] == []


def test_a_clock_that_gains_is_found(world: World) -> None:
    """However often it tells: it shows a second more with each report."""
    box = connected(world, TWO_PRICES)
    for _ in range(30):
        box.booted_at -= 1
        world.clock.advance(10)
        box.report(state=PortState.IDLE, power_dw=0)
    assert rules(world) == ["clock-off"]
    assert world.logged("charger.clock")[-1]["ahead_ms"] >= 20_000


def test_a_clock_that_stays_as_it_is_is_written_once_a_day(world: World) -> None:
    """However often its charger connects."""
    box = connected(world, FLAT)
    for _ in range(3):
        look(world, box, 0)
        box.drop()
        box.connect()
    assert len(world.logged("charger.clock")) == 1
    world.clock.advance(86_400)
    box.drop()
    box.connect()
    look(world, box, 0)
    assert len(world.logged("charger.clock")) == 2
