"""Editing chargers and sites, and taking chargers away."""

from typing import Any

import pytest

from chargecloud.dialects.native.charger import NotWelcomed
from tests.web.resources.asking import Asking
from tests.world import World


@pytest.fixture
def box(world: World) -> Any:
    """A charger that is connected."""
    return world.box(world.site()).connect()


def _path(box: Any) -> str:
    return f"/chargers/{box.id}"


def test_what_is_given_is_changed(api: Asking, box: Any) -> None:
    """The rest stays; null takes a value away; and the log says who changed what."""
    before = api.ask("GET", _path(box))
    edit = {"name": "Library, box 2", "owner": "Estate company", "vendor": None}
    after = api.ask("PATCH", _path(box), edit)
    assert (before.tag, after.tag) == ('"1"', '"2"')
    shown = api.found(_path(box))
    assert edit.items() <= shown.items()
    assert shown["rated_w"] == before.json["rated_w"]
    (entry,) = api.world.logged("charger.edited")
    assert entry["changed"] == ["name", "owner", "vendor"]


def test_nobody_overwrites_what_they_have_not_seen(api: Asking, box: Any) -> None:
    """Two who edit the same charger: the second is told, and nothing of theirs is written."""
    seen = api.ask("GET", _path(box)).tag
    assert api.ask("PATCH", _path(box), {"name": "first"}, seen=seen).status == 200
    answer = api.ask("PATCH", _path(box), {"name": "second"}, seen=seen)
    assert (answer.status, answer.kind) == (412, "edited-meanwhile")
    assert api.found(_path(box))["name"] == "first"
    for any_will_do in ("*", None, '"4"', '"77", "5"'):
        assert api.ask("PATCH", _path(box), {"name": "third"}, seen=any_will_do).status == 200
    assert api.ask("PATCH", _path(box), {"name": "fourth"}, seen='W/"6"').status == 412


def test_an_edit_of_nothing_is_none(api: Asking, box: Any) -> None:
    """The version stays."""
    assert api.ask("PATCH", _path(box), {}).tag == '"1"'


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": None},
        {"status": "decommissioned"},
        {"status": None},
        {"site_id": None},
        {"rated_w": 0},
        {"identity": "X"},
        {"ports": 3},
    ],
)
def test_what_cannot_be_edited(api: Asking, box: Any, wrong: dict[str, Any]) -> None:
    """It is refused with its place, and nothing is changed."""
    answer = api.ask("PATCH", _path(box), wrong)
    assert (answer.status, answer.places) == (422, [f"/{next(iter(wrong))}"])
    assert api.ask("GET", _path(box)).tag == '"1"'


def test_a_charger_out_of_service_begins_nothing(world: World, api: Asking, box: Any) -> None:
    """It stays connected; an order is refused with the reason, until it is back in service."""
    api.ask("PATCH", _path(box), {"status": "out_of_service"})
    order = {"charger_id": str(box.id), "port": 1, "customer_id": world.customer()}
    refused = api.ask("POST", "/orders", order)
    assert (refused.status, refused.kind) == (409, "out-of-service")
    assert api.found(_path(box))["online"] is True
    api.ask("PATCH", _path(box), {"status": "in_service"})
    assert api.ask("POST", "/orders", order).status == 201


def test_what_charges_is_neither_moved_nor_taken_away(world: World, api: Asking, box: Any) -> None:
    """Its order belongs to the place where it began."""
    order = {"charger_id": str(box.id), "port": 1, "customer_id": world.customer()}
    api.made("/orders", order)
    elsewhere = api.made("/sites", {"name": "South", "time_zone": "Asia/Shanghai"})["id"]
    assert api.ask("PATCH", _path(box), {"site_id": elsewhere}).kind == "conflict"
    assert api.ask("PATCH", _path(box), {"name": "still possible"}).status == 200
    gone = api.ask("POST", f"{_path(box)}/decommission", {"reason": "old"})
    assert (gone.status, gone.kind) == (409, "conflict")


def test_a_charger_moves(api: Asking, box: Any) -> None:
    """Its price plan is the new site's."""
    elsewhere = api.made("/sites", {"name": "South", "time_zone": "Asia/Shanghai"})["id"]
    moved = api.ask("PATCH", _path(box), {"site_id": elsewhere}).json
    assert (moved["site_name"], moved["tariff_name"]) == ("South", None)


def test_a_charger_that_is_gone(world: World, api: Asking, box: Any) -> None:
    """It is let go and never let in again, is listed as what it is, and is not edited."""
    gone = api.ask("POST", f"{_path(box)}/decommission", {"reason": "burnt"})
    assert (gone.status, gone.json["status"], gone.json["online"]) == (
        200,
        "decommissioned",
        False,
    )
    with pytest.raises(NotWelcomed):
        box.connect()
    assert api.ask("PATCH", _path(box), {"name": "back"}).kind == "conflict"
    assert api.ask("POST", f"{_path(box)}/decommission", {"reason": "x"}).status == 409
    listed = api.found("/chargers?status=decommissioned")["items"]
    assert [each["id"] for each in listed] == [str(box.id)]
    assert api.found("/chargers?status=in_service")["items"] == []
    (entry,) = world.logged("charger.decommissioned")
    assert entry["reason"] == "burnt"


def test_a_site_is_edited(world: World, api: Asking) -> None:
    """With the version that was seen, a time zone that there is, and a tariff of its own."""
    path = f"/sites/{world.site()}"
    seen = api.ask("GET", path)
    edit = {"address": "1 Daxue Road", "tariff_id": None}
    assert api.ask("PATCH", path, edit, seen=seen.tag).json.items() >= edit.items()
    assert api.ask("PATCH", path, {"name": "late"}, seen=seen.tag).status == 412
    assert api.ask("PATCH", path, {"time_zone": "Mars/Olympus"}).places == ["/time_zone"]
    assert api.ask("PATCH", path, {"tariff_id": "7"}).status == 404


def test_the_columns_of_the_register(world: World, api: Asking, box: Any) -> None:
    """Company, site and price plan are there by name."""
    (shown,) = api.found("/chargers")["items"]
    site = api.found(f"/sites/{shown['site_id']}")
    assert shown["site_name"] == site["name"]
    assert shown["tariff_id"] == site["tariff_id"]
    tariffs = {each["id"]: each["name"] for each in api.found("/tariffs")["items"]}
    assert shown["tariff_name"] == tariffs[site["tariff_id"]]
    assert shown["company"]
    assert (shown["kind"], shown["ports"], shown["status"]) == ("ebike", 1, "in_service")


def test_the_filters_of_the_register(world: World, api: Asking, box: Any) -> None:
    """Each alone, and several together."""
    world.box(world.site(), identity="EB-0002")
    api.ask("PATCH", _path(box), {"owner": "Estate", "imei": "861234", "iccid": "8986"})

    def found(query: str) -> list[str]:
        return [each["identity"] for each in api.found(f"/chargers?{query}")["items"]]

    both = ["EB-0001", "EB-0002"]
    mine = api.found("/chargers")["items"][0]["tenant_id"]
    for query, wanted in (
        ("online=true", both[:1]),
        ("online=false", both[1:]),
        ("status=in_service", both),
        (f"tenant_id={mine}", both),
        ("tenant_id=7", []),
        ("q=Estate", both[:1]),
        ("q=861234", both[:1]),
        ("q=8986", both[:1]),
        (f"q={box.id}", both[:1]),
        ("q=86123", []),
        ("online=true&dialect=native&q=EB-0002", []),
    ):
        assert found(query) == wanted, query
