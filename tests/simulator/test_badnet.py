"""A bad network does to a connection what it says, and never changes what comes through."""

from random import Random

from attrs import define, field
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import Clock
from twisted.test.iosim import FakeTransport, IOPump, connect

from chargecloud.simulator.badnet import BadNet, Network, Trouble


@define(eq=False)
class End(Protocol):
    """One end, which keeps what it hears."""

    heard: bytes = b""
    is_lost: bool = False

    def dataReceived(self, data: bytes) -> None:
        """Something comes."""
        self.heard += data

    def connectionLost(self, reason: object = None) -> None:
        """The connection has gone."""
        self.is_lost = True


@define(eq=False)
class Joined:
    """Two ends with a bad network between them."""

    network: Network
    clock: Clock = field(factory=Clock)
    charger: End = field(factory=End)
    cloud: End = field(factory=End)
    net: BadNet = field(init=False)
    pump: IOPump = field(init=False)

    def __attrs_post_init__(self) -> None:
        factory = Factory.forProtocol(lambda: self.charger)
        self.net = BadNet(factory, self.network, self.clock, Random(1))
        wire = self.net.buildProtocol(None)
        assert wire is not None
        self.pump = connect(
            self.cloud,
            FakeTransport(self.cloud, isServer=True),
            wire,
            FakeTransport(wire, isServer=False),
        )

    def after(self, seconds: float) -> None:
        """Let time pass, and carry bytes."""
        self.pump.flush()
        for _ in range(int(seconds * 10)):
            self.clock.advance(0.1)
            self.pump.flush()

    def talk(self, seconds: int) -> tuple[bytes, bytes]:
        """Both ends say something each second; what was said up and down."""
        up, down = b"", b""
        for number in range(seconds):
            if self.charger.is_lost:
                break
            up += bytes((number,))
            down += bytes((255 - number,))
            assert self.charger.transport is not None
            assert self.cloud.transport is not None
            self.charger.transport.write(bytes((number,)))
            self.cloud.transport.write(bytes((255 - number,)))
            self.after(1)
        return up, down


def only(trouble: Trouble, gap_s: float = 10.0) -> Joined:
    """A network that has one kind of trouble."""
    return Joined(Network(gap_s, troubles={trouble: 1}))


def test_what_comes_through_is_late_and_whole() -> None:
    """In its order, as TCP has it."""
    joined = Joined(Network(gap_s=1e9))
    up, down = joined.talk(20)
    assert (joined.cloud.heard, joined.charger.heard) == (up, down)


def test_a_cut_tells_both_and_loses_what_is_under_way() -> None:
    """What came before it is whole."""
    joined = only(Trouble.CUT)
    up, down = joined.talk(200)
    joined.after(1)
    assert joined.charger.is_lost
    assert joined.cloud.is_lost
    assert up.startswith(joined.cloud.heard)
    assert down.startswith(joined.charger.heard)
    assert joined.net.had == {Trouble.CUT: 1}


def test_a_half_open_connection_tells_nobody() -> None:
    """Both may talk on, and neither is heard."""
    joined = only(Trouble.HALF_OPEN)
    up, _down = joined.talk(100)
    assert not joined.charger.is_lost
    assert not joined.cloud.is_lost
    assert len(joined.cloud.heard) < len(up) == 100


def test_what_is_held_comes_late_and_in_order() -> None:
    """All of it, when it is let go; what goes up is not held."""
    joined = only(Trouble.HELD, gap_s=30)
    up, down = joined.talk(60)
    assert joined.cloud.heard == up
    assert down.startswith(joined.charger.heard)
    assert len(joined.charger.heard) < len(down)
