"""C{/chargers}"""

from datetime import timedelta
from typing import Any

import pytest

from chargecloud.web.resources.chargers import MOST_PORTS, MOST_RATED_W
from tests.harness import NOW
from tests.web.resources.asking import Asking
from tests.world import World


def new(site_id: str, **more: Any) -> dict[str, Any]:
    """A charger to be registered."""
    return {
        "site_id": site_id,
        "dialect": "native",
        "identity": "EB-0001",
        "name": "Dormitory 3, box 1",
        "ports": 2,
        "kind": "ebike",
        "rated_w": 1600,
        **more,
    }


def test_a_charger_is_registered(world: World, api: Asking) -> None:
    """Its key is shown once, and its ports say nothing until it does."""
    about = new(world.site(), vendor="Acme", imei="86" * 7, iccid="89" * 9)
    made = api.made("/chargers", about)
    key = made.pop("key")
    assert len(bytes.fromhex(key)) == 16
    assert about.items() <= made.items()
    shown = api.found(f"/chargers/{made['id']}")
    assert key not in str(shown)
    ports = shown.pop("port_states")
    assert (shown.pop("box"), shown.pop("parameters")) == (None, {})
    assert shown == made
    assert (shown["online"], shown["last_seen"], shown["firmware"]) == (False, None, None)
    assert [port["port"] for port in ports] == [1, 2]
    assert {port["state"] for port in ports} == {"unknown"}
    assert {port["power_w"] for port in ports} == {None}
    assert api.found("/chargers")["items"] == [shown]


def test_a_key_may_be_given(world: World, api: Asking) -> None:
    """A box that had its key from the factory keeps it."""
    key = "00112233445566778899aabbccddeeff"
    assert api.made("/chargers", new(world.site(), key=key))["key"] == key


@pytest.mark.parametrize(
    ("wrong", "place"),
    [
        ({"site_id": "x"}, "/site_id"),
        ({"dialect": "klingon"}, "/dialect"),
        ({"kind": "tank"}, "/kind"),
        ({"ports": 0}, "/ports"),
        ({"ports": MOST_PORTS + 1}, "/ports"),
        ({"rated_w": 0}, "/rated_w"),
        ({"rated_w": MOST_RATED_W + 1}, "/rated_w"),
        ({"key": "00"}, "/key"),
        ({"key": "zz" * 16}, "/key"),
        ({"imei": "1" * 21}, "/imei"),
    ],
)
def test_a_charger_that_cannot_be(
    world: World, api: Asking, wrong: dict[str, Any], place: str
) -> None:
    """Each fault is told with its place, and nothing is registered."""
    answer = api.ask("POST", "/chargers", new(world.site()) | wrong)
    assert (answer.status, answer.places) == (422, [place])
    assert api.found("/chargers")["items"] == []


def test_an_identity_that_its_dialect_cannot_have(world: World, api: Asking) -> None:
    """The dialect says what its chargers can be called."""
    assert api.ask("POST", "/chargers", new(world.site(), identity="a b")).status == 422


def test_an_identity_is_taken_once(world: World, api: Asking) -> None:
    """Two chargers that call themselves the same could not be told apart."""
    site = world.site()
    api.made("/chargers", new(site))
    answer = api.ask("POST", "/chargers", new(site))
    assert (answer.status, answer.kind) == (409, "already-exists")
    assert len(api.found("/chargers")["items"]) == 1


def test_there_is_no_such_charger_or_site(api: Asking) -> None:
    """What is not there is not found, in a path and in a body."""
    assert api.ask("GET", "/chargers/5").status == 404
    assert api.ask("POST", "/chargers", new("5")).status == 404


def test_chargers_are_found_by_what_is_known_of_them(world: World, api: Asking) -> None:
    """Each word of the query narrows the list."""
    one, other = world.site(), world.site()
    api.made("/chargers", new(one, vendor="Acme"))
    api.made("/chargers", new(other, identity="EB-0002", name="Gate 100%"))

    def identities(query: str) -> list[str]:
        return [each["identity"] for each in api.found(f"/chargers?{query}")["items"]]

    assert identities("q=EB-") == ["EB-0001", "EB-0002"]
    assert identities(f"site_id={one}") == ["EB-0001"]
    assert identities("vendor=Acme") == ["EB-0001"]
    assert identities("q=0%25") == ["EB-0002"]
    assert identities("q=0002&vendor=Acme") == []
    assert identities("dialect=native&limit=1") == ["EB-0001"]
    assert identities("dialect=klingon") == []


@pytest.mark.parametrize(
    ("query", "place"),
    [
        ("site_id=x", "site_id"),
        (f"site_id={'9' * 19}", "site_id"),
        ("cursor=x", "cursor"),
        ("limit=0", "limit"),
        ("limit=501", "limit"),
        ("colour=red", "colour"),
    ],
)
def test_a_query_that_cannot_be(api: Asking, query: str, place: str) -> None:
    """A fault of a query is told with the parameter's name."""
    answer = api.ask("GET", f"/chargers?{query}")
    assert (answer.status, answer.places) == (422, [place])


def test_a_charger_comes_and_goes(world: World, api: Asking) -> None:
    """It is seen now while it is connected, and then was seen last when it went."""
    box = world.box().connect()
    path = f"/chargers/{box.id}"
    world.clock.advance(60)
    here = api.found(path)
    assert here["online"]
    assert here["last_seen"] == (NOW + timedelta(seconds=60)).isoformat()
    assert (here["firmware"], here["hardware"]) == ("1.0", "T1")
    box.drop()
    world.clock.advance(60)
    gone = api.found(path)
    assert not gone["online"]
    assert gone["last_seen"] == here["last_seen"]


def test_a_port_shows_its_order_and_its_newest_reading(world: World, api: Asking) -> None:
    """A reading is shown in whole units, with the order that has the port."""
    box = world.box().connect()
    order = world.order(box)
    box.begin()
    world.clock.advance(60)
    box.report(energy_mwh=2_600, power_dw=1_234)
    (port,) = api.found(f"/chargers/{box.id}")["port_states"]
    assert port == {
        "port": 1,
        "state": "charging",
        "order_id": order["id"],
        "power_w": 123,
        "meter_wh": 5_003,
        "temperature_c": None,
        "voltage_v": None,
        "current_ma": None,
        "power_factor": None,
        "leakage_ua": None,
        "relay": None,
        "at": (NOW + timedelta(seconds=60)).isoformat(),
    }
