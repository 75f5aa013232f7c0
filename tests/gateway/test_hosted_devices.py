"""Native devices that share a host's connection: one is turned away, the others stay."""

import pytest
from attrs import define, evolve, field

from chargecloud.dialects.native.charger import NativeCharger
from chargecloud.dialects.native.dialect import NativeDialect
from chargecloud.dialects.native.received import Relayed
from chargecloud.domain.charger import Secret
from chargecloud.gateway.connection import (
    MOST_EARLY,
    AskAdmission,
    AskCredentials,
    Connection,
    LetGo,
    Wish,
)
from chargecloud.interfaces import Credentials
from tests.dialects.native_pair import BOOT, CONNECTION, FACTS, IDENTITY, SECRET, UPTIME_S, entropy
from tests.gateway.test_connection import ADMISSION, connection

KEY = Secret(bytes(16), 1)
OLDER_KEY = Secret(bytes(16), 7)


@define(eq=False)
class House:
    """A host's open connection, with the device D-1 that is open too."""

    cloud: Connection = field(factory=lambda: connection(NativeDialect(entropy)))
    host: NativeCharger = field(
        factory=lambda: NativeCharger(IDENTITY, SECRET, BOOT, CONNECTION, FACTS)
    )
    neighbour: NativeCharger = field(factory=lambda: new_device("D-1"))

    def __attrs_post_init__(self) -> None:
        self.host.hello(UPTIME_S)
        self.say()
        self.cloud.credentials(IDENTITY, Credentials(SECRET))
        self.host.receive(self.cloud.data_to_send())
        assert isinstance(self.say()[0], AskAdmission)
        self.cloud.admitted(IDENTITY, ADMISSION)
        self.relay(1, self.neighbour.data_to_send())
        self.cloud.credentials("D-1", Credentials(KEY))
        self.give(1, self.neighbour)
        self.relay(1, self.neighbour.data_to_send())
        self.cloud.admitted("D-1", ADMISSION)

    def say(self) -> list[Wish]:
        """Carry what the host has to send."""
        return list(self.cloud.receive(self.host.data_to_send()))

    def relay(self, address: int, *pieces: bytes) -> list[Wish]:
        """Carry pieces of what a device says; all come at once."""
        for piece in pieces:
            self.host.relay(address, piece)
        return self.say()

    def give(self, address: int, device: NativeCharger) -> None:
        """Carry to a device what the cloud has for it."""
        for received in self.host.receive(self.cloud.data_to_send()):
            if isinstance(received, Relayed) and received.address == address:
                device.receive(received.data)

    def ended(self) -> list[int]:
        """The addresses whose streams the cloud has ended since."""
        received = self.host.receive(self.cloud.data_to_send())
        return [each.address for each in received if isinstance(each, Relayed) and not each.data]

    def goes_on(self) -> bool:
        """Whether host and neighbour are there, and nobody else."""
        self.host.heartbeat()
        self.neighbour.heartbeat()
        self.relay(1, self.neighbour.data_to_send())
        there = self.cloud.sessions.keys() == {IDENTITY, "D-1"}
        return there and self.cloud.failure is None


def new_device(identity: str, secret: Secret = KEY) -> NativeCharger:
    """A device that is switched on."""
    device = NativeCharger(identity, secret, 1, 0, FACTS)
    device.hello(1)
    return device


def test_a_device_that_nobody_knows_is_turned_away_alone() -> None:
    """And so each time that it comes again."""
    house = House()
    for _ in range(3):
        hello = new_device("D-2").data_to_send()
        assert house.relay(2, hello) == [AskCredentials("D-2")]
        assert house.cloud.credentials("D-2", None) == []
        assert house.ended() == [2]
        assert house.goes_on()


def test_a_device_with_another_generation_of_its_key_is_turned_away_alone() -> None:
    """Its session ends with its stream; with the right key it is let in."""
    house = House()
    for _ in range(3):
        hello = new_device("D-2", OLDER_KEY).data_to_send()
        assert house.relay(2, hello) == [AskCredentials("D-2")]
        assert house.cloud.credentials("D-2", Credentials(KEY)) == [LetGo("D-2", None)]
        assert house.ended() == [2]
        assert house.goes_on()
    device = new_device("D-2")
    assert house.relay(2, device.data_to_send()) == [AskCredentials("D-2")]
    house.cloud.credentials("D-2", Credentials(KEY))
    house.give(2, device)
    wish = house.relay(2, device.data_to_send())[0]
    assert isinstance(wish, AskAdmission)
    assert wish.identity == "D-2"


def test_a_device_that_is_barred_is_turned_away_alone() -> None:
    """It has proved itself, and may not speak all the same."""
    house = House()
    device = new_device("D-2")
    house.relay(2, device.data_to_send())
    house.cloud.credentials("D-2", Credentials(KEY))
    house.give(2, device)
    house.relay(2, device.data_to_send())
    house.cloud.refused("D-2")
    assert house.ended() == [2]
    assert house.goes_on()


@pytest.mark.parametrize("pieces", [(b"",), (b"\xc1" * 250,) * 6], ids=["ends", "babbles"])
def test_a_device_that_comes_and_goes_at_once_is_not_looked_up(pieces: tuple[bytes, ...]) -> None:
    """Its host sends both in the same bytes: nobody is there any more to be welcomed; and
    one that comes again behind it is looked up once."""
    house = House()
    hello = new_device("D-2").data_to_send()
    assert house.relay(2, hello, *pieces) == [LetGo("D-2", None)]
    assert house.goes_on()
    again = new_device("D-2").data_to_send()
    wishes = house.relay(2, hello, *pieces, again)
    assert [each for each in wishes if isinstance(each, AskCredentials)] == [AskCredentials("D-2")]


def test_who_is_turned_away_again_and_again_costs_nobody_the_record_of_a_login() -> None:
    """Frames that come before a login's end are kept until then, and only so many."""
    house = House()
    for _ in range(MOST_EARLY):
        house.relay(2, new_device("D-2").data_to_send())
        house.cloud.credentials("D-2", None)
        house.ended()
    device = new_device("D-3")
    hello = device.data_to_send()
    house.relay(3, hello)
    house.cloud.credentials("D-3", Credentials(KEY))
    house.give(3, device)
    house.relay(3, device.data_to_send())
    house.cloud.admitted("D-3", evolve(ADMISSION, charger_id=3))
    assert [frame.raw for frame in house.cloud.recorder.of(3)][-1:] == [hello]
