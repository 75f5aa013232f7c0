"""Redis: the wire between nodes.  Nothing is kept there; what is true is in the database.

Each node listens on every server, and says what it has to say on one of them, the first of
its own order that can be reached: so several servers share the load, and any of them will do.
"""

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import unquote, urlsplit

from attrs import define, field, frozen
from twisted.application.internet import TimerService
from twisted.application.service import MultiService
from twisted.internet.defer import Deferred, DeferredList, succeed
from twisted.internet.endpoints import HostnameEndpoint, UNIXClientEndpoint, wrapClientTLS
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.ssl import optionsForClientTLS
from twisted.logger import Logger
from twisted.python.failure import Failure
from txredisapi import ConnectionError as RedisAway
from txredisapi import (
    RedisFactory,
    RedisProtocol,
    Sentinel,
    SentinelConnectionFactory,
    SentinelRedisProtocol,
    SubscriberProtocol,
    _SentinelEndpoint,
)

from chargecloud.domain.errors import NodesApart

#: a server that does not answer a ping within it is given up, and connected to anew
PING_S = 3.0
#: to the first try after a connection was lost, and between the later ones at the most
FIRST_RETRY_S, MOST_RETRY_S = 0.2, 5.0


PORT = 6379


@frozen(kw_only=True)
class Place:
    """
    Where a server is.

    @ivar path: of a UNIX socket, instead of host and port.
    @ivar service: what its sentinels call it, where host and port are a sentinel's.
    """

    host: str = "127.0.0.1"
    port: int = PORT
    path: str | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    is_tls: bool = False
    sentinels: tuple[tuple[str, int], ...] = ()
    service: str = ""

    def __str__(self) -> str:
        if self.service:
            return f"{self.service} by {len(self.sentinels)} sentinels"
        return self.path or f"{self.host}:{self.port}"


def read_place(url: str) -> Place:
    """
    Where a server is, of its URL.

    @raise ValueError: if it is none; the URL is not in it, as it may hold a password.
    """
    parts = urlsplit(url)
    username = parts.username or None
    password = unquote(parts.password) if parts.password else None
    if parts.scheme == "unix" and parts.path:
        return Place(path=parts.path, username=username, password=password)
    if parts.scheme not in ("redis", "rediss") or not parts.hostname:
        raise ValueError("it has no such scheme, or no host")
    if parts.path.strip("/"):
        raise ValueError("what is said between nodes belongs to no numbered database")
    return Place(
        host=parts.hostname,
        port=parts.port or PORT,
        username=username,
        password=password,
        is_tls=parts.scheme == "rediss",
    )


class _Subscriber(SubscriberProtocol):  # type: ignore[misc]
    """Hears what is said on its channels."""

    def connectionMade(self) -> Any:
        """Ask for them: a connection that was lost has forgotten them."""
        made = super().connectionMade()
        subscribed = self.whenConnected().addCallback(self._subscribe)
        # the next connection asks anew
        subscribed.addErrback(lambda failure: failure.trap(RedisAway))
        return made

    def _subscribe(self, _connected: object) -> Any:
        return self.subscribe(self.factory.channels)

    def messageReceived(  # noqa: N802
        self, _pattern: object, channel: bytes, message: bytes
    ) -> None:
        """A message."""
        self.factory.heard(message)


class _AtMaster(SentinelRedisProtocol):  # type: ignore[misc]
    """At a master that sentinels name."""

    def role(self) -> Any:
        """What it is, as the text that is expected of it: all else here is bytes."""
        return super().role().addCallback(lambda told: [told[0].decode(), *told[1:]])


class _SubscriberAtMaster(_Subscriber, _AtMaster):
    """Both: it subscribes when the master has been made sure of."""


def _ignore(_message: bytes) -> None:
    """A connection that only talks hears nothing."""


@define(eq=False)
class Server:
    """
    One server: a connection to talk, and one to listen.

    @ivar is_up: whether it answered when it was last asked.
    @ivar changed: called when that changes.
    """

    reactor: Any
    place: Place
    channels: Sequence[str]
    heard: Callable[[bytes], None]
    changed: Callable[[], None]
    is_up: bool = field(default=False, init=False)
    _talking: Any = field(default=None, init=False)
    _listening: Any = field(default=None, init=False)
    _sentinel: Any = field(default=None, init=False)
    _log: Logger = field(factory=Logger, init=False)

    def connect(self) -> None:
        """Begin to connect; a connection that is lost is made again by itself."""
        self._talking = self._factory(RedisProtocol, _AtMaster)
        self._listening = self._factory(_Subscriber, _SubscriberAtMaster)

    def _factory(self, plain: type, by_sentinel: type) -> Any:
        place = self.place
        given = {
            "uuid": None,
            "dbid": None,
            "poolsize": 1,
            "isLazy": True,
            "charset": None,
            "password": place.password,
            "username": place.username,
            "replyTimeout": None if issubclass(plain, SubscriberProtocol) else PING_S,
            "convertNumbers": True,
        }
        factory: Any
        if place.service:
            if self._sentinel is None:
                self._sentinel = Sentinel(place.sentinels)
                self._sentinel.discovery_timeout = PING_S
            factory = SentinelConnectionFactory(self._sentinel, place.service, True, **given)
            factory.protocol = by_sentinel
            endpoint = _SentinelEndpoint(factory)
        else:
            factory = RedisFactory(**given)
            factory.protocol = plain
            endpoint = self._endpoint()
        factory.initialDelay, factory.maxDelay = FIRST_RETRY_S, MOST_RETRY_S
        factory.channels, factory.heard = list(self.channels), self.heard
        factory.startConnecting(endpoint)
        return factory

    def _endpoint(self) -> IStreamClientEndpoint:
        place = self.place
        endpoint: IStreamClientEndpoint
        if place.path is not None:
            endpoint = UNIXClientEndpoint(self.reactor, place.path)
        else:
            endpoint = HostnameEndpoint(self.reactor, place.host, place.port)
        if not place.is_tls:
            return endpoint
        wrapped: IStreamClientEndpoint = wrapClientTLS(optionsForClientTLS(place.host), endpoint)
        return wrapped

    def say(self, channel: str, message: bytes) -> "Deferred[int]":
        """
        Say something on a channel.

        @return: fires with how many heard it; fails with L{NodesApart}.
        """
        return self._ask("publish", channel, message)

    def _ask(self, command: str, *given: Any) -> "Deferred[Any]":
        connections = self._talking.pool if self._talking is not None else ()
        if not connections:
            return Deferred.fromCoroutine(_away(self.place))
        asked: Deferred[Any] = getattr(connections[0], command)(*given)
        return asked.addErrback(self._failed)

    def _failed(self, failure: Failure) -> Any:
        failure.trap(RedisAway)
        raise NodesApart(f"Redis at {self.place} is away") from failure.value

    def look(self) -> "Deferred[None]":
        """See whether it answers."""
        if self._talking.stopped or self._listening.stopped:
            # it refused us, as one does that is still loading: it may take us by now
            self.close()
            self.connect()
        asked = self._ask("ping")
        return asked.addCallbacks(self._answered, self._silent)

    def _answered(self, _pong: object) -> None:
        self._is(bool(self._listening.pool))

    def _silent(self, failure: Failure) -> None:
        for connection in [*self._talking.pool, *self._listening.pool]:
            # half open: as good as none, and who only listens would never see it
            connection.transport.abortConnection()
        self._is(False)

    def _is(self, up: bool) -> None:
        if up is self.is_up:
            return
        self.is_up = up
        self._log.info("Redis at {place} is {what}", place=self.place, what=(up and "up") or "away")
        self.changed()

    def close(self) -> "Deferred[Any]":
        """Connect no more."""
        factories = [each for each in (self._talking, self._listening) if each is not None]
        closed = [each.disconnect() for each in factories]
        if self._sentinel is not None:
            closed.append(self._sentinel.disconnect())
            self._sentinel = None
        return DeferredList(closed, consumeErrors=True)


async def _away(place: Place) -> Any:
    raise NodesApart(f"Redis at {place} is away")


class Wire(MultiService):
    """All servers, as one: what is said is heard by whoever listens on the channel.

    @ivar changed: called when the first server comes up, or the last one goes.
    """

    def __init__(
        self,
        reactor: Any,
        places: Sequence[Place],
        channels: Sequence[str],
        heard: Callable[[bytes], None],
    ) -> None:
        super().__init__()
        self.changed: Callable[[], None] = lambda: None
        self._servers = [
            Server(reactor, place, channels, heard, lambda: self.changed()) for place in places
        ]
        looking = TimerService(PING_S, self._look)
        looking.clock = reactor
        looking.setServiceParent(self)

    def startService(self) -> None:
        """Connect."""
        for server in self._servers:
            server.connect()
        super().startService()

    def stopService(self) -> "Deferred[Any]":
        """Connect no more."""
        stopped = super().stopService() or succeed(None)
        return DeferredList([stopped, *(server.close() for server in self._servers)])

    def _look(self) -> "Deferred[Any]":
        return DeferredList([server.look() for server in self._servers], consumeErrors=True)

    @property
    def is_up(self) -> bool:
        """Whether there is a way to the other nodes."""
        return any(server.is_up for server in self._servers)

    async def say(self, channel: str, message: bytes, turn: int = 0) -> int:
        """
        Say something on a channel.

        @param turn: spreads what is said over the servers; any number.
        @return: how many heard it, at the first server where anybody did.
        @raise NodesApart: if no server can be reached.
        """
        first = turn % len(self._servers)
        is_said, why = False, NodesApart("there is no server")
        for server in (*self._servers[first:], *self._servers[:first]):
            try:
                # a server that was restarted is there before those who listen are back at it
                if heard := await server.say(channel, message):
                    return heard
                is_said = True
            except NodesApart as away:
                why = away
        if not is_said:
            raise why
        return 0
