"""From the factory to the wall, to another owner, and with another board."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from chargecloud.domain.charger import ChargerKind
from chargecloud.domain.commands import StartCharge
from chargecloud.registry.batches import BadLine, Batch, MadeCharger, claim_digest
from chargecloud.registry.pool import MOST_FAILURES, Pool
from chargecloud.registry.secrets import Secrets
from chargecloud.registry.vault import Vault
from chargecloud.routes import Caller
from tests.harness import result_of
from tests.registry.test_keys import take, use
from tests.world import Box, World

BATCH = Batch("2026-47", "native", ChargerKind.EBIKE, 1, 800)
CODE = "7Q4M2XKD9TRB"


def made(identity: str, key: bytes = bytes(range(16))) -> MadeCharger:
    """A charger of a factory; all of them have one code here."""
    return MadeCharger(identity, key, claim_digest(identity, CODE), imei="861234567890123")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A platform."""
    opened = World(tmp_path)
    yield opened
    opened.killed()


def take_in(world: World, *chargers: MadeCharger | BadLine) -> list[str]:
    """Import a batch; what became of each line."""
    vault = Vault.open(world.folder / "master.key")
    pool = Pool(world.store, world.calendar, Secrets(vault, world.plugins.dialects))
    report = result_of(pool.take_in(BATCH, list(enumerate(chargers, start=2))))
    return [each.outcome for each in report]


def box_of(world: World, charger: MadeCharger, charger_id: str = "0") -> Box:
    """The charger, switched on."""
    return Box(world, int(charger_id), charger.identity, charger.key)


def claim(
    world: World, identity: str, site_id: str, code: str = CODE
) -> tuple[int, dict[str, str]]:
    """An installer scans its label."""
    return world.http(
        "POST", "/chargers/claim", {"identity": identity, "code": code, "site_id": site_id}
    )


def test_a_charger_is_claimed_charges_and_gets_a_key_that_its_factory_never_had(
    world: World,
) -> None:
    """Before, it may not connect; after, it charges like any other."""
    site = world.site()
    assert take_in(world, made("EB-1")) == ["imported"]
    stray = box_of(world, made("EB-1")).connect()
    assert world.get("/chargers")["items"][0]["online"] is False
    stray.drop()

    status, charger = claim(world, "EB-1", site, "7q4m-2xkd-9trb")
    assert (status, charger["site_id"], charger["imei"]) == (200, site, "861234567890123")
    box = box_of(world, made("EB-1"), charger["id"]).connect()
    key = take(box)
    assert use(box, key).welcomed
    world.order(box)
    assert box.orders(StartCharge)
    # a label works once
    assert claim(world, "EB-1", site)[0] == 404


def test_a_batch_that_is_taken_in_again_has_its_effect_once(world: World) -> None:
    """Line by line; another charger with a known identity is refused, and keeps no other out."""
    assert take_in(world, made("EB-1"), BadLine("?"), made("EB-2")) == [
        "imported",
        "refused",
        "imported",
    ]
    assert take_in(world, made("EB-1"), made("EB-3")) == ["known", "imported"]
    assert take_in(world, made("EB-2", bytes(16)), made("EB-4")) == ["refused", "imported"]
    assert take_in(world, made("no identity!"), made("EB-5", b"short")) == ["refused"] * 2
    site = world.site()
    claim(world, "EB-1", site)
    # one that is claimed, and one whose key has changed since, are still the same
    assert take_in(world, made("EB-1")) == ["known"]
    listed = world.get("/chargers?q=EB-")["items"]
    assert [each["identity"] for each in listed] == ["EB-1", "EB-2", "EB-3", "EB-4"]


def test_codes_cannot_be_tried_out(world: World) -> None:
    """After ten wrong ones not even the right one works; and nobody is told whether a charger
    is there."""
    site = world.site()
    take_in(world, made("EB-1"), made("EB-2"))
    wrong = claim(world, "EB-1", site, "0" * 12)
    unknown = claim(world, "EB-9", site, "0" * 12)
    assert (wrong[0], wrong[1]["detail"]) == (unknown[0], unknown[1]["detail"])
    for _ in range(MOST_FAILURES - 1):
        assert claim(world, "EB-1", site, "0" * 12)[0] == 404
    assert claim(world, "EB-1", site)[0] == 409
    assert claim(world, "EB-2", site)[0] == 200


def test_a_tenant_sees_nothing_of_the_pool(world: World) -> None:
    """Until it claims."""
    take_in(world, made("EB-1"))
    site = world.site()
    tenant_id = world.get(f"/sites/{site}")["tenant_id"]
    world.caller = Caller(1, int(tenant_id), frozenset({"*"}))
    assert world.get("/chargers")["items"] == []
    assert claim(world, "EB-1", site)[0] == 200
    assert len(world.get("/chargers")["items"]) == 1


def test_a_charger_that_is_given_up_is_its_owners_no_more(world: World) -> None:
    """Its connection ends; it is claimed with a new code, and makes a new key then.  While it
    charges it cannot be given up, and its orders stay."""
    site = world.site()
    take_in(world, made("EB-1"))
    _status, charger = claim(world, "EB-1", site)
    box = box_of(world, made("EB-1"), charger["id"]).connect()
    use(box, take(box))
    order = world.order(box)
    box.begin()
    assert world.http("POST", f"/chargers/{box.id}/release")[0] == 409
    box.report(1_000)
    box.end(2, int(order["id"]), box.meter_mwh - 1_000, 60)

    status, released = world.http("POST", f"/chargers/{box.id}/release")
    assert status == 200
    assert released["label"] == f"CHARGECLOUD:1:EB-1:{released['code']}"
    assert world.http("POST", f"/chargers/{box.id}/release")[0] == 409
    assert world.get(f"/orders/{order['id']}")["charger_id"] == str(box.id)
    assert claim(world, "EB-1", site)[0] == 404
    assert claim(world, "EB-1", site, released["code"])[0] == 200
    box.heard.clear()
    box.connect()
    assert take(box)
    kinds = [
        entry for entry in ("imported", "claimed", "released") if world.logged(f"charger.{entry}")
    ]
    assert kinds == ["imported", "claimed", "released"]


def test_a_new_board_takes_the_old_ones_place(world: World) -> None:
    """The charger keeps its id, its place and its orders; the old board's key is worthless."""
    site = world.site()
    take_in(world, made("EB-1"), made("EB-2", bytes(range(16, 32))))
    _status, charger = claim(world, "EB-1", site)
    old = box_of(world, made("EB-1"), charger["id"]).connect()
    label = {"identity": "EB-2", "code": CODE}
    assert world.http("POST", f"/chargers/{old.id}/board", {**label, "code": "0"})[0] == 404
    status, shown = world.http("POST", f"/chargers/{old.id}/board", label)
    assert (status, shown["id"], shown["identity"]) == (200, charger["id"], "EB-2")
    assert not shown["online"]
    old.heard.clear()
    assert not old.connect().welcomed
    new = box_of(world, made("EB-2", bytes(range(16, 32))), charger["id"]).connect()
    assert use(new, take(new)).welcomed
    assert world.get(f"/chargers/{charger['id']}")["online"]
    assert claim(world, "EB-2", site)[0] == 404
