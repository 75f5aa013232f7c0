"""Idempotency-Key: a request that is sent again has its effect once."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen

from chargecloud.storage.schema import metadata
from tests.harness import clock_at, rows_of
from tests.web.resources.asking import Asking
from tests.world import FLAT, World

#: a path, a body that makes something there, and another that would make something else
Making = tuple[str, dict[str, Any], dict[str, Any]]


def a_site(world: World) -> Making:
    """A site."""
    site = {"name": "n", "time_zone": "Asia/Shanghai"}
    return "/sites", site, site | {"name": "other"}


def a_charger(world: World) -> Making:
    """A charger."""
    about = {"dialect": "native", "identity": "X1", "name": "x", "ports": 1}
    about |= {"site_id": world.site(), "kind": "ebike", "rated_w": 800}
    return "/chargers", about, about | {"identity": "X2"}


def a_customer(world: World) -> Making:
    """A customer."""
    return "/customers", {"name": "Li Wei"}, {"name": "Wang Fang"}


def a_top_up(world: World) -> Making:
    """Money."""
    path = f"/wallets/{world.customer(0)}/top-ups"
    return path, {"amount_fen": 500}, {"amount_fen": 501}


def a_tariff(world: World) -> Making:
    """A tariff."""
    new = {"name": "t", "kind": "time_of_use", "terms": FLAT}
    return "/tariffs", new, new | {"name": "other"}


def a_version(world: World) -> Making:
    """A version of a tariff."""
    tariff = world.make("/tariffs", {"name": "t", "kind": "time_of_use", "terms": FLAT})
    dearer = FLAT | {"rates": {"all": {"electricity": 70000, "service": 40000}}}
    return f"/tariffs/{tariff['id']}/versions", {"terms": FLAT}, {"terms": dearer}


def an_order(world: World) -> Making:
    """An order."""
    wish = {"charger_id": str(world.box().connect().id), "port": 1}
    wish |= {"customer_id": world.customer(1000)}
    return "/orders", wish, wish | {"prepaid_fen": 7}


MAKINGS = [a_site, a_charger, a_customer, a_top_up, a_tariff, a_version, an_order]


@frozen
class Books:
    """All that is in a database, but for the keys of requests, the leases, and who is
    connected."""

    tables: dict[str, list[dict[str, Any]]]

    @classmethod
    def of(cls, world: World) -> "Books":
        """As they are now."""
        passing = {"request_keys", "node_slots", "cursors"}
        return cls(
            {
                name: [row | {"connected": None} for row in rows_of(world.store, table)]
                for name, table in metadata.tables.items()
                if name not in passing
            }
        )


@pytest.mark.parametrize("making", MAKINGS)
def test_the_same_again(world: World, api: Asking, making: Callable[[World], Making]) -> None:
    """The second sending makes nothing, and is answered like the first: also with the key
    of a charger, or an answer that was lost would lose it."""
    path, body, _other = making(world)
    first = api.made(path, body, key="k-1")
    books = Books.of(world)
    again = api.made(path, dict(reversed(body.items())), key="k-1")
    assert again == first
    assert Books.of(world) == books


@pytest.mark.parametrize("making", MAKINGS)
def test_another_under_the_same_key(
    world: World, api: Asking, making: Callable[[World], Making]
) -> None:
    """A different request under a key that was used is a mistake, and makes nothing."""
    path, body, other = making(world)
    api.made(path, body, key="k-1")
    books = Books.of(world)
    answer = api.ask("POST", path, other, key="k-1")
    assert (answer.status, answer.kind) == (422, "idempotency-key-reused")
    assert Books.of(world) == books


@pytest.mark.parametrize("making", MAKINGS)
def test_it_outlasts_the_process(tmp_path: Path, making: Callable[[World], Making]) -> None:
    """What was made is known after a restart, so a resend that crossed it is no second one."""
    before = World(tmp_path)
    path, body, _other = making(before)
    made = Asking(before).made(path, body, key="k-1")
    books = Books.of(before)
    after = World(tmp_path, clock_at(before.calendar.now()))
    again = Asking(after).made(path, body, key="k-1")
    assert again.get("id") == made.get("id")
    assert Books.of(after) == books


def test_each_tenant_has_its_own_keys(api: Asking) -> None:
    """Two tenants that count their requests alike do not get each other's customers."""
    (_, one), (_, other) = api.tenant("one"), api.tenant("other")
    first = api.made("/customers", {"name": "Li"}, key="1", token=one)
    second = api.made("/customers", {"name": "Li"}, key="1", token=other)
    assert first["id"] != second["id"]
    assert first["tenant_id"] != second["tenant_id"]
