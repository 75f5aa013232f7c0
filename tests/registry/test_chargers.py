"""Chargers: registered once, known by what they prove, and let in one at a time."""

from datetime import timedelta
from typing import Any

import pytest
from attrs import evolve
from sqlalchemy import update
from twisted.internet.defer import Deferred

from chargecloud.domain.charger import Admission, ChargerKind, Secret
from chargecloud.domain.errors import AlreadyExists, Invalid, NotAdmitted, NotFound
from chargecloud.domain.events import LoggedIn
from chargecloud.interfaces import Credentials
from chargecloud.registry.chargers import MOST_LOGIN_TRIES
from chargecloud.registry.register import Register
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
        {
            "charger_id": charger.id,
            "port": port,
            "tenant_id": ONE,
            "order_id": None,
            "meter_mwh": None,
        }
        for port in (1, 2, 3)
    ]


def test_an_identity_is_taken_once(registry: Registry) -> None:
    """Also by another tenant: on the wire nothing but the identity tells them apart."""
    registry.charger(registry.site(), "EB-1")
    for tenant_id in (ONE, TWO):
        failure_of(registry.creating(registry.site(tenant_id), "EB-1"), AlreadyExists)
    assert len(rows_of(registry.store, chargers)) == 1
    assert len(rows_of(registry.store, ports)) == 2


def test_a_repeated_request_makes_one_charger(registry: Registry) -> None:
    """The second sending gives what the first has made, and the same key."""
    site, request = registry.site(), RequestKey(ONE, "k", "box")
    first, key = registry.charger(site, "EB-1", request=request)
    assert key is not None
    assert registry.charger(site, "EB-1", request=request) == (first, key)


def test_a_charger_stands_at_a_site_of_its_tenant(registry: Registry) -> None:
    """Another's site is not there to be put at."""
    other = registry.site(TWO)
    created = registry.creating(other, "EB-1", tenant_id=ONE)
    failure_of(created, NotFound)
    assert rows_of(registry.store, chargers) == []


@pytest.mark.parametrize(("dialect", "identity"), [("klingon", "EB-1"), ("native", "EB 1!")])
def test_dialect_and_identity_must_be_some(registry: Registry, dialect: str, identity: str) -> None:
    """The dialect must be installed, and says what an identity is."""
    created = registry.creating(registry.site(), identity, dialect=dialect)
    failure_of(created, Invalid)


def test_tenants_see_their_own_chargers(registry: Registry) -> None:
    """Another's charger is not there; the platform sees all."""
    mine, _ = registry.charger(registry.site(ONE), "EB-1")
    other, _ = registry.charger(registry.site(TWO), "EB-2")
    register = Register(registry.store)
    failure_of(registry.chargers.get(ONE, other.id), NotFound)
    assert result_of(registry.chargers.get(None, other.id)) == other
    for tenant_id, expected in ((ONE, [mine]), (TWO, [other]), (None, [mine, other])):
        found, following = result_of(register.list(tenant_id, limit=10, cursor=None))
        assert ([each.charger for each in found], following) == (expected, None)
    theirs = register.list(ONE, limit=10, cursor=None, site_id=other.site_id)
    assert result_of(theirs) == ([], None)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({}, ["EB-1", "EB_2", "XX:3"]),
        ({"dialect": "native"}, ["EB-1", "EB_2", "XX:3"]),
        ({"dialect": "dny"}, []),
        ({"vendor": "nobody"}, []),
        ({"words": "EB"}, ["EB-1", "EB_2"]),
        ({"words": "box XX"}, ["XX:3"]),
        # what SQL would take for a wildcard is a character like others
        ({"words": "_"}, ["EB_2"]),
        ({"words": "%"}, []),
    ],
)
def test_chargers_are_found(registry: Registry, wanted: dict[str, str], found: list[str]) -> None:
    """By dialect, vendor, and a part of the name or the identity."""
    site = registry.site()
    for identity in ("EB-1", "EB_2", "XX:3"):
        registry.charger(site, identity)
    listed: Any = Register(registry.store).list
    items, _ = result_of(listed(ONE, limit=10, cursor=None, **wanted))
    assert [each.charger.identity for each in items] == found


# --------------------------------------------------------------------------------- login


def admit(registry: Registry, login: LoggedIn = LOGIN) -> "Deferred[Admission]":
    """Let a charger in."""
    return Deferred.fromCoroutine(registry.chargers.admit("native", "EB-1", login, b"d" * 32))


def test_what_a_charger_proves_itself_with(registry: Registry) -> None:
    """Its key comes back as it was given, and is nowhere in the database as it is."""
    registry.charger(registry.site(), "EB-1", key=KEY)
    credentials = result_of(registry.chargers.credentials("native", "EB-1"))
    assert credentials == Credentials(Secret(KEY, 1), None)
    (row,) = rows_of(registry.store, chargers)
    assert KEY not in row["wrapped_key"]


def test_without_a_key_there_is_no_secret(registry: Registry) -> None:
    """Some dialects have none; a charger that is not ours has not even credentials."""
    registry.charger(registry.site(), "EB-1", dialect="keyless")
    assert result_of(registry.chargers.credentials("keyless", "EB-1")) == Credentials(None)
    assert result_of(registry.chargers.credentials("keyless", "EB-2")) is None
    assert result_of(registry.chargers.credentials("dny", "EB-1")) is None


def test_each_login_raises_the_epoch(registry: Registry) -> None:
    """And keeps what the charger told: start, firmware, the digest of its facts."""
    charger, _ = registry.charger(registry.site(), "EB-1", key=KEY)
    booted_at = NOW - timedelta(seconds=90)
    admission = result_of(admit(registry))
    # it came with its first key, and is to make another one
    assert admission.next_key is not None
    assert evolve(admission, next_key=None) == Admission(
        charger.id, ONE, 1, 3, booted_at, time_zone="Asia/Shanghai"
    )
    registry.clock.advance(60)
    admission = result_of(admit(registry, LoggedIn(boot=4, uptime_s=5)))
    assert (admission.epoch, admission.boot) == (2, 4)
    assert admission.booted_at == NOW + timedelta(seconds=55)
    known = result_of(registry.chargers.get(ONE, charger.id))
    assert (known.epoch, known.logged_in_at) == (2, NOW + timedelta(seconds=60))
    credentials = result_of(registry.chargers.credentials("native", "EB-1"))
    assert credentials.login_digest == b"d" * 32
    entries = [row for row in rows_of(registry.store, event_log) if "logged_in" in row["kind"]]
    assert [entry["body"]["boot"] for entry in entries] == [3, 4]


def test_what_is_not_told_stays(registry: Registry) -> None:
    """Missing is not empty: a login without the firmware leaves what is known of it."""
    charger, _ = registry.charger(registry.site(), "EB-1")
    result_of(admit(registry))
    result_of(admit(registry, LoggedIn(boot=3, uptime_s=95, iccid="8986")))
    known = result_of(registry.chargers.get(ONE, charger.id))
    assert (known.firmware, known.hardware, known.iccid) == ("1.0", "T1", "8986")


def test_two_logins_at_the_same_moment(registry: Registry) -> None:
    """Each has an epoch of its own: the later one wins, and neither is told a wrong one."""
    charger, _ = registry.charger(registry.site(), "EB-1")
    gathering = registry.store.writer.runner = Gathering()
    both = [admit(registry), admit(registry)]
    gathering.do_all()
    assert [result_of(each).epoch for each in both] == [1, 2]
    assert result_of(registry.chargers.get(ONE, charger.id)).epoch == 2


def test_a_login_that_always_loses_is_given_up(registry: Registry) -> None:
    """Somebody who clones a charger cannot keep the platform busy with one login."""
    registry.charger(registry.site(), "EB-1")
    gathering = registry.store.writer.runner = Gathering()
    losing = admit(registry)
    for _ in range(MOST_LOGIN_TRIES):
        assert not losing.called
        with registry.store.engine.begin() as connection:
            connection.execute(update(chargers).values(epoch=chargers.c.epoch + 1))
        gathering.do_next()
    failure_of(losing, NotAdmitted)


def test_who_is_not_registered_is_not_let_in(registry: Registry) -> None:
    """Even if it proved something a moment ago."""
    failure_of(admit(registry), NotAdmitted)
