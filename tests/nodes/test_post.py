"""The post between nodes, over real servers."""

import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock, deferLater

from chargecloud.domain.errors import (
    ChargerOffline,
    CommandTimedOut,
    Conflict,
    InsufficientFunds,
    NodesApart,
    NotFound,
    Refusal,
)
from chargecloud.nodes.post import ALL, STALE_S, Post, channel_of
from chargecloud.storage.redis import PING_S, Place, Wire, read_place
from tests.cluster import RedisServer
from tests.harness import clock_at, failure_of, result_of
from tests.live import free_port
from tests.nodes.in_step import InStepWire

KEY = b"k" * 32
#: longer than any of these tests waits for an answer that comes
DEADLINE_S = 20.0
REACHED_S = 15.0


@define(eq=False)
class Office:
    """A node's post on real servers.

    @ivar told: what it was asked or told.
    """

    post: Post
    wire: Wire
    told: list[Any] = field(factory=list)
    changes: int = 0

    async def echo(self, body: Any) -> Any:
        """Answer with what was said."""
        self.told.append(body)
        return {"said": body}

    def change(self) -> None:
        """The wire came up, or went."""
        self.changes += 1


Open = Callable[..., Office]


@pytest_twisted.async_yield_fixture
async def office() -> AsyncIterator[Open]:
    """Opens posts on the real reactor, and closes them at the end."""
    from twisted.internet import reactor

    opened: list[Office] = []

    def opening(node: int, places: Sequence[Place], key: bytes = KEY) -> Office:
        clock: Any = reactor
        post = Post(node, key, clock)
        post.wire = wire = Wire(reactor, places, [channel_of(node), ALL], post.heard)
        made = Office(post, wire)
        post.answers["echo"] = made.echo
        wire.changed = made.change
        wire.startService()
        opened.append(made)
        return made

    yield opening
    for each in opened:
        await each.wire.stopService()


@pytest_twisted.async_yield_fixture
async def redis() -> AsyncIterator[Callable[[], RedisServer]]:
    """Starts servers, and ends them."""
    started: list[RedisServer] = []

    def starting(*more: str) -> RedisServer:
        started.append(RedisServer(more=more).start())
        return started[-1]

    yield starting
    for each in started:
        each.stop()


def at(server: RedisServer) -> Place:
    """Where a server is."""
    return read_place(f"redis://127.0.0.1:{server.port}")


async def until(holds: Callable[[], Awaitable[Any]], within_s: float = REACHED_S) -> Any:
    """Look again and again until something holds; the reactor runs meanwhile."""
    from twisted.internet import reactor

    late_s = time.monotonic() + within_s
    while True:
        if found := await holds():
            return found
        assert time.monotonic() < late_s, f"not within {within_s} s"
        await deferLater(reactor, 0.05)


async def reach(one: Office, other: Office, within_s: float = REACHED_S) -> None:
    """Wait until one can ask the other."""

    async def asks() -> bool:
        try:
            return bool(await one.post.ask(other.post.node, "echo", "there?", 1.0))
        except NodesApart:
            return False

    await until(asks, within_s)
    other.told.clear()


async def refusal(asked: "Deferred[Any]") -> Refusal:
    """What it is refused with."""
    try:
        await asked
    except Refusal as refused:
        return refused
    raise AssertionError("it was not refused")


# ------------------------------------------------------------------------ what is said


@pytest_twisted.ensureDeferred
async def test_a_question_has_its_answer(office: Open, redis: Any) -> None:
    """Many at once, each its own; bytes come out as bytes."""
    server = redis()
    one, two = office(1, [at(server)]), office(2, [at(server)])
    await reach(one, two)
    asked = [one.post.ask(2, "echo", {"n": n, "raw": bytes([n])}, DEADLINE_S) for n in range(200)]
    for n, each in enumerate(asked):
        assert await each == {"said": {"n": n, "raw": bytes([n])}}


@pytest_twisted.ensureDeferred
async def test_what_is_told_to_all_is_told_to_the_others(office: Open, redis: Any) -> None:
    """Not to oneself; and what is told to one, to that one."""
    server = redis()
    one, two, three = (office(n, [at(server)]) for n in (1, 2, 3))
    for other in (two, three):
        await reach(one, other)
    one.post.tell(None, "echo", "to all")
    one.post.tell(3, "echo", "to three")
    # what is said on one connection comes in its order
    await one.post.ask(2, "echo", "and now", DEADLINE_S)
    await one.post.ask(3, "echo", "and now", DEADLINE_S)
    assert one.told == []
    assert two.told == ["to all", "and now"]
    assert three.told == ["to all", "to three", "and now"]


@pytest_twisted.ensureDeferred
async def test_a_refusal_comes_back_as_its_class(office: Open, redis: Any) -> None:
    """With what it says; a fault of the other node, or a question that it does not know, is as
    if there was no way to it."""
    server = redis()
    one, two = office(1, [at(server)]), office(2, [at(server)])
    await reach(one, two)
    for raised in (
        ChargerOffline("it is away"),
        CommandTimedOut("it is silent"),
        Conflict("not now", state="settled"),
        InsufficientFunds("too little", wanted_fen=5),
        NotFound("nothing"),
    ):

        async def refusing(_body: Any, raised: Refusal = raised) -> Any:
            raise raised

        two.post.answers["try"] = refusing
        refused = await refusal(one.post.ask(2, "try", None, DEADLINE_S))
        assert type(refused) is type(raised)
        assert (refused.detail, refused.facts) == (raised.detail, raised.facts)

    async def unsayable(_body: Any) -> Any:
        return object()

    async def broken(_body: Any) -> Any:
        raise ValueError("ours")

    for answering in (unsayable, broken):
        two.post.answers["try"] = answering
        refused = await refusal(one.post.ask(2, "try", None, DEADLINE_S))
        assert type(refused) is NodesApart
        assert "fault" in refused.detail
    refused = await refusal(one.post.ask(2, "fly", None, DEADLINE_S))
    assert type(refused) is NodesApart


@pytest_twisted.ensureDeferred
async def test_nobody_listens(office: Open, redis: Any) -> None:
    """It is known at once, and nothing is left waiting."""
    one = office(1, [at(redis())])
    await reach(one, one)
    began_s = time.monotonic()
    refused = await refusal(one.post.ask(9, "echo", None, DEADLINE_S))
    assert type(refused) is NodesApart
    assert refused.detail == "node 9 is not there"
    assert time.monotonic() - began_s < DEADLINE_S / 4


@pytest_twisted.ensureDeferred
async def test_no_answer(office: Open, redis: Any) -> None:
    """The question ends at its deadline; an answer that comes later finds nobody."""
    server = redis()
    one, two = office(1, [at(server)]), office(2, [at(server)])
    await reach(one, two)
    late: Deferred[Any] = Deferred()

    async def silent(_body: Any) -> Any:
        return await late

    two.post.answers["try"] = silent
    refused = await refusal(one.post.ask(2, "try", None, 0.3))
    assert type(refused) is NodesApart
    assert refused.detail == "node 2 did not answer in time"
    late.callback("at last")
    assert await one.post.ask(2, "echo", "next", DEADLINE_S) == {"said": "next"}


# ----------------------------------------------------------------------- servers that fail


@pytest_twisted.ensureDeferred
async def test_a_server_that_goes_and_comes_back(office: Open, redis: Any) -> None:
    """While it is away that is said soon; when it is back, empty, all works by itself."""
    server = redis()
    one, two = office(1, [at(server)]), office(2, [at(server)])
    await reach(one, two)
    server.stop()
    began_s = time.monotonic()
    assert type(await refusal(one.post.ask(2, "echo", None, DEADLINE_S))) is NodesApart
    assert time.monotonic() - began_s < 2 * PING_S
    server.start()
    await reach(one, two)
    server.ask("flushall")
    assert await one.post.ask(2, "echo", 1, DEADLINE_S) == {"said": 1}
    server.ask("client", "kill", "type", "pubsub")
    await reach(one, two)


@pytest_twisted.ensureDeferred
async def test_of_two_servers_one_will_do(office: Open, redis: Any) -> None:
    """Whichever is away, and also while one is just back and nobody listens there yet."""
    servers = [redis(), redis()]
    places = [at(each) for each in servers]
    one, two = office(1, places), office(2, places)
    await reach(one, two)
    for server in servers:
        server.stop()
        for n in range(4):
            assert await one.post.ask(2, "echo", n, DEADLINE_S) == {"said": n}
        server.start()

        async def is_up() -> bool:
            return all(office.wire._servers[n].is_up for n in (0, 1) for office in (one, two))

        while not await is_up():
            assert await one.post.ask(2, "echo", "meanwhile", DEADLINE_S) == {"said": "meanwhile"}
    assert two.post.refused == 0


@pytest_twisted.ensureDeferred
async def test_a_server_that_is_half_open_is_given_up(office: Open, redis: Any) -> None:
    """It takes bytes and says nothing, as one behind a network that is gone.  Within some
    seconds it is known; and it is as good as new when it goes on."""
    server = redis()
    one, two = office(1, [at(server)]), office(2, [at(server)])
    await reach(one, two)

    async def is_up() -> bool:
        return one.wire.is_up and two.wire.is_up

    async def is_away() -> bool:
        return not one.wire.is_up and not two.wire.is_up

    await until(is_up)
    os.kill(server.pid, signal.SIGSTOP)
    try:
        asked = one.post.ask(2, "echo", "lost", DEADLINE_S)
        await until(is_away, 4 * PING_S)
        assert type(await refusal(asked)) is NodesApart
    finally:
        os.kill(server.pid, signal.SIGCONT)
    await reach(one, two)
    await until(is_up)
    assert one.changes == 3


@pytest_twisted.ensureDeferred
async def test_a_server_with_a_password(office: Open, redis: Any) -> None:
    """Who has it gets in; who has not is alone, until the server takes them."""
    server = redis("--requirepass", "pä ss")
    place = f"127.0.0.1:{server.port}"
    one, two = (office(n, [read_place(f"redis://:p%C3%A4%20ss@{place}")]) for n in (1, 2))
    await reach(one, two)
    stranger = office(3, [read_place(f"redis://:wrong@{place}")])
    refused = await refusal(one.post.ask(3, "echo", None, 2.0))
    assert type(refused) is NodesApart
    assert not stranger.wire.is_up
    server.ask_as("pä ss", "config", "set", "requirepass", "wrong")
    await reach(stranger, stranger)


@pytest.mark.slow(lasts_s=20)
@pytest_twisted.ensureDeferred
async def test_sentinels_name_another_master(office: Open, redis: Any, tmp_path: Path) -> None:
    """The master dies; its replica is what the sentinel names next, and the post goes on."""
    master = redis("--dir", str(tmp_path))
    replica = redis("--dir", str(tmp_path), "--replicaof", "127.0.0.1", str(master.port))
    config = tmp_path / "sentinel.conf"
    config.write_text(
        f"sentinel monitor chargecloud 127.0.0.1 {master.port} 1\n"
        "sentinel down-after-milliseconds chargecloud 1000\n"
        "sentinel failover-timeout chargecloud 5000\n"
    )
    port = free_port()
    sentinel = RedisServer(port, first=(str(config), "--sentinel")).start()
    try:
        place = Place(sentinels=(("127.0.0.1", port),), service="chargecloud")
        assert str(place) == "chargecloud by 1 sentinels"

        async def knows_replica() -> bool:
            return "127.0.0.1" in sentinel.ask("sentinel", "replicas", "chargecloud")

        await until(knows_replica, 30)
        one, two = office(1, [place]), office(2, [place])
        await reach(one, two)
        master.stop()
        await reach(one, two, 40)
        assert "role:master" in replica.ask("info", "replication")
    finally:
        sentinel.stop()


# ------------------------------------------------------------------------- what is refused


class Two:
    """Two posts in step."""

    def __init__(self, key: bytes = KEY) -> None:
        self.clock: Clock = clock_at()
        self.wire = InStepWire()
        self.one, self.two = Post(1, KEY, self.clock), Post(2, key, self.clock)
        self.told: list[Any] = []
        self.two.answers["echo"] = self.echo
        for post in (self.one, self.two):
            self.wire.join(post)

    async def echo(self, body: Any) -> Any:
        """Answer with what was said."""
        self.told.append(body)
        return body


def test_what_nobody_of_ours_has_sealed_is_refused() -> None:
    """Nothing, noise, a seal of another key, a message that was changed; each is counted."""
    world = Two()
    result_of(world.one.ask(2, "echo", "a", 1))
    (channel, message), _answer = world.wire.said
    assert channel == channel_of(2)
    for forged in (b"", b"noise", message[:16], b"\0" * 16 + message[16:], message + b" "):
        world.two.heard(forged)
    world.two.heard(message.replace(b'"a"', b'"b"'))
    assert (world.two.refused, world.told) == (6, ["a"])


def test_a_node_of_another_platform_is_not_heard() -> None:
    """Two platforms may share a server: their keys differ, and neither does what the other
    says."""
    world = Two(key=b"other")
    waiting = world.one.ask(2, "echo", "a", 1)
    assert (world.two.refused, world.told) == (1, [])
    world.clock.advance(1)
    failure_of(waiting, NodesApart)


@pytest.mark.parametrize("off_s", [STALE_S + 1, -STALE_S - 1])
def test_a_message_that_is_stale_is_refused(off_s: float) -> None:
    """Also one of a clock that is ahead."""
    world = Two()
    result_of(world.one.ask(2, "echo", "a", 1))
    message = world.wire.said[0][1]
    late = Post(2, KEY, Clock())
    late.clock.advance(world.clock.seconds() + off_s)  # type: ignore[attr-defined]
    late.answers["echo"] = world.echo
    late.heard(message)
    assert (late.refused, world.told) == (1, ["a"])


def test_a_question_is_acted_on_once() -> None:
    """However often it comes, for as long as its time lets it pass: a server may hand one on
    after another one has, and who listens may say it again."""
    world = Two()
    result_of(world.one.ask(2, "echo", "a", 1))
    message = world.wire.said[0][1]
    for _ in range(3):
        world.clock.advance(STALE_S / 2)
        world.two.heard(message)
    assert (world.two.refused, world.told) == (3, ["a"])
    # and nothing of it is kept for ever
    world.clock.advance(10 * STALE_S)
    result_of(world.one.ask(2, "echo", "b", 1))
    assert world.told == ["a", "b"]
    assert len(world.two._known) == len(world.two._came) == 1


def test_an_answer_to_the_process_before_finds_no_question() -> None:
    """A node that was killed has its slot back at once; what it had asked is still answered."""
    world = Two()
    waiting: list[Deferred[Any]] = []

    async def slow(_body: Any) -> Any:
        waiting.append(Deferred())
        return await waiting[-1]

    world.two.answers["slow"] = slow
    world.one.ask(2, "slow", None, 10)
    world.wire.leave(world.one)
    again = Post(1, KEY, world.clock)
    world.wire.join(again)
    asked = again.ask(2, "slow", None, 10)
    waiting[0].callback("of the one before")
    assert not asked.called
    waiting[1].callback("its own")
    assert result_of(asked) == "its own"
    world.clock.advance(20)


def test_too_many_questions_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that wait are not forgotten, and when they are over there is room."""
    monkeypatch.setattr("chargecloud.nodes.post.MOST_ASKED", 3)
    world = Two(key=b"other")
    waiting = [world.one.ask(2, "echo", n, 5) for n in range(3)]
    failure_of(world.one.ask(2, "echo", 4, 5), NodesApart)
    assert not any(each.called for each in waiting)
    world.clock.advance(5)
    for each in waiting:
        failure_of(each, NodesApart)
    assert not world.one.ask(2, "echo", 5, 5).called
    world.clock.advance(5)


def test_an_answer_waits_for_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server goes between question and answer, and is back before the deadline."""
    world = Two()
    late: Deferred[Any] = Deferred()

    async def slow(_body: Any) -> Any:
        return await late

    world.two.answers["slow"] = slow
    waiting = world.one.ask(2, "slow", None, 10)
    world.wire.is_cut = True
    late.callback("done")
    world.clock.advance(1)
    assert not waiting.called
    world.wire.is_cut = False
    world.clock.advance(1)
    assert result_of(waiting) == "done"


def test_a_node_without_others_is_apart() -> None:
    """Without a wire nothing waits, and what is told is lost."""
    post = Post(1, KEY, clock_at())
    failure_of(post.ask(2, "echo", None, 1), NodesApart)
    post.tell(None, "echo", None)
    assert not post.is_apart
    assert post.clock.getDelayedCalls() == []


def test_where_a_server_is() -> None:
    """Each form of its URL; a password is never shown."""
    place = read_place("rediss://node:s%20cret@redis.example:6380")
    assert (place.host, place.port, place.username) == ("redis.example", 6380, "node")
    assert (place.password, place.is_tls) == ("s cret", True)
    assert str(place) == "redis.example:6380"
    assert "cret" not in repr(place)
    assert read_place("redis://localhost").port == 6379
    assert read_place("unix:///run/redis.sock") == Place(path="/run/redis.sock")
    for wrong in ("http://x", "redis://", "redis://host/1", "redis://host:port", "unix:"):
        with pytest.raises(ValueError, match=r".+") as caught:
            read_place(wrong)
        assert "secret" not in str(caught.value)
