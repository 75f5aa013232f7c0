"""The live feed, over a transport in memory."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from attrs import define
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from chargecloud.registry.tenants import create_tenant
from chargecloud.registry.tokens import PLATFORM, Tokens, create_token, revoke_token
from chargecloud.web import live_feed
from chargecloud.web.event_stream import BEAT_S, MOST_UNREAD_BEATS
from chargecloud.web.listening import make_site
from chargecloud.web.serving import make_resource
from tests.harness import NOW, result_of
from tests.world import World

ROOT = "root-token"


class Wire(StringTransport):
    """A client's connection, and whether it was cut."""

    is_cut = False
    producer: Any = None

    def abortConnection(self) -> None:  # noqa: N802
        """Cut it."""
        self.is_cut = True
        self.producer = None
        self.loseConnection()


@define
class Client:
    """A client of the feed."""

    wire: Wire
    protocol: Any

    @property
    def text(self) -> str:
        """All that it was sent."""
        return str(self.wire.value(), "utf-8")

    @property
    def status(self) -> int:
        """Of the answer."""
        return int(self.text.split(" ", 2)[1])

    @property
    def blocks(self) -> list[dict[str, str]]:
        """What it was told, block by block."""
        chunks = self.text.partition("\r\n\r\n")[2].replace("\r\n", "\n").split("\n\n")
        lines = ([line for line in chunk.split("\n") if ": " in line] for chunk in chunks)
        return [dict(line.split(": ", 1) for line in block) for block in lines if block]

    @property
    def kinds(self) -> list[str]:
        """The names of the events."""
        return [block["event"] for block in self.blocks if "event" in block]

    @property
    def last_id(self) -> str:
        """Where it is."""
        return [block["id"] for block in self.blocks if "id" in block][-1]


@pytest.fixture
def listen(world: World) -> Callable[..., Client]:
    """Opens the feed."""
    tokens = Tokens(world.store, ROOT, world.clock.seconds)
    resource = make_resource(
        world.platform.routes, lambda token: Deferred.fromCoroutine(tokens.authenticate(token))
    )
    site: Any = make_site(resource, world.clock)

    def begin(query: str = "", after: str | None = None, token: str = ROOT) -> Client:
        protocol = site.buildProtocol(None)
        wire = Wire()
        protocol.makeConnection(wire)
        back = f"Last-Event-ID: {after}\r\n" if after is not None else ""
        protocol.dataReceived(
            f"GET /api/v1/live{query} HTTP/1.1\r\nHost: x\r\n"
            f"Authorization: Bearer {token}\r\n{back}\r\n".encode()
        )
        return Client(wire, protocol)

    return begin


def a_token(world: World, *permissions: str) -> tuple[int, str]:
    """A tenant of its own, and a token for it."""
    tenant_id, token_id = world.store.ids.next(), world.store.ids.next()

    def make(connection: Any) -> str:
        create_tenant(connection, tenant_id, f"company {tenant_id}", NOW)
        return create_token(connection, token_id, tenant_id, "t", permissions, NOW)

    return token_id, result_of(world.store.writer.transact(make))


def test_what_happens_is_told(world: World, listen: Callable[..., Client]) -> None:
    """As it is committed, with where it is in the log."""
    client = listen()
    assert client.status == 200
    assert "content-type: text/event-stream" in client.text.lower()
    world.site()
    assert client.kinds == ["tariff.created", "site.created"]
    told = json.loads(client.blocks[-1]["data"])
    assert (told["kind"], told["charger_id"]) == ("site.created", None)
    assert client.blocks[-1]["id"]


def test_who_comes_back_misses_nothing(world: World, listen: Callable[..., Client]) -> None:
    """And is told nothing twice."""
    first = listen()
    site_id = world.site()
    first.protocol.connectionLost(Failure(ConnectionDone()))
    world.box(site_id).connect()
    back = listen(after=first.last_id)
    world.customer()
    later = listen(after=back.last_id)
    assert first.kinds == ["tariff.created", "site.created"]
    assert back.kinds[:2] == ["charger.created", "charger.logged_in"]
    assert later.kinds == []
    assert len(world.platform.feed) == 2


def test_filters(world: World, listen: Callable[..., Client]) -> None:
    """By charger, by order, by company, by kind."""
    site_id = world.site()
    one, other = world.box(site_id), world.box(site_id, identity="EB-2")
    of_one, logins = listen(f"?charger_id={one.id}"), listen("?kind=charger.logged")
    nobodys = listen("?tenant_id=7")
    one.connect()
    other.connect()
    assert of_one.kinds == ["charger.logged_in"]
    assert logins.kinds == ["charger.logged_in"] * 2
    assert nobodys.kinds == []


def test_a_stranger_is_told_nothing(world: World, listen: Callable[..., Client]) -> None:
    """Of another tenant's; not even when it comes back."""
    site_id = world.site()
    _, token = a_token(world, "*")
    stranger = listen(token=token)
    world.box(site_id).connect()
    assert stranger.kinds == []
    assert listen(token=token, after="1-0").kinds == []


def test_what_a_token_may_not_read_is_not_told(world: World, listen: Callable[..., Client]) -> None:
    """The feed gives nothing that the resources do not."""
    token_id, narrow = world.store.ids.next(), ""

    def make(connection: Any) -> str:
        return create_token(connection, token_id, PLATFORM, "t", ["live:read", "sites:read"], NOW)

    narrow = result_of(world.store.writer.transact(make))
    client = listen(token=narrow)
    world.site()
    assert client.kinds == ["site.created"]
    _, blind = a_token(world, "orders:read")
    assert listen(token=blind).status == 403


def test_a_place_that_is_none(world: World, listen: Callable[..., Client]) -> None:
    """It is told; and a node that there is none of is no fault."""
    for wrong in ("x", "1", "1-", "1-1;", "-", "1-2,", "9" * 30 + "-1"):
        assert listen(after=wrong).status == 400, wrong
    assert listen(after="77-5").status == 200


def test_a_revoked_token_is_told_no_more(world: World, listen: Callable[..., Client]) -> None:
    """From the next beat on."""
    token_id, token = a_token(world, "*")
    client = listen(token=token)
    world.clock.advance(BEAT_S)
    assert len(world.platform.feed) == 1
    result_of(world.store.writer.transact(lambda each: revoke_token(each, token_id, NOW)))
    world.clock.advance(BEAT_S)
    assert len(world.platform.feed) == 0
    assert client.text.endswith("0\r\n\r\n"), "the answer has come to its end"


def test_a_silent_feed_gives_signs_of_life(world: World, listen: Callable[..., Client]) -> None:
    """They carry the place, so that who comes back need not read what was not for them."""
    client = listen("?kind=nothing")
    world.site()
    world.clock.advance(BEAT_S)
    assert client.kinds == []
    back = listen(after=client.last_id)
    assert back.kinds == []


def test_who_does_not_read_is_let_go(world: World, listen: Callable[..., Client]) -> None:
    """After some beats; and others go on."""
    slow, quick = listen(), listen()
    slow.wire.producer.pauseProducing()
    world.site()
    for _ in range(MOST_UNREAD_BEATS):
        world.clock.advance(BEAT_S)
    assert (slow.wire.is_cut, slow.kinds) == (True, [])
    assert len(world.platform.feed) == 1
    assert "site.created" in quick.kinds


def test_what_waits_for_one_is_bounded(
    world: World, listen: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond it the client is let go at once, and comes back."""
    monkeypatch.setattr(live_feed, "MOST_WAITING", 3)
    slow = listen()
    slow.wire.producer.pauseProducing()
    for _ in range(3):
        world.site()
    assert slow.wire.is_cut


def test_who_reads_again_goes_on(world: World, listen: Callable[..., Client]) -> None:
    """With all that waited."""
    client = listen()
    client.wire.producer.pauseProducing()
    world.site()
    assert client.kinds == []
    client.wire.producer.resumeProducing()
    assert client.kinds == ["tariff.created", "site.created"]


def test_a_gap_is_told(
    world: World, listen: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who was away for too long looks at the resources again."""
    monkeypatch.setattr(live_feed, "MOST_WAITING", 2)
    for _ in range(3):
        world.site()
    client = listen(after="1-0")
    world.customer(balance_fen=0)
    assert client.kinds[0] == "gap"
    assert "site.created" not in client.kinds


def test_the_service_stops(world: World, listen: Callable[..., Client]) -> None:
    """Everybody is let go, and nobody is let in."""
    client = listen()
    world.platform.feed.close()
    assert client.text.endswith("0\r\n\r\n")
    assert listen().status == 503
