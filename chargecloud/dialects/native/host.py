"""A connection that may carry other devices' streams beside its charger's own."""

from collections.abc import Sequence

from attrs import define, field
from zope.interface import implementer

from chargecloud.dialects.native.cloud import ChargerStream
from chargecloud.dialects.native.frames import Frame
from chargecloud.dialects.native.machine import Turn
from chargecloud.dialects.native.relaying import read_relay, relay_end, relay_frames
from chargecloud.domain.commands import Command
from chargecloud.domain.errors import LimitExceeded, RemoteError
from chargecloud.domain.events import Reply
from chargecloud.interfaces import (
    Claimed,
    Credentials,
    Gone,
    Greeting,
    Heard,
    IConversation,
)

#: devices behind one charger; a host of the two-wheeler kind has 50
MOST_DEVICES = 64


@implementer(IConversation)
@define(eq=False)
class NativeConversation(ChargerStream):
    """
    A charger's connection.

    The devices that it carries have keys of their own: it can neither read nor forge what
    they say.  A device that breaks the protocol loses its stream, and nobody else anything.

    @ivar _refused: devices that were known and have no good key; the next L{receive} tells
        that they are gone.
    """

    _devices: dict[int, ChargerStream] = field(factory=dict, init=False)
    _refused: list[Gone] = field(factory=list, init=False)

    def welcome(self, identity: str, credentials: Credentials | None, greeting: Greeting) -> None:
        """Welcome or refuse a charger; see L{IConversation.welcome}."""
        address = self._address_of(identity)
        if address is None:
            super().welcome(identity, credentials, greeting)
            return
        device = self._devices[address]
        device.welcome(identity, credentials, greeting)
        if device.silence_s is None:
            # it was refused; who said that nobody knows it has no need to be told
            self._end(address)
            if credentials is not None:
                self._refused.append(Gone(identity))

    def acknowledge(self, identity: str, ticket: object, reply: Reply) -> None:
        """Answer a fact; see L{IConversation.acknowledge}."""
        address = self._address_of(identity)
        if address is None:
            super().acknowledge(identity, ticket, reply)
        else:
            self._devices[address].acknowledge(identity, ticket, reply)

    def command(self, identity: str, number: int, command: Command) -> None:
        """Send a command; see L{IConversation.command}."""
        address = self._address_of(identity)
        if address is None:
            super().command(identity, number, command)
        else:
            self._devices[address].command(identity, number, command)

    def dismiss(self, identity: str) -> bool:
        """End the stream of a device; see L{IConversation.dismiss}."""
        address = self._address_of(identity)
        if address is not None:
            self._end(address)
        # a device whose stream has ended already is away as well
        return identity != self.identity

    def receive(self, data: bytes) -> Sequence[Heard]:
        """Take bytes; see L{IConversation.receive}."""
        heard = super().receive(data)
        if not data and (self._devices or self._refused):
            # somebody was welcomed: what a device said meanwhile waits in its own stream
            heard = [*heard, *self._refused]
            self._refused.clear()
            for address in list(self._devices):
                heard += self._hear(address, b"")
        return heard

    def data_to_send(self) -> bytes:
        """Take what is to be sent, to all of them."""
        for address, device in self._devices.items():
            if data := device.data_to_send():
                self._sending += relay_frames(address, data)
        return super().data_to_send()

    def _take_relayed(self, frame: Frame, heard: list[Heard]) -> None:
        self._step(Turn.RELAY)
        address, data = read_relay(frame.body)
        if not data:
            device = self._devices.pop(address, None)
            heard += _gone(device)
            return
        if address not in self._devices:
            if len(self._devices) >= MOST_DEVICES:
                raise LimitExceeded(f"more than {MOST_DEVICES} devices on one connection")
            self._devices[address] = ChargerStream(self.entropy, self.record)
        heard += self._hear(address, data)

    def _hear(self, address: int, data: bytes) -> Sequence[Heard]:
        device = self._devices[address]
        before = device.identity
        try:
            heard = list(device.receive(data))
        except RemoteError:
            self._end(address)
            return _gone(device) if before else []
        claims = [each for each in heard if isinstance(each, Claimed)]
        if any(self._is_taken(claim.identity, device) for claim in claims):
            # two devices with one name: the one that was here first stays
            self._end(address)
            return []
        if device.failure is not None:
            self._end(address)
            return [*heard, *_gone(device)]
        return heard

    def _is_taken(self, identity: str, device: ChargerStream) -> bool:
        others = [self, *(other for other in self._devices.values() if other is not device)]
        return any(other.identity == identity for other in others)

    def _end(self, address: int) -> None:
        device = self._devices.pop(address)
        self._sending += relay_frames(address, device.data_to_send()) + relay_end(address)

    def _address_of(self, identity: str) -> int | None:
        if identity == self.identity:
            return None
        found = (at for at, device in self._devices.items() if device.identity == identity)
        return next(found, None)


def _gone(device: ChargerStream | None) -> list[Heard]:
    return [Gone(device.identity)] if device is not None and device.identity else []
