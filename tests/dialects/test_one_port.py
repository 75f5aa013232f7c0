"""All dialects on one port: each is known by its first bytes, and a charge in each ends alike."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import evolve

from chargecloud.interfaces import IDialect
from chargecloud.simulator.native import SimulatedNative
from chargecloud.simulator.speaking import ISimulatedDialect
from chargecloud_dny.dialect import DnyDialect
from chargecloud_dny.simulated import SimulatedDny
from chargecloud_ocpp.dialect import OcppDialect
from chargecloud_ocpp.simulated import SimulatedOcpp
from chargecloud_ykc.dialect import YkcDialect
from chargecloud_ykc.simulated import SimulatedYkc
from tests.stations import Station, pass_time
from tests.world import World, native_plugins

SPEAKS: tuple[ISimulatedDialect, ...] = (
    SimulatedNative(),
    SimulatedDny(),
    SimulatedYkc(),
    SimulatedOcpp(),
)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A platform with one port for all of them."""
    own = native_plugins()
    vendors: list[IDialect] = [DnyDialect(), YkcDialect(), OcppDialect()]
    dialects = {**own.dialects, **{each.name: each for each in vendors}}
    made = World(tmp_path, plugins=evolve(own, dialects=dialects))
    yield made
    made.killed()


def test_a_charge_in_each_dialect_ends_as_the_same_kind_of_bill(world: World) -> None:
    """Settled, with lines that explain it; all four charge at the same time."""
    site_id = world.site()
    stations = [Station(world, each, site_id).plug() for each in SPEAKS]
    orders = [each.order() for each in stations]
    pass_time(3_600, *stations)
    assert states(world, orders) == ["charging"] * len(stations)
    for each in stations:
        each.charger.unplug(1, world.calendar.now())
        each.carry()
    pass_time(1_200, *stations)
    assert states(world, orders) == ["settled"] * len(stations)
    bills = [world.get(f"/orders/{order_id}") for order_id in orders]
    assert len({frozenset(bill) for bill in bills}) == 1
    for order in bills:
        assert order["energy_mwh"] > 0
        bill = world.get(f"/orders/{order['id']}/bill")
        assert order["amount_fen"] == sum(line["amount_fen"] for line in bill["lines"]) > 0


def states(world: World, orders: list[str]) -> list[str]:
    """How far orders have come."""
    return [world.get(f"/orders/{order_id}")["state"] for order_id in orders]
