"""A charge point's own certificate: asked for, signed, brought, and renewed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.testing import StringTransport
from wsproto import ConnectionType
from wsproto.connection import Connection
from wsproto.events import TextMessage

from chargecloud_ocpp.calls import Call, Error, write
from chargecloud_ocpp.certifying import AFTER_LOGIN_S, MOST_REFUSALS
from chargecloud_ocpp.requests import Basic
from chargecloud_ocpp.websocket_client import ClientSide
from ocpp_authority import Authority, installed, request, settings
from ocpp_point import IDENTITY, Point, ocpp_world, point, register
from tests.web.resources.asking import Asking
from tests.world import World

ACCEPTED, REJECTED = {"status": "Accepted"}, {"status": "Rejected"}
MOST_WISHES = 3
DAY_S = 24 * 3_600


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """Whom the sysadmin has."""
    return Authority(tmp_path)


@pytest.fixture
def world(tmp_path: Path, authority: Authority) -> Iterator[World]:
    """A platform that signs for 90 days, and has certificates renewed 30 days before."""
    made = ocpp_world(
        tmp_path,
        settings(authority, valid_days=90, renew_days=30, wishes_an_hour=MOST_WISHES),
    )
    yield made
    made.killed()


@pytest.fixture
def there(world: World) -> Point:
    """A charge point that was started."""
    return point(world).boot()


def wish(there: Point, name: str = IDENTITY, **more: Any) -> Any:
    """A charge point asks; how it is answered."""
    return there.call("SignCertificate", {"csr": request(name, **more)[1]})


def kept(there: Point) -> Any:
    """What the API tells of its certificates."""
    answer = Asking(there.world).begin("GET", f"/chargers/{there.charger_id}/ocpp").answer()
    assert answer.status == 200
    return answer.json["certificates"]


def comes_back(there: Point) -> None:
    """It connects anew, and some time passes."""
    there.drop()
    there.boot()
    there.world.clock.advance(AFTER_LOGIN_S)
    there.pump()


def days_later(there: Point, days: int) -> None:
    """It is there again after days, and a minute goes by."""
    there.drop()
    there.world.clock.advance(days * DAY_S - AFTER_LOGIN_S)
    there.boot()
    there.world.clock.advance(AFTER_LOGIN_S)
    for each in there.world.platform.rounds:
        each.work()
    there.pump()


def told(world: World) -> list[str]:
    """What is written down of certificates."""
    kinds = ("signed", "denied", "installed", "not_installed")
    return [kind for kind in kinds for _ in world.logged(f"certificate.{kind}")]


def test_a_certificate_is_signed_and_brought(world: World, there: Point) -> None:
    """As the platform has it asked for: TC_074."""
    wanted = {"payload": {"requestedMessage": "SignChargePointCertificate"}}
    path = f"/chargers/{there.charger_id}/ocpp/ExtendedTriggerMessage"
    asked = Asking(world).begin("POST", path, wanted)
    there.answer(there.take("ExtendedTriggerMessage"), status="Accepted")
    assert asked.answer().json["accepted"]
    key, csr = request(IDENTITY)
    assert there.call("SignCertificate", {"csr": csr}) == ACCEPTED
    assert kept(there)["offered"]["outcome"] == "sent"
    (made,) = installed(there)
    assert made.public_key() == key.public_key()
    shown = kept(there)
    assert set(shown) == {"installed"}
    assert int(shown["installed"]["serial"], 16) == made.serial_number
    assert shown["installed"]["not_after"] == made.not_valid_after_utc.isoformat()
    assert told(world) == ["signed", "installed"]
    # and nothing of it is said again
    comes_back(there)
    assert there.calls == []


@pytest.mark.parametrize(
    "csr", ["x", "", request("CP 2")[1], request(IDENTITY, organization="O")[1]]
)
def test_what_may_not_be_signed_is_rejected(world: World, there: Point, csr: str) -> None:
    """And why is written down."""
    assert there.call("SignCertificate", {"csr": csr}) == REJECTED
    assert kept(there) == {}
    assert there.calls == []
    assert [each["why"] for each in world.logged("certificate.denied")]


def test_nobody_signs_where_nobody_is_configured(tmp_path: Path) -> None:
    """As before."""
    world = ocpp_world(tmp_path)
    assert wish(point(world).boot()) == REJECTED
    assert told(world) == []
    world.killed()


def test_who_is_not_admitted_gets_nothing(world: World) -> None:
    """Neither somebody unknown, nor a wrong key: what is said behind the request is not heard."""
    register(world, "CP-1", key="0a" * 20)
    for identity, status in (("CP-9", 404), ("CP-1", 401)):
        side, wanted = ClientSide(), Call("1", "SignCertificate", {"csr": request(identity)[1]})
        side.connect("/ocpp", identity, Basic(identity.encode(), b"0b" * 20))
        transport, protocol = StringTransport(), world.listener.buildProtocol(None)
        protocol.makeConnection(transport)
        frame = Connection(ConnectionType.CLIENT).send(TextMessage(write(wanted)))
        protocol.dataReceived(side.data_to_send() + frame)
        world.clock.advance(60)
        assert transport.value().startswith(f"HTTP/1.1 {status}".encode())
        assert b"Accepted" not in transport.value()
    assert told(world) == []


def test_one_that_was_refused_is_offered_again_for_a_while(world: World, there: Point) -> None:
    """At each new connection, up to its measure; the API tells of it."""
    assert wish(there) == ACCEPTED
    for number in range(1, MOST_REFUSALS + 1):
        there.answer(there.take("CertificateSigned"), status="Rejected")
        shown = kept(there)["offered"]
        assert (shown["outcome"], shown["refusals"]) == ("refused", number)
        comes_back(there)
    assert there.calls == []
    logged = world.logged("certificate.not_installed")
    assert [each["outcome"] for each in logged] == ["refused"] * MOST_REFUSALS
    # another wish begins anew
    assert wish(there) == ACCEPTED
    installed(there)
    assert set(kept(there)) == {"installed"}


def test_an_error_is_a_refusal(there: Point) -> None:
    """Of a charge point that has no CertificateSigned."""
    wish(there)
    there.send(Error(there.take("CertificateSigned").id, "NotImplemented"))
    assert kept(there)["offered"]["outcome"] == "refused"


@pytest.mark.parametrize("is_cut", [True, False])
def test_one_that_was_not_answered_is_offered_again(
    world: World, there: Point, is_cut: bool
) -> None:
    """The same one, however often; it is written down once."""
    assert wish(there) == ACCEPTED
    chains = {there.take("CertificateSigned").payload["certificateChain"]}
    for _ in range(MOST_REFUSALS + 1):
        if not is_cut:
            world.clock.advance(31)
        comes_back(there)
        assert kept(there)["offered"]["outcome"] == "unanswered"
        chains.add(there.take("CertificateSigned").payload["certificateChain"])
    comes_back(there)
    installed(there)
    assert len(chains) == 1
    assert told(world) == ["signed", "installed", "not_installed"]


def test_a_slow_answer_is_one(world: World, there: Point) -> None:
    """A small processor takes its time to look at a chain."""
    wish(there)
    call = there.take("CertificateSigned")
    world.clock.advance(25)
    there.answer(call, status="Accepted")
    assert set(kept(there)) == {"installed"}


def test_a_newer_wish_is_what_counts(there: Point) -> None:
    """What is answered to the older one changes nothing."""
    wish(there)
    older = there.take("CertificateSigned")
    wish(there)
    newer = kept(there)["offered"]["serial"]
    there.answer(older, status="Accepted")
    assert kept(there)["offered"]["serial"] == newer
    (made,) = installed(there)
    assert kept(there)["installed"]["serial"] == f"{made.serial_number:X}" == newer


def test_one_charge_point_has_few_signed_in_an_hour(world: World, there: Point) -> None:
    """Whatever becomes of its wishes; others are not kept from theirs."""
    other = Point(world, *_of(register(world, "CP-2"))).boot()
    answers = [wish(there), wish(there, "CP 2"), wish(there), wish(there), wish(there)]
    assert answers == [ACCEPTED, REJECTED, ACCEPTED, REJECTED, REJECTED]
    assert wish(other, "CP-2") == ACCEPTED
    # what was not looked at is not written down either
    assert len(world.logged("certificate.denied")) == 1
    there.live(3_600)
    assert wish(there) == ACCEPTED


def _of(made: Any) -> tuple[str, str, str]:
    return made["id"], made["key"], made["identity"]


def test_a_charge_point_is_asked_to_renew(world: World, there: Point) -> None:
    """In time, once a day, with the organization that it must name; and then no more."""
    wish(there)
    installed(there)
    days_later(there, 59)
    assert there.calls == []
    for _ in range(2):
        days_later(there, 1)
        call = there.take("ChangeConfiguration")
        assert call.payload == {"key": "CpoName", "value": "Example Energy"}
        there.answer(call, status="NotSupported")
        call = there.take("ExtendedTriggerMessage")
        assert call.payload == {"requestedMessage": "SignChargePointCertificate"}
        there.answer(call, status="Accepted")
    assert wish(there) == ACCEPTED
    installed(there)
    days_later(there, 5)
    assert there.calls == []


def test_it_is_known_after_a_restart_when_one_ends(
    tmp_path: Path, world: World, authority: Authority, there: Point
) -> None:
    """By what is kept, when the charge point is back."""
    wish(there)
    installed(there)
    world.killed()
    world.clock.advance(65 * DAY_S)
    again = ocpp_world(
        tmp_path, settings(authority, valid_days=90, renew_days=30), clock=world.clock
    )
    there.world = again
    there.boot()
    again.clock.advance(AFTER_LOGIN_S)
    there.pump()
    assert there.calls == []
    for each in again.platform.rounds:
        each.work()
    there.answer(there.take("ChangeConfiguration"), status="Accepted")
    there.take("ExtendedTriggerMessage")
    again.killed()


def test_a_certificate_that_has_ended_is_not_offered(world: World, there: Point) -> None:
    """A charge point was away for too long."""
    wish(there)
    there.take("CertificateSigned")
    there.drop()
    world.clock.advance(91 * DAY_S)
    there.boot()
    world.clock.advance(AFTER_LOGIN_S)
    there.pump()
    assert there.calls == []
