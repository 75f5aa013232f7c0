"""Other limits for a running charge, and the prices that a charger ends by."""

from pathlib import Path
from typing import Any

import pytest

from chargecloud.domain.commands import Answer, ChangeCharge, StartCharge
from tests.web.resources.asking import Asking
from tests.world import FLAT, Box, World

PEAKS = {
    "rates": {
        "peak": {"electricity": 110_000, "service": 40_000},
        "valley": {"electricity": 40_000, "service": 40_000},
    },
    "day": [{"from": "00:00", "rate": "valley"}, {"from": "07:00", "rate": "peak"}],
}


def charging(world: World, terms: Any = FLAT, **wish: Any) -> tuple[Box, dict[str, Any]]:
    """A charger that charges for an order."""
    box = world.box(site_id=world.site(terms)).connect()
    order = world.order(box, **wish)
    box.pump().begin()
    return box, order


def change(
    world: World, box: Box, order: dict[str, Any], answer: Answer | None, **limits: Any
) -> Any:
    """Ask for other limits, and let the charger answer."""
    asked = Asking(world).begin("POST", f"/orders/{order['id']}/limits", limits)
    box.pump()
    if answer is not None:
        box.accept(box.orders(ChangeCharge)[-1], answer)
    return asked.answer()


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A platform."""
    return World(tmp_path)


def test_other_limits_are_the_chargers_and_ours(world: World) -> None:
    """The charger is told what is given, and what is not given stays."""
    box, order = charging(world, limit={"energy_wh": 1_000, "duration_s": 3_600})
    answer = change(world, box, order, Answer(True), energy_wh=2_000)
    assert answer.status == 200
    (ordered,) = box.orders(ChangeCharge)
    assert ordered.command == ChangeCharge(int(order["id"]), 1, limit_energy_mwh=2_000_000)
    kept = world.get(f"/orders/{order['id']}")
    assert kept["limit"]["energy_wh"] == 2_000
    assert kept["limit"]["duration_s"] == 3_600
    kinds = [each["kind"] for each in world.get(f"/orders/{order['id']}/events")["items"]]
    assert "order.changed" in kinds


def test_what_the_charger_refuses_is_not_changed(world: World) -> None:
    """A limit that it does not know would be none."""
    box, order = charging(world, limit={"energy_wh": 1_000})
    answer = change(world, box, order, Answer(False, "refused"), energy_wh=2_000)
    assert (answer.status, answer.kind) == (409, "conflict")
    assert world.get(f"/orders/{order['id']}")["limit"]["energy_wh"] == 1_000


def test_no_more_is_spent_than_is_held(world: World) -> None:
    """Who wants more charged than was paid for pays first."""
    box, order = charging(world, customer_id=world.customer(900), prepaid_fen=300)
    answer = change(world, box, order, None, amount_fen=301)
    assert (answer.status, answer.kind) == (409, "conflict")
    assert box.orders(ChangeCharge) == []


def test_an_order_that_has_ended_has_no_limits(world: World) -> None:
    """It is told so."""
    box, order = charging(world)
    world.pass_time(600, lambda: box.report(100_000))
    box.end(2, int(order["id"]), 5_000_000, 600)
    assert change(world, box, order, None, energy_wh=2_000).status == 409


def test_a_charger_that_may_spend_so_much_knows_the_prices(world: World) -> None:
    """Electricity and service together, from now on, so that it can end by itself when the
    platform is away."""
    box, _order = charging(world, PEAKS, limit={"amount_fen": 200})
    command = box.orders(StartCharge)[-1].command
    assert isinstance(command, StartCharge)
    assert command.limit_amount_fen == 200
    assert {price.millifen_per_kwh for price in command.prices} == {80_000, 150_000}
    untils = [price.until_s for price in command.prices]
    assert untils == sorted(untils)
    assert untils[0] > world.clock.seconds()


def test_one_price_and_no_amount_costs_no_bytes(world: World) -> None:
    """There is nothing to end by, and nothing to note."""
    box, _order = charging(world)
    command = box.orders(StartCharge)[-1].command
    assert isinstance(command, StartCharge)
    assert (command.prices, command.limit_amount_fen) == ((), None)
