"""Chargers: registered once, known by what they prove, and let in one at a time."""

from datetime import timedelta

import pytest
from twisted.internet.defer import Deferred

from chargecloud.domain.charger import Admission, ChargerKind, Secret
from chargecloud.domain.errors import AlreadyExists, Invalid, NotAdmitted, NotFound
from chargecloud.domain.events import LoggedIn
from chargecloud.interfaces import Credentials
from chargecloud.registry.chargers import MOST_LOGIN_TRIES
from chargecloud.storage.once import RequestKey
from chargecloud.storage.schema import chargers, event_log, ports
from tests.harness import NOW, Gathering, failure_of, result_of, rows_of
from tests.registry.registry_parts import ONE, TWO, Registry

KEY = bytes(range(16))
LOGIN = LoggedIn(boot=3, uptime_s=90, firmware="1.0", hardware="T1")


def test_a_charger_comes_with_its_ports(registry: Registry) -> None:
    """Each port is there from the first, and free."""
    charger, made_now = registry.charger(registry.site(), "EB-1", ports=3)
    assert made_now
    assert (charger.identity, charger.kind, charger.epoch) == ("EB-1", ChargerKind.EBIKE, 0)
    assert charger.created_at == NOW
    assert rows_of(registry.store, ports) == [
        {"charger_id": charger.id, "port": port, "tenant_id": ONE, "order_id": None}
        for port in (1, 2, 3)
    ]


def test_an_identity_is_taken_once(registry: Registry) -> None:
    """Also by another tenant: on the wire nothing but the identity tells them apart."""
    registry.charger(registry.site(), "EB-1")
    for tenant_id in (ONE, TWO):
        with pytest.raises(AssertionError, match="AlreadyExists"):
            registry.charger(registry.site(tenant_id), "EB-1")
    assert len(rows_of(registry.store, chargers)) == 1
    assert len(rows_of(registry.store, ports)) == 2


def test_a_repeated_request_makes_one_charger(registry: Registry) -> None:
    """The second sending gives what the first has made, and says so."""
    site, request = registry.site(), RequestKey(ONE, "k", "box")
    first, _ = registry.charger(site, "EB-1", request=request)
    assert registry.charger(site, "EB-1", request=request) == (first, False)


def test_a_charger_stands_at_a_site_of_its_tenant(registry: Registry) -> None:
    """Another's site is not there to be put at."""
    other = registry.site(TWO)
    created = registry.chargers.create(
        None,
        ONE,
        site_id=other.id,
        dialect="native",
        identity="EB-1",
        port_count=1,
        kind=ChargerKind.AC,
        key=None,
        name="box",
        rated_w=7000,
    )
    failure_of(created, NotFound)
    assert rows_of(registry.store, chargers) == []


@pytest.mark.parametrize(("dialect", "identity"), [("klingon", "EB-1"), ("native", "EB 1!")])
def test_dialect_and_identity_must_be_some(registry: Registry, dialect: str, identity: str) -> None:
    """The dialect must be installed, and says what an identity is."""
    created = registry.chargers.create(
        None,
        ONE,
        site_id=registry.site().id,
        dialect=dialect,
        identity=identity,
        port_count=1,
        kind=ChargerKind.AC,
        key=None,
        name="box",
        rated_w=7000,
    )
    failure_of(created, Invalid)


def test_tenants_see_their_own_chargers(registry: Registry) -> None:
    """Another's charger is not there; the platform sees all."""
    mine, _ = registry.charger(registry.site(ONE), "EB-1")
    other, _ = registry.charger(registry.site(TWO), "EB-2")
    failure_of(registry.chargers.get(ONE, other.id), NotFound)
    assert result_of(registry.chargers.get(None, other.id)) == other
    for tenant_id, expected in ((ONE, [mine]), (TWO, [other]), (None, [mine, other])):
        found = result_of(registry.chargers.list(tenant_id, limit=10, cursor=None))
        assert found == (expected, None)
    theirs = registry.chargers.list(ONE, limit=10, cursor=None, site_id=other.site_id)
    assert result_of(theirs) == ([], None)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({}, ["EB-1", "EB_2", "XX%3"]),
        ({"dialect": "native"}, ["EB-1", "EB_2", "XX%3"]),
        ({"dialect": "dny"}, []),
        ({"vendor": "nobody"}, []),
        ({"words": "EB"}, ["EB-1", "EB_2"]),
        ({"words": "box XX"}, ["XX%3"]),
        # what SQL would take for a wildcard is a character like others
        ({"words": "_"}, ["EB_2"]),
        ({"words": "%"}, ["XX%3"]),
    ],
)
def test_chargers_are_found(registry: Registry, wanted: dict[str, str], found: list[str]) -> None:
    """By dialect, vendor, and a part of the name or the identity."""
    site = registry.site()
    made = [registry.charger(site, "EB-1"), registry.charger(site, "EB-2")]
    del made
    items, _ = result_of(registry.chargers.list(ONE, limit=10, cursor=None, **wanted))
    assert [charger.identity for charger in items] == found
