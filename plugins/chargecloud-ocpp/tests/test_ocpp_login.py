"""Who is let in, by what they say in the request that opens the connection."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chargecloud.dialects.native.dialect import NativeDialect
from chargecloud.domain.errors import BadFrame, LimitExceeded, NotAdmitted
from chargecloud.interfaces import Claimed, Credentials, Greeting, Proven
from chargecloud.listening import strictly
from chargecloud_ocpp.conversation import (
    MOST_WAITING_CHARACTERS,
    PROVED_AFTER_S,
    HungUp,
    OcppConversation,
)
from chargecloud_ocpp.dialect import OcppDialect
from chargecloud_ocpp.requests import Basic
from ocpp_point import BOOT, Point, ocpp_world, point
from ocpp_wire import CLOSE, REQUEST, TEXT, changed, frame
from tests.harness import clock_at
from tests.world import World

KEY = bytes(range(0xA0, 0xB4))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A platform."""
    made = ocpp_world(tmp_path)
    yield made
    made.killed()


def shown(world: World, there: Point) -> Any:
    """A charge point as the API shows it."""
    return world.get(f"/chargers/{there.charger_id}")


# ------------------------------------------------------------------------------------- who it is


def test_a_charge_point_boots(world: World) -> None:
    """It is told the time and how often to say that it lives; what it is, is kept."""
    there = point(world).connect()
    told = there.call("BootNotification", BOOT)
    assert told == {"status": "Accepted", "currentTime": there.now, "interval": 60}
    found = shown(world, there)
    assert (found["online"], found["firmware"], found["hardware"]) == (True, "7.1", "Vendor Model")
    assert there.call("Heartbeat", {}) == {"currentTime": there.now}


def test_what_a_boot_lacks_keeps_nobody_out(world: World) -> None:
    """Nor what it has too much of."""
    there = point(world).connect()
    told = {"chargePointModel": "M" * 60, "firmwareVersion": 7, "more": [1]}
    assert there.call("BootNotification", told)["status"] == "Accepted"


@pytest.mark.parametrize("action", ["Heartbeat", "StatusNotification", "MeterValues"])
def test_one_that_was_not_started_anew_need_not_boot(world: World, action: str) -> None:
    """Whatever it says first is answered."""
    there = point(world).connect()
    payload: Any = {
        "StatusNotification": {"connectorId": 1, "errorCode": "NoError", "status": "Available"},
        "MeterValues": {"connectorId": 1, "meterValue": []},
    }.get(action, {})
    assert there.call(action, payload) is not None
    assert shown(world, there)["online"] is True


def test_one_that_has_nothing_to_say_is_in(world: World) -> None:
    """Its name was proved by the request."""
    there = point(world).connect()
    assert shown(world, there)["online"] is False
    world.clock.advance(PROVED_AFTER_S)
    there.pump()
    assert shown(world, there)["online"] is True


def test_a_burst_is_answered_in_order(world: World) -> None:
    """Also one that comes behind the request, and does not wait for the login."""
    there = point(world).connect()
    ids = [there.begin("BootNotification", BOOT)]
    for _ in range(100):
        ids.append(there.begin("MeterValues", {"connectorId": 1, "meterValue": []}))
    assert list(there.answers) == ids


def test_an_identity_is_percent_decoded(world: World) -> None:
    """With spaces and signs in it; case counts."""
    there = point(world, identity="站 1/é").boot()
    assert shown(world, there)["online"] is True
    assert point(world, identity="cp-a").connect(basic=None).refused == 401
    stranger = Point(world, "", None, "CP-A").connect()
    assert stranger.refused == 404


def test_the_newest_connection_counts(world: World) -> None:
    """The one before may hang, and its late end does nothing to the newer one."""
    there = point(world).boot()
    before = there._protocol
    there.boot()
    assert before.transport.disconnecting
    before.connectionLost(None)
    assert shown(world, there)["online"] is True
    assert there.call("Heartbeat", {}) is not None


# -------------------------------------------------------------------------------------- passwords


@pytest.mark.parametrize(
    ("basic", "is_in"),
    [
        (Basic(b"CP 1", KEY), True),
        (Basic(b"CP 1", KEY.hex().encode()), True),
        (Basic(b"CP 1", KEY.hex().upper().encode()), True),
        (Basic(b"CP 1", KEY[:-1]), False),
        (Basic(b"CP 1", b""), False),
        (Basic(b"CP 2", KEY), False),
        (None, False),
    ],
)
def test_a_password_is_the_key_in_either_form(
    world: World, basic: Basic | None, is_in: bool
) -> None:
    """Its bytes, or their digits (profile 1; with TLS before it, profile 2)."""
    there = point(world, key=KEY.hex()).connect(basic=basic)
    assert there.is_open is is_in
    assert there.refused == (None if is_in else 401)


@pytest.mark.parametrize("size", [16, 20])
def test_keys_have_several_lengths(world: World, size: int) -> None:
    """16 to 20 bytes, as stations have them."""
    assert point(world, key="0a" * size).boot().is_open


@pytest.mark.parametrize("key", ["0a" * 15, "0a" * 21, "zz" * 16])
def test_other_keys_are_none(world: World, key: str) -> None:
    """And are told so."""
    body = {"dialect": "ocpp", "identity": "x", "key": key, "site_id": world.site(), "name": "x"}
    more = {"ports": 1, "kind": "ac", "rated_w": 7_000}
    status, problem = world.http("POST", "/chargers", body | more)
    assert (status, problem["errors"][0]["pointer"]) == (422, "/key")


def test_one_that_needs_no_password_comes_without(world: World) -> None:
    """As it was registered so, and until it is given one."""
    there = point(world, key="none")
    assert there.key is None
    assert there.boot().is_open
    world.http("PUT", f"/chargers/{there.charger_id}/keys", {})
    there.drop()
    assert there.connect().refused == 401


def test_a_revoked_key_lets_nobody_in(world: World) -> None:
    """Neither with it, nor without any."""
    there = point(world)
    world.http("DELETE", f"/chargers/{there.charger_id}/keys")
    assert there.connect().refused == 401
    assert there.connect(basic=None).refused == 401


# ------------------------------------------------------------------- without a platform behind it


def conversation(**more: Any) -> OcppConversation:
    """One that nobody has spoken in."""
    clock = clock_at()
    return OcppConversation(seconds=clock.seconds, **more)


def test_a_name_that_nobody_can_have_is_refused() -> None:
    """Before anybody is asked about it."""
    talk = conversation()
    with pytest.raises(NotAdmitted):
        talk.receive(changed((b"CP%201", b"x" * 65)))
    assert talk.data_to_send().startswith(b"HTTP/1.1 404")


def test_too_many_logins_are_told_when_to_come_back() -> None:
    """By HTTP, or by the answer to the BootNotification."""
    talk = conversation()
    assert talk.receive(REQUEST) == [Claimed("CP 1")]
    talk.postpone("CP 1", 30)
    assert b"Retry-After: 30" in talk.data_to_send()
    later = conversation()
    later.receive(REQUEST)
    later.welcome("CP 1", Credentials(None, needs_no_secret=True), Greeting(1_800_000_000, 60))
    boot = frame(TEXT, b'[2,"1","BootNotification",{}]')
    assert isinstance(later.receive(boot)[0], Proven)
    later.data_to_send()
    later.postpone("CP 1", 30)
    assert b'"status":"Rejected"' in later.data_to_send()


def test_what_comes_behind_the_request_is_heard() -> None:
    """It was sent before the answer."""
    talk = conversation()
    talk.receive(REQUEST + frame(TEXT, b'[2,"1","BootNotification",{"chargePointModel":"M"}]'))
    talk.welcome("CP 1", Credentials(None, needs_no_secret=True), Greeting(1_800_000_000, 60))
    (proven, _) = talk.receive(b"")
    assert isinstance(proven, Proven)
    assert proven.login.hardware == "M"


def test_a_farewell_ends_the_connection() -> None:
    """It is answered, and then nothing more is heard."""
    talk = conversation()
    talk.receive(REQUEST)
    talk.welcome("CP 1", Credentials(None, needs_no_secret=True), Greeting(1_800_000_000, 60))
    talk.data_to_send()
    with pytest.raises(HungUp):
        talk.receive(frame(CLOSE, b"\x03\xe8"))
    assert talk.data_to_send()[:1] == b"\x88"


def test_who_does_not_wait_for_the_login_for_too_long_is_closed() -> None:
    """What a conversation holds has an end."""
    talk = conversation()
    talk.receive(REQUEST)
    talk.welcome("CP 1", Credentials(None, needs_no_secret=True), Greeting(1_800_000_000, 60))
    much = frame(TEXT, b"[" + b" " * 9_998 + b"]")
    for _ in range(MOST_WAITING_CHARACTERS // 10_000):
        talk.receive(much)
    with pytest.raises(LimitExceeded):
        talk.receive(much)


def test_a_strict_listener_makes_nothing_good() -> None:
    """A request without the subprotocol is let in by another one."""
    without = changed((b"Sec-WebSocket-Protocol: ocpp1.6\r\n", b""))
    assert OcppDialect().conversation().receive(without) == [Claimed("CP 1")]
    with pytest.raises(BadFrame):
        strictly(OcppDialect()).conversation().receive(without)
    native = NativeDialect()
    assert strictly(native) is native
