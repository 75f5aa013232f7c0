"""What the platform knows of a charger's orders, told to its dialect at each login."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import evolve
from zope.interface import implementer

from chargecloud.charging.known import MOST_NEWEST
from chargecloud.dialects.native.dialect import NativeDialect
from chargecloud.domain.order_value import OrderState
from chargecloud.interfaces import INumberingDialect, OrderThere
from tests.harness import result_of
from tests.world import Box, World, native_plugins


@implementer(INumberingDialect)
class Numbering(NativeDialect):
    """One that has numbers of its own for charges."""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A platform that speaks it."""
    made = World(tmp_path, plugins=evolve(native_plugins(), dialects={"native": Numbering()}))
    yield made
    made.killed()


def there(world: World, box: Box) -> tuple[OrderThere, ...]:
    """A charger's orders."""
    found: tuple[OrderThere, ...] = result_of(
        world.platform.gateway.events.credentials("native", box.identity)
    ).orders
    return found


def test_a_chargers_orders_are_told(world: World) -> None:
    """What runs, and what has ended, the newest last; nobody else's."""
    site = world.site()
    box, other = world.box(site).connect(), world.box(site, "EB-0002").connect()
    assert there(world, box) == ()
    customer = world.customer(balance_fen=10_000)
    first = world.order(box, customer)
    begun = box.begin()
    known = OrderThere(
        int(first["id"]), 1, OrderState.CHARGING, box.meter_mwh, started_at=world.calendar.now()
    )
    assert there(world, box) == (known,)
    box.report(1_000)
    box.end(2, begun.order_id, box.meter_mwh - 1_000, 60)
    world.order(box, customer)
    assert [each.state for each in there(world, box)] == [OrderState.SETTLED, OrderState.STARTING]
    assert there(world, other) == ()


def test_of_what_has_ended_only_the_newest_are_told(world: World) -> None:
    """A login is not made slower by years of charging; what runs is told however old it is."""
    box = world.box(ports=2).connect()
    customer = world.customer(balance_fen=10_000)
    running = int(world.order(box, customer)["id"])
    box.begin()
    ids = []
    for _ in range(MOST_NEWEST + 2):
        ids.append(int(world.order(box, customer, port=2)["id"]))
        world.clock.advance(61)
        box.report(1_000, order_id=running)
    assert [each.order_id for each in there(world, box)] == [running, *ids[2:]]


def test_no_other_dialect_is_told(tmp_path: Path) -> None:
    """Its logins wait for nothing that it has no use for."""
    world = World(tmp_path)
    box = world.box().connect()
    world.order(box, world.customer())
    box.begin()
    assert there(world, box) == ()
