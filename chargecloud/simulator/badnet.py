"""A bad network between chargers and a platform: what goes through it is late, held back, lost
with its connection, or swallowed without a word.

TCP delivers in order and whole, or not at all: so do these.  What is said twice is said twice
by the charger, whose answer was lost.
"""

from collections.abc import Callable
from enum import Enum
from random import Random
from typing import Any

from attrs import field, frozen
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from twisted.python.failure import Failure


class Trouble(Enum):
    """What happens to a connection."""

    #: both sides are told that it has gone; what was under way is lost
    CUT = "cut"
    #: neither side is told: nothing comes through any more
    HALF_OPEN = "half open"
    #: what comes down is held back, and comes late
    HELD = "held"


@frozen
class Network:
    """
    How bad it is; real seconds.

    @ivar gap_s: until a connection has a trouble, on average.
    @ivar most_delay_s: by which anything is late, at the most.
    @ivar held_s: for how long what comes down is held back, at the least and at the most.
    @ivar troubles: how often each comes, beside the others.
    """

    gap_s: float
    most_delay_s: float = 0.3
    held_s: tuple[float, float] = (16.0, 80.0)
    troubles: dict[Trouble, int] = field(
        factory=lambda: {Trouble.CUT: 5, Trouble.HALF_OPEN: 2, Trouble.HELD: 3}
    )


class _Way:
    """One direction of a connection: what is put into it comes out in its order, later."""

    def __init__(self, clock: IReactorTime, deliver: Callable[[bytes], None]) -> None:
        self._clock = clock
        self._deliver = deliver
        self._free_s = 0.0
        self._calls: set[IDelayedCall] = set()

    def put(self, data: bytes, delay_s: float) -> None:
        """Deliver after a while, and behind what was put into it before."""
        now_s = self._clock.seconds()
        self._free_s = max(self._free_s, now_s + delay_s)
        call = self._clock.callLater(self._free_s - now_s, self._arrive, data)
        self._calls.add(call)

    def hold(self, seconds: float) -> None:
        """Nothing comes out for so long."""
        self._free_s = max(self._free_s, self._clock.seconds() + seconds)

    def lose(self) -> None:
        """What is under way never arrives."""
        for call in self._calls:
            if call.active():
                call.cancel()
        self._calls.clear()

    def _arrive(self, data: bytes) -> None:
        self._calls = {call for call in self._calls if call.active()}
        self._deliver(data)


class BadWire(ProtocolWrapper):
    """One connection through a bad network."""

    #: L{BadNet}; Twisted has no type for who makes a wrapper
    factory: Any

    def __init__(self, factory: Any, wrapped: Protocol) -> None:
        super().__init__(factory, wrapped)
        self._up = _Way(factory.clock, self._send)
        self._down = _Way(factory.clock, self._receive)
        self._is_swallowing = False
        self._trouble: IDelayedCall | None = None

    def connectionMade(self) -> None:
        """It begins well."""
        super().connectionMade()
        network, random = self.factory.network, self.factory.random
        after_s = random.expovariate(1 / network.gap_s)
        self._trouble = self.factory.clock.callLater(after_s, self._have_trouble)

    def write(self, data: bytes) -> None:
        """The charger says something."""
        if not self._is_swallowing:
            self._up.put(data, self._delay_s())

    def dataReceived(self, data: bytes) -> None:
        """The cloud says something."""
        if not self._is_swallowing:
            self._down.put(data, self._delay_s())

    def loseConnection(self) -> None:
        """The charger hangs up, when what it said has arrived."""
        self.factory.clock.callLater(self.factory.network.most_delay_s, super().loseConnection)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """It has gone."""
        self._end()
        super().connectionLost(reason)

    def _delay_s(self) -> float:
        delay_s: float = self.factory.random.uniform(0, self.factory.network.most_delay_s)
        return delay_s

    def _send(self, data: bytes) -> None:
        super().write(data)

    def _receive(self, data: bytes) -> None:
        super().dataReceived(data)

    def _have_trouble(self) -> None:
        network, random = self.factory.network, self.factory.random
        kinds, weights = zip(*network.troubles.items(), strict=True)
        kind = random.choices(kinds, weights)[0]
        self.factory.had[kind] = self.factory.had.get(kind, 0) + 1
        if kind is Trouble.HALF_OPEN:
            # whoever notices first hangs up
            self._is_swallowing = True
            self._up.lose()
            self._down.lose()
        elif kind is Trouble.HELD:
            self._down.hold(random.uniform(*network.held_s))
            after_s = random.expovariate(1 / network.gap_s)
            self._trouble = self.factory.clock.callLater(after_s, self._have_trouble)
        else:
            self._end()
            transport: Any = self.transport
            transport.abortConnection()

    def _end(self) -> None:
        self._up.lose()
        self._down.lose()
        if self._trouble is not None and self._trouble.active():
            self._trouble.cancel()


class BadNet(WrappingFactory):
    """
    Puts a bad network around the connections of a factory.

    @ivar had: how often each trouble came.
    """

    protocol = BadWire
    noisy = False

    def __init__(
        self, wrapped: "Factory[Any]", network: Network, clock: IReactorTime, random: Random
    ) -> None:
        super().__init__(wrapped)
        self.network = network
        self.clock = clock
        self.random = random
        self.had: dict[Trouble, int] = {}
