"""Lists, walked page by page."""

from typing import Any

import pytest

from tests.web.resources.asking import Asking
from tests.world import FLAT, World

#: three pages of two, the last one not full
MANY = 5


def sites(world: World) -> str:
    """Many sites."""
    for number in range(MANY):
        world.make("/sites", {"name": f"{number}", "time_zone": "Asia/Shanghai"})
    return "/sites"


def chargers(world: World) -> str:
    """Many chargers."""
    site = world.site()
    for number in range(MANY):
        world.box(site, f"EB-{number}")
    return "/chargers"


def customers(world: World) -> str:
    """Many customers."""
    for _ in range(MANY):
        world.customer(0)
    return "/customers"


def movements(world: World) -> str:
    """Much money."""
    customer = world.customer(0)
    for number in range(MANY):
        world.make(f"/wallets/{customer}/top-ups", {"amount_fen": number + 1})
    return f"/wallets/{customer}/movements"


def tariffs(world: World) -> str:
    """Many tariffs, one of them in many versions."""
    for number in range(MANY):
        made = world.make("/tariffs", {"name": f"{number}", "kind": "time_of_use", "terms": FLAT})
    for _ in range(MANY):
        world.make(f"/tariffs/{made['id']}/versions", {"terms": FLAT})
    return "/tariffs"


def orders(world: World) -> str:
    """Many orders."""
    site = world.site()
    for number in range(MANY):
        world.order(world.box(site, f"EB-{number}").connect())
    return "/orders"


@pytest.mark.parametrize("listed", [sites, chargers, customers, movements, tariffs, orders])
def test_a_list_is_walked(world: World, api: Asking, listed: Any) -> None:
    """Each item comes once, in the order in which it was made, and the last page says so."""
    path = listed(world)
    pages = list(api.walk(f"{path}?limit=2"))
    assert [len(page) for page in pages] == [2, 2, 1]
    ids = [int(item["id"]) for page in pages for item in page]
    assert ids == sorted(set(ids))
    assert [int(item["id"]) for item in api.found(path)["items"]] == ids


@pytest.mark.parametrize("listed", [sites, chargers, customers, movements, tariffs, orders])
def test_a_list_that_ends_with_its_page(world: World, api: Asking, listed: Any) -> None:
    """A page that is just full and the last one leads to no empty page behind it."""
    (page,) = api.walk(f"{listed(world)}?limit={MANY}")
    assert len(page) == MANY


def test_what_is_made_meanwhile_comes_at_the_end(world: World, api: Asking) -> None:
    """A list that grows under its reader never shifts."""
    path = sites(world)
    walk = api.walk(f"{path}?limit=2")
    first = next(walk)
    world.make("/sites", {"name": "new", "time_zone": "Asia/Shanghai"})
    rest = [item["name"] for page in walk for item in page]
    assert [item["name"] for item in first] + rest == ["0", "1", "2", "3", "4", "new"]
